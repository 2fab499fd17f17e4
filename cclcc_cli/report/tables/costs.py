"""What groups cost: steps, images, time, memory, weights."""

import statistics
from collections.abc import Sequence

from cclcc_cli.report.gather.finished import FinishedRun
from cclcc_cli.report.gather.groups import Group, data_names, group_runs
from cclcc_cli.report.tables.best import rule_between
from cclcc_cli.report.tables.columns import (
    NAME,
    digest_column,
    group_columns,
    group_values,
    mean_of,
    row_names,
)
from cclcc_cli.report.tables.table import (
    Column,
    Row,
    Table,
    Value,
    stored_columns,
    two_places,
)
from cclcc_cli.wording import counted, duration

COST_COLUMNS = (
    Column("predictor_parameters", "M weights kept", "M", form=two_places, missing="none"),
    Column("training_parameters", "trained", "M", form=two_places, missing="none"),
    Column("learning_images", "images learnt from", form="{:.3g}".format, missing="none"),
    Column("forward_images", "forward only", form="{:.3g}".format, missing="none"),
    Column("images_per_second", "images/s", form="{:.1f}".format, missing="none"),
    Column("peak_memory_bytes", "peak GiB", "GiB", form=two_places, missing="none"),
)
"""Images are whole ones through a network per step, with a graph and without."""
_SPENT_COLUMNS = (
    Column("images", "images", form="{:.0f}".format, missing="none"),
    Column("step_seconds", "time in steps", form=duration, missing="none"),
    Column("wall_seconds", "time in all", form=duration, missing="none"),
)


def cost_values(group: Group) -> dict[str, Value]:
    """Means over the runs that say what they cost, the highest peak; None where none says."""
    known = [run.costs for run in group.runs if run.costs is not None]
    if not known:
        return dict.fromkeys(column.key for column in COST_COLUMNS)
    means = {column.key: statistics.fmean(getattr(costs, column.key) for costs in known)
             for column in COST_COLUMNS[:-1]}
    return {**means, "peak_memory_bytes": max(costs.peak_memory_bytes for costs in known)}


def build_costs(runs: Sequence[FinishedRun]) -> Table:
    """A row per group: what one of its runs cost, the mean over its seeds.

    Nothing is ranked, for less is not better where it buys nothing.
    """
    groups = group_runs(runs)
    rows = [Row({
        **group_values(group),
        "images": mean_of(run.spent.images for run in group.runs),
        "step_seconds": mean_of(run.spent.step_seconds for run in group.runs),
        "wall_seconds": mean_of(run.spent.wall_seconds for run in group.runs),
        "wall_seconds_all_seeds": _total(group.runs),
        "device": group.first.conditions.get("device and precision"),
        "memory_of": group.first.costs.memory_of if group.first.costs else None,
        **cost_values(group),
    }) for group in groups]
    return Table(
        "rows", f"{data_names(groups)}: what a run costs, mean over seeds",
        [*group_columns(groups), *_SPENT_COLUMNS,
         *stored_columns(["wall_seconds_all_seeds", "device", "memory_of"]), *COST_COLUMNS,
         digest_column(groups)],
        rule_between(rows, [group.place for group in groups]), _sentences(runs))


def build_cost_details(groups: Sequence[Group]) -> Table:
    """A row per group: steps, images seen and time, which a fair comparison has alike."""
    rows = [Row({
        "name": name, "steps": group_values(group)["steps"],
        "images": mean_of(run.learnt_from for run in group.runs),
        "minutes": mean_of(run.spent.step_seconds for run in group.runs), **cost_values(group),
    }) for group, name in zip(groups, row_names(groups), strict=True)]
    return Table("costs", "Costs", [
        NAME, Column("steps", "steps"),
        Column("images", "images learnt from, in all", form="{:.0f}".format),
        Column("minutes", "minutes", "min", form="{:.1f}".format), *COST_COLUMNS], rows, [
            "Per step: whole images through a network with a graph (learnt from) and without "
            "(forward only). In all: the former over all steps."])


def _sentences(runs: Sequence[FinishedRun]) -> list[str]:
    sentences = []
    total = _total(runs)
    if total is not None:
        known = sum(run.spent.wall_seconds is not None for run in runs)
        sentences.append(f"{counted(known, 'run')} took {duration(total)} one after another.")
    hosts = {run.spent.host for run in runs if run.spent.host}
    if len(hosts) > 1:
        sentences.append(f"They ran on {len(hosts)} machines ({', '.join(sorted(hosts))}): times "
                         "and speeds compare within one alone.")
    if any(run.costs and run.costs.memory_of == "process" for run in runs):
        sentences.append("Peak memory on a CPU is the whole process's, Python and torch included.")
    sentences.append("Times depend on what else the machine was doing.")
    return sentences


def _total(runs: Sequence[FinishedRun]) -> float | None:
    known = [run.spent.wall_seconds for run in runs if run.spent.wall_seconds is not None]
    return sum(known) if known else None
