"""From an ablation to its cells: what each is called, where it lies, how far it is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cclcc_cli.config.ablation import Arrangement
from cclcc_cli.config.definition import define
from cclcc_cli.config.design import REPETITIONS, Point, short_keys
from cclcc_cli.config.recipes import AnyRecipe
from cclcc_cli.data.store import Store, load_store, store_path
from cclcc_cli.errors import CclccError, DataError, RunError
from cclcc_cli.runs.folder import RunFolder
from cclcc_cli.runs.identity import Cell
from cclcc_cli.runs.plan_record import Former, PlanRecord
from cclcc_cli.training.runtime import Runtime
from cclcc_cli.training.schedule import build_plan


@dataclass
class PlannedCell:
    """One training of an ablation.

    Attributes:
        places: what it is called in the plan; several where points come to the same cell.
        variant: its arm's name.
        recipe: resolved.
        folder: where it lies or will lie.
        digest: of the cell.
        arm: of the cell without its seed.
        steps: optimiser steps of its budget.
        former: where another cell had this place before.
        differing: how that one differs, such as ``clcc.grid 4 -> 5``.
    """

    places: list[str]
    variant: str
    recipe: AnyRecipe
    folder: RunFolder
    digest: str
    arm: str
    steps: int
    former: Path | None = None
    differing: list[str] = field(default_factory=list)

    @property
    def place(self) -> str:
        return self.places[0]

    @property
    def standing(self) -> str:
        """As the folder says; ``stale`` where it is to do and another cell had its place.

        ``damaged`` where the folder cannot be read.
        """
        try:
            standing = self.folder.standing
        except RunError:
            return "damaged"
        return "stale" if standing == "to do" and self.former is not None else standing


@dataclass(frozen=True)
class AblationPlan:
    """All cells of an ablation, each once.

    Attributes:
        name: of the ablation.
        cells: in reading order.
        runtime: device, precision and threads, the same for all.
        definition: what the file says, for the record.
    """

    name: str
    cells: tuple[PlannedCell, ...]
    runtime: Runtime
    definition: dict[str, Any]


def make_plan(
    arrangement: Arrangement, record: PlanRecord, data_root: Path, runs_root: Path, runtime: Runtime
) -> AblationPlan:
    """Resolve every point to its cell; no pixel is read and nothing is written.

    Args:
        arrangement: checked.
        record: what the plan was when it last ran.
        data_root: where stores lie; each is opened once.
        runs_root: where run folders are made.
        runtime: the same for all cells.

    Raises:
        DataError: stores are missing or do not suit the recipes; names all problems.
        RunError: arms would get unequal numbers of steps and the file does not say so.
    """
    made = _make_cells(arrangement, data_root, runtime)
    planned: dict[str, PlannedCell] = {}
    arms: dict[str, int] = {}
    for point, cell in zip(arrangement.points, made, strict=True):
        recipe = cell.recipe
        steps = build_plan(recipe, len(cell.labeled), recipe.batch.labeled).total_steps
        arms[_arm_name(point)] = steps
        if cell.digest in planned:
            planned[cell.digest].places.append(point.place)
            continue
        planned[cell.digest] = one = PlannedCell(
            [point.place], point.variant, recipe, RunFolder(cell.folder(runs_root)),
            cell.digest, cell.arm, steps,
        )
        if (former := record.former(point.place, cell.digest, runs_root)) is not None:
            one.former, one.differing = former.path, _differences(former, cell)
    if not arrangement.ablation.unequal_budgets:
        _check_budgets(arms)
    return AblationPlan(arrangement.ablation.name, tuple(planned.values()), runtime,
                        define(arrangement))


def _make_cells(arrangement: Arrangement, data_root: Path, runtime: Runtime) -> list[Cell]:
    stores: dict[Path, Store] = {}
    cells: list[Cell] = []
    problems: dict[str, list[str]] = {}
    for point, recipe in zip(arrangement.points, arrangement.recipes, strict=True):
        path = store_path(data_root, recipe.data.name, recipe.data.size)
        try:
            if path not in stores:
                stores[path] = load_store(path)
            cell = Cell(recipe, stores[path], runtime)
            cell.check_data()
        except CclccError as error:
            problems.setdefault(str(error), []).append(point.place)
        else:
            cells.append(cell)
    if problems:
        raise DataError("\n".join(
            f"{places[0]}{f' and {len(places) - 1} more' if len(places) > 1 else ''}: {text}"
            for text, places in problems.items()
        ))
    return cells


def _arm_name(point: Point) -> str:
    """The place without what merely repeats it."""
    values = {key: value for key, value in point.values.items() if key not in REPETITIONS}
    short = short_keys(values)
    return " ".join([point.variant, *(f"{short[key]}={value}" for key, value in values.items())])


def _check_budgets(arms: Mapping[str, int]) -> None:
    if len(set(arms.values())) > 1:
        listed = ", ".join(f"{arm}: {steps}" for arm, steps in arms.items())
        raise RunError(
            f"arms get unequal numbers of optimiser steps ({listed}); give all the same "
            "budget.steps, or write unequal_budgets: true into the file"
        )


def _differences(former: Former, cell: Cell) -> list[str]:
    new = _flat(_identity(cell.describe()))
    old = _flat(_identity(former.cell))
    return [f"{key} {old.get(key, 'none')} -> {new.get(key, 'none')}"
            for key in dict.fromkeys([*old, *new]) if old.get(key) != new.get(key)]


def _identity(described: Mapping[str, Any]) -> dict[str, Any]:
    recipe = {key: value for key, value in described["recipe"].items() if key != "name"}
    return {**recipe, **{key: described[key] for key in ("format", "runtime")},
            "data digest": described["data"]["digest"][:12],
            "split digest": described["split_digest"][:12]}


def _flat(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {
            prefix + key: value}
    return flat


@dataclass(frozen=True)
class Pace:
    """How long cells took, from the finished ones: seconds per step by arm, and over all."""

    by_arm: Mapping[str, float]
    overall: float | None

    def seconds(self, cells: Iterable[PlannedCell]) -> float | None:
        """What cells will take one after another; None while none is finished."""
        if self.overall is None:
            return None
        return sum(cell.steps * self.by_arm.get(cell.arm, self.overall) for cell in cells)

    def wall_seconds(self, cells: Sequence[PlannedCell], workers: int) -> float | None:
        """What they will take with so many at once: one cell is never on two workers."""
        seconds = self.seconds(cells)
        return None if seconds is None else seconds / max(1, min(workers, len(cells)))


def measure_pace(cells: Iterable[PlannedCell]) -> Pace:
    """Read off the status of finished cells."""
    seconds: dict[str, float] = {}
    steps: dict[str, int] = {}
    for cell in cells:
        if cell.standing != "done":
            continue
        status = cell.folder.status
        if "elapsed" in status:
            seconds[cell.arm] = seconds.get(cell.arm, 0.0) + status["elapsed"]
            steps[cell.arm] = steps.get(cell.arm, 0) + max(status["step"], 1)
    total = sum(steps.values())
    return Pace({arm: seconds[arm] / steps[arm] for arm in steps},
                sum(seconds.values()) / total if total else None)
