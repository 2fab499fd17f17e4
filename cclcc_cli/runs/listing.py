"""Run folders in a line each: what they hold and how far they are. Light: no torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from cclcc_cli.errors import RunError
from cclcc_cli.runs.folder import RunFolder, Standing, find_runs
from cclcc_cli.runs.plan_record import read_record, record_path

STATES = (*get_args(Standing), "damaged")


@dataclass(frozen=True)
class Listed:
    """One run folder.

    Attributes:
        folder: where it lies.
        state: done, running, stopped, killed, failed, pruned, validated, to do, or damaged.
        name: of the recipe.
        data: store and size, such as ``kvasir-seg-320``.
        labeled: images that keep their labels.
        step: done, as of the last record.
        steps: of the budget; 0 before the first start.
        dice: of the best checkpoint on validation, 0 to 1; None while unfinished.
        detail: who trains it, or why it failed.
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
        states: none: any.
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
    listed = [_describe(folder) for folder in _folders(runs_root, ablation)]
    wanted = ((states, "state"), (methods, "method"), (names, "name"))
    return [one for one in listed
            if all(not allowed or getattr(one, key) in allowed for allowed, key in wanted)]


def _folders(runs_root: Path, ablation: str | None) -> list[RunFolder]:
    if ablation is None:
        return find_runs(runs_root)
    if not record_path(runs_root, ablation).exists():
        there = sorted(path.parent.name for path in runs_root.glob("ablations/*/plan.json"))
        raise RunError(f"--ablation {ablation}: none of this name has run below {runs_root}; "
                       f"there are: {', '.join(there) or 'none'}")
    places = read_record(runs_root, ablation).places.values()
    folders = dict.fromkeys(folders[-1] for folders in places)
    return [RunFolder(runs_root / folder) for folder in folders]


def _describe(folder: RunFolder) -> Listed:
    try:
        run, status, standing = folder.read_json("cell.json"), folder.status, folder.standing
        if run is None:
            return Listed(folder.path, standing)
        result = folder.read_json("result.json") if standing in ("done", "validated") else None
        owner = folder.owner if standing == "running" else None
        recipe = run["recipe"]
        return Listed(
            folder.path, standing, recipe["name"], recipe["method"],
            f"{run['data']['name']}-{run['data']['size']}", run["labeled"]["count"],
            recipe["seed"], status.get("step", 0), status.get("total_steps", 0),
            result["best"]["dice"] if result else None,
            str(owner) if owner else status.get("error") or "",
        )
    except RunError as error:
        return Listed(folder.path, "damaged", detail=str(error))
    except (KeyError, TypeError, AttributeError) as error:
        return Listed(folder.path, "damaged", detail=f"its files lack {error}")
