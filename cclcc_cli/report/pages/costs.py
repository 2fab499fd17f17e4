"""What groups cost: steps, images, time, memory, weights."""

import statistics
from collections.abc import Callable, Sequence

from cclcc_cli.report.evidence.doubts import differing_conditions
from cclcc_cli.report.gather.finished import FinishedRun
from cclcc_cli.report.gather.groups import Group, group_runs, look_alike, share_text, steps_text
from cclcc_cli.report.gather.runs import Gathered
from cclcc_cli.report.tables.costs import COLUMNS, cost_cells, cost_record
from cclcc_cli.report.tables.layouts import Layout
from cclcc_cli.report.tables.rows import Record
from cclcc_cli.report.tables.sheet import Sheet, Table
from cclcc_cli.runs.progress import duration

SPENT_COLUMNS = ("images", "time in steps", "time in all")
"""Of one run: what its steps took in; on the device in steps alone; from start to end."""
_TOPICS = ("optimiser steps", "device and precision")


def write_cost_page(gathered: Gathered) -> Sheet:
    """A row per group: what one of its runs cost, the mean over its seeds."""
    groups = group_runs(gathered.runs)
    data = ", ".join(dict.fromkeys(group.first.data for group in groups))
    table = Table("rows", f"{data}: what a run costs, mean over seeds", lay_out_costs(groups),
                  [_record(group) for group in groups], _sentences(gathered.runs))
    notes = [text for topic, text in differing_conditions(groups, "val") if topic in _TOPICS]
    return Sheet([table], [*notes, *gathered.notes])


def lay_out_costs(groups: Sequence[Group]) -> Layout:
    """A row per group; nothing is ranked, for less is not better where it buys nothing."""
    several_data = len({group.first.data for group in groups}) > 1
    alike = look_alike(groups)
    columns = [*(["data"] if several_data else []), "method", "recipe", "labels", "seeds", "steps",
               *SPENT_COLUMNS, *COLUMNS, *(["group"] if alike else [])]
    rows = [
        [*([group.first.data] if several_data else []), group.first.method, group.recipe,
         share_text(group), group.repeated, steps_text(group.runs), *spent_cells(group),
         *cost_cells(group), *([group.digest] if alike else [])]
        for group in groups
    ]
    blank = [[0] * len(columns) for _ in rows]
    places = [group.place for group in groups]
    return Layout(columns, rows, blank, [[""] * len(columns) for _ in rows],
                  [row for row in range(1, len(rows)) if places[row] != places[row - 1]],
                  num_keys=columns.index("labels") + 1)


def spent_cells(group: Group) -> list[str]:
    """``SPENT_COLUMNS`` of a group; of runs that do not say, ``none``."""
    images = _mean(group.runs, lambda run: run.spent.images)
    times = (_mean(group.runs, lambda run: run.spent.step_seconds),
             _mean(group.runs, lambda run: run.spent.wall_seconds))
    return ["none" if images is None else f"{images:.0f}",
            *("none" if seconds is None else duration(seconds) for seconds in times)]


def _record(group: Group) -> Record:
    steps = [run.steps for run in group.runs]
    return {
        "data": group.first.data, "method": group.first.method, "recipe": group.recipe,
        "group": group.first.group, "labeled": group.first.labeled, "seeds": len(group.seeds),
        "steps_min": min(steps), "steps_max": max(steps),
        "images": _mean(group.runs, lambda run: run.spent.images),
        "step_seconds": _mean(group.runs, lambda run: run.spent.step_seconds),
        "wall_seconds": _mean(group.runs, lambda run: run.spent.wall_seconds),
        "wall_seconds_all_seeds": _total(group.runs),
        "device": group.first.conditions.get("device and precision"),
        "memory_of": group.first.costs.memory_of if group.first.costs else None,
        **cost_record(group),
    }


def _sentences(runs: Sequence[FinishedRun]) -> list[str]:
    sentences = []
    total = _total(runs)
    if total is not None:
        known = sum(run.spent.wall_seconds is not None for run in runs)
        sentences.append(f"{known} runs took {duration(total)} one after another.")
    hosts = {run.spent.host for run in runs if run.spent.host}
    if len(hosts) > 1:
        sentences.append(f"They ran on {len(hosts)} machines ({', '.join(sorted(hosts))}): times "
                         "and speeds compare within one alone.")
    if any(run.costs and run.costs.memory_of == "process" for run in runs):
        sentences.append("Peak memory on a CPU is the whole process's, Python and torch included.")
    sentences.append("Times depend on what else the machine was doing.")
    return sentences


def _mean(runs: Sequence[FinishedRun], get: Callable[[FinishedRun], float | None]) -> float | None:
    known = [value for run in runs if (value := get(run)) is not None]
    return statistics.fmean(known) if known else None


def _total(runs: Sequence[FinishedRun]) -> float | None:
    known = [run.spent.wall_seconds for run in runs if run.spent.wall_seconds is not None]
    return sum(known) if known else None
