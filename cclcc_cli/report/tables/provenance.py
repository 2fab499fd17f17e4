"""Where numbers come from: data, software, machines, and how to make every run again."""

import shlex
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cclcc_cli.report.gather.details import GroupDetails, RunDetails
from cclcc_cli.report.tables.columns import NAME, row_names
from cclcc_cli.report.tables.table import Column, Row, Table

_PARTS: Mapping[str, Callable[[RunDetails], object]] = {
    "cclcc": lambda run: run.environment.cclcc, "Python": lambda run: run.environment.python,
    "git commit of the working folder": lambda run: run.environment.git_commit,
    "uncommitted changes": lambda run: run.environment.git_dirty,
    "platform": lambda run: run.environment.platform,
    "processor": lambda run: run.environment.cpu, "cores": lambda run: run.environment.cores,
    "GPU": lambda run: run.environment.gpu, "device": lambda run: run.record.runtime.device,
    "precision": lambda run: run.record.runtime.precision,
    "threads": lambda run: run.record.runtime.threads,
}
"""What runs ran on, by what it is called; None where a run does not say."""


@dataclass(frozen=True)
class GroupOrigin:
    """A group's recipe and the commands that train it again.

    Attributes:
        name: of the group.
        digest: of it.
        recipe: as YAML, of the first seed; empty where it is not kept.
        commands: one for each run, to be given where the recipe lies as ``recipe.yaml``.
        given: what was typed, where that is known.
    """

    name: str
    digest: str
    recipe: str
    commands: Sequence[str]
    given: Sequence[str]


def build_sources(groups: Sequence[GroupDetails]) -> Table:
    """A row for each data set: its digests and splits."""
    rows = dict.fromkeys(
        (group.group.first.data, run.record.data.digest, run.record.split_digest,
         run.record.splits.rule if run.record.splits else "")
        for group in groups for run in group.runs)
    columns = [Column("data", "data", is_key=True), Column("digest", "digest of the data"),
               Column("split_digest", "digest of the splits"), Column("splits", "splits")]
    return Table("sources", "Data and splits", columns, [
        Row(dict(zip((column.key for column in columns), row, strict=True))) for row in rows])


def build_software(groups: Sequence[GroupDetails]) -> Table:
    """A row for each version or device, with what runs had; several where they differ."""
    runs = [run for group in groups for run in group.runs]
    packages = dict.fromkeys(name for run in runs for name in run.environment.packages or {})
    found = {name: [part(run) for run in runs] for name, part in _PARTS.items()}
    found |= {name: [(run.environment.packages or {}).get(name) for run in runs]
              for name in packages}
    rows = []
    for name, values in found.items():
        counts = Counter("not stated" if value is None else str(value) for value in values)
        if set(counts) != {"not stated"}:
            texts = [text if len(counts) == 1 else f"{text} ({count} of {len(runs)} runs)"
                     for text, count in counts.items()]
            rows.append(Row({"what": name, "value": "; ".join(texts)}))
    return Table("software", "Software and machines", [
        Column("what", "what", is_key=True), Column("value", "value")], rows)


def build_runs(groups: Sequence[GroupDetails]) -> Table:
    """A row for each run: what it is, what it took, and how often it read the test split."""
    names = row_names([group.group for group in groups])
    rows = [Row({
        "name": name, "seed": run.run.seed, "run": run.record.digest[:12],
        "steps": run.run.steps, "best_step": run.run.best_step, "images": run.run.learnt_from,
        "minutes": run.run.spent.step_seconds or None, "test_reads": run.run.test_reads,
        "ended": (run.status.finished or "")[:16].replace("T", " "),
    }) for group, name in zip(groups, names, strict=True) for run in group.runs]
    return Table("runs", "Runs", [
        NAME, Column("seed", "seed", is_key=True), Column("run", "run"), Column("steps", "steps"),
        Column("best_step", "best step"),
        Column("images", "images learnt from", form="{:.0f}".format),
        Column("minutes", "minutes", "min", form="{:.1f}".format),
        Column("test_reads", "test read"), Column("ended", "ended")], rows)


def find_origins(groups: Sequence[GroupDetails]) -> list[GroupOrigin]:
    """How each group's runs are made again."""
    names = row_names([group.group for group in groups])
    return [
        GroupOrigin(name, group.group.first.group, group.recipe_text,
               [rebuild_command(run) for run in group.runs],
               list(dict.fromkeys(filter(None, (run.environment.command for run in group.runs)))))
        for group, name in zip(groups, names, strict=True)
    ]


def rebuild_command(run: RunDetails) -> str:
    """Trains the same run from its ``recipe.yaml``, prepared data provided."""
    runtime = run.record.runtime
    options = {"seed": run.run.seed, "device": runtime.device, "precision": runtime.precision,
               "threads": runtime.threads, "processes": runtime.processes}
    return shlex.join(["cclcc", "train", "recipe.yaml", *(
        word for name, value in options.items() if value is not None
        for word in (f"--{name}", str(value)))])
