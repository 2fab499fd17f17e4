"""Where numbers come from: data, software, machines, and how to make every run again."""

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from cclcc_cli.report.gather.details import GroupDetails, RunDetails
from cclcc_cli.report.gather.groups import look_alike, row_name
from cclcc_cli.report.tables.details import plain_layout
from cclcc_cli.report.tables.layouts import Layout

_PLACES = (
    ("cclcc", ("environment", "cclcc")), ("Python", ("environment", "python")),
    ("git commit of the working folder", ("environment", "git_commit")),
    ("uncommitted changes", ("environment", "git_dirty")),
    ("platform", ("environment", "platform")), ("processor", ("environment", "cpu")),
    ("cores", ("environment", "cores")), ("GPU", ("environment", "gpu")),
    ("device", ("cell", "runtime", "device")), ("precision", ("cell", "runtime", "precision")),
    ("threads", ("cell", "runtime", "threads")),
)
RUN_COLUMNS = ("group", "seed", "run", "steps", "best step", "images learnt from", "minutes",
               "test read", "ended")


@dataclass(frozen=True)
class Origin:
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


def lay_out_sources(groups: Sequence[GroupDetails]) -> Layout:
    """A row for each data set: its digests and splits."""
    columns = ("data", "digest of the data", "digest of the splits", "splits")
    rows = dict.fromkeys(
        (group.group.first.data, run.text("cell", "data", "digest"),
         run.text("cell", "split_digest"), run.text("cell", "splits", "rule"))
        for group in groups for run in group.runs)
    return plain_layout(columns, [list(row) for row in rows])


def lay_out_software(groups: Sequence[GroupDetails]) -> Layout:
    """A row for each version or device, with what runs had; several where they differ."""
    runs = [run for group in groups for run in group.runs]
    packages = dict.fromkeys(name for run in runs
                             for name in run.environment.get("packages", {}))
    places = [*_PLACES, *((name, ("environment", "packages", name)) for name in packages)]
    rows = []
    for name, (part, *keys) in places:
        values = Counter(run.text(part, *keys) for run in runs)
        if set(values) != {""}:
            told = [value or "not stated" if len(values) == 1 else
                    f"{value or 'not stated'} ({count} of {len(runs)} runs)"
                    for value, count in values.items()]
            rows.append([name, "; ".join(told)])
    return plain_layout(("what", "value"), rows)


def lay_out_runs(groups: Sequence[GroupDetails]) -> Layout:
    """A row for each run: its cell, what it took, and how often it read the test split."""
    alike = look_alike([group.group for group in groups])
    return plain_layout(RUN_COLUMNS, [
        [row_name(group.group, alike), str(run.run.seed), run.text("cell", "digest")[:12],
         str(run.run.steps), run.text("result", "best", "step"), _images(run), _minutes(run),
         str(run.run.test_reads), run.text("status", "finished")[:16].replace("T", " ")]
        for group in groups for run in group.runs
    ], num_keys=2)


def find_origins(groups: Sequence[GroupDetails]) -> list[Origin]:
    """How each group's runs are made again."""
    alike = look_alike([group.group for group in groups])
    return [
        Origin(row_name(group.group, alike), group.group.first.group, group.recipe_text,
               [rebuild_command(run) for run in group.runs],
               list(dict.fromkeys(filter(None, (run.text("environment", "command")
                                                for run in group.runs)))))
        for group in groups
    ]


def rebuild_command(run: RunDetails) -> str:
    """Trains the same cell from its ``recipe.yaml``, prepared data provided."""
    words = ["cclcc", "train", "recipe.yaml", "--seed", str(run.run.seed),
             "--device", run.text("cell", "runtime", "device"),
             "--precision", run.text("cell", "runtime", "precision")]
    for name in ("threads", "processes"):
        if count := run.text("cell", "runtime", name):
            words += [f"--{name}", count]
    return shlex.join(words)


def _images(run: RunDetails) -> str:
    """Whole images through a network with a graph, over all steps."""
    costs = run.run.costs
    return "" if costs is None else f"{costs.learning_images * run.run.steps:.0f}"


def _minutes(run: RunDetails) -> str:
    seconds = run.status.get("seconds")
    return f"{seconds / 60:.1f}" if isinstance(seconds, int | float) and seconds else ""
