"""A line for each run folder: what it holds and how far it is. Loads no torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from cclcc_cli.errors import RunError
from cclcc_cli.runs.folder import RunFolder, RunState, find_runs
from cclcc_cli.runs.plan_record import planned_runs

STATES = (*get_args(RunState), "damaged")


@dataclass(frozen=True)
class Listed:
    """One run folder.

    Attributes:
        folder: where it lies.
        state: done, running, stopped, killed, failed, pruned, validated, to do, or damaged.
        name: of the recipe.
        data: store and size, such as ``kvasir-seg-320``.
        labeled: number of images that keep their labels.
        step: optimiser steps done, as of the last validation.
        steps: of the budget; 0 before the first start.
        dice: of the best checkpoint on validation, 0 to 1; None while unfinished.
        detail: the process that trains it, or why it failed.
    """

    folder: Path
    state: str
    name: str = ""
    method: str = ""
    data: str = ""
    labeled: int = 0
    seed: int = 0
    step: int = 0
    steps: int = 0
    dice: float | None = None
    detail: str = ""


def list_runs(
    runs_root: Path,
    *,
    states: Sequence[str] = (),
    methods: Sequence[str] = (),
    names: Sequence[str] = (),
    ablation: str | None = None,
) -> list[Listed]:
    """Every run folder below a root that has one of the states, methods and names asked for.

    Args:
        runs_root: where run folders are.
        states: empty for any.
        methods: likewise.
        names: of recipes, likewise.
        ablation: only the runs that its plan had when it last ran.

    Raises:
        RunError: there is no such folder, state or ablation.
    """
    for state in states:
        if state not in STATES:
            raise RunError(f"--state {state}: unknown; allowed: {', '.join(STATES)}")
    if not runs_root.is_dir():
        raise RunError(f"{runs_root}: no such folder; name the one that holds the runs")
    folders = find_runs(runs_root) if ablation is None else planned_runs(runs_root, ablation)
    listed = [_describe(folder) for folder in folders]
    wanted = ((states, "state"), (methods, "method"), (names, "name"))
    return [one for one in listed
            if all(not allowed or getattr(one, key) in allowed for allowed, key in wanted)]


def _describe(folder: RunFolder) -> Listed:
    try:
        run, status, state = folder.run, folder.status, folder.state
        if run is None:
            return Listed(folder.path, state)
        result = folder.result if state in ("done", "validated") else None
        holder = folder.holder if state == "running" else None
        return Listed(
            folder.path, state, run.recipe.name, run.recipe.method,
            f"{run.data.name}-{run.data.size}", run.labeled.count, run.recipe.seed,
            status.step or 0, status.total_steps or 0, result.best.dice if result else None,
            str(holder) if holder else status.error or "",
        )
    except RunError as error:
        return Listed(folder.path, "damaged", detail=str(error))
