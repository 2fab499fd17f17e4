"""A line for each run folder: what it holds and how far it is. Loads no torch."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from cclcc_cli.config.recipes import METHODS
from cclcc_cli.errors import RunError
from cclcc_cli.runs.folder import RunFolder, RunState, find_runs
from cclcc_cli.runs.plan_record import planned_runs
from cclcc_cli.wording import instead

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
        RunError: there is no such folder, state, method, recipe or ablation.
    """
    for state in states:
        if state not in STATES:
            raise RunError(f"--state {state}: unknown; {instead(state, STATES, 'allowed')}")
    if not runs_root.is_dir():
        raise RunError(f"{runs_root}: no such folder; name the one that holds the runs")
    folders = find_runs(runs_root) if ablation is None else planned_runs(runs_root, ablation)
    listed = [_describe(folder) for folder in folders]
    _check_known("--method", methods, [*METHODS, *(one.method for one in listed)])
    _check_known("--name", names, [one.name for one in listed])
    return [one for one in listed
            if (not states or one.state in states)
            and _may_be(one.method, methods) and _may_be(one.name, names)]


def _check_known(option: str, given: Sequence[str], known: Iterable[str]) -> None:
    found = dict.fromkeys(filter(None, known))
    for one in given:
        if one not in found:
            raise RunError(f"{option} {one}: unknown; {instead(one, found)}")


def _may_be(value: str, allowed: Sequence[str]) -> bool:
    """Whether a run is asked for, or is too damaged to say."""
    return not allowed or not value or value in allowed


def _describe(folder: RunFolder) -> Listed:
    found = Listed(folder.path, "damaged")
    try:
        if (run := folder.run) is not None:
            found = replace(
                found, name=run.recipe.name, method=run.recipe.method, seed=run.recipe.seed,
                data=f"{run.data.name}-{run.data.size}", labeled=run.labeled.count)
        status, state = folder.status, folder.state
        found = replace(found, step=status.step or 0, steps=status.total_steps or 0,
                        detail=status.error or "")
        folder.check_records()
    except RunError as error:
        return replace(found, detail=str(error))
    result = folder.result if state in ("done", "validated") else None
    holder = folder.holder if state == "running" else None
    return replace(found, state=state, dice=result.best.dice if result and result.best else None,
                   detail=str(holder) if holder else found.detail)
