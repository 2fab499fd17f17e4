"""From an ablation to its runs: what each is called, where it lies, how far it is."""

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
from cclcc_cli.runs.identity import RunSpec
from cclcc_cli.runs.plan_record import Former, PlanRecord
from cclcc_cli.training.runtime import Runtime
from cclcc_cli.training.schedule import build_plan


@dataclass
class PlannedRun:
    """One training of an ablation.

    Attributes:
        places: what it is called in the plan; several where points come to the same run.
        variant: its group's name.
        recipe: resolved.
        folder: where it lies or will lie.
        digest: of the run.
        group: of the run without its seed.
        steps: optimiser steps of its budget.
        former: where another run had this place before.
        differing: how that one differs, such as ``clcc.grid 4 -> 5``.
    """

    places: list[str]
    variant: str
    recipe: AnyRecipe
    folder: RunFolder
    digest: str
    group: str
    steps: int
    former: Path | None = None
    differing: list[str] = field(default_factory=list)

    @property
    def place(self) -> str:
        return self.places[0]

    @property
    def standing(self) -> str:
        """As the folder says; ``stale`` where it is to do and another run had its place.

        ``damaged`` where the folder cannot be read.
        """
        try:
            standing = self.folder.standing
        except RunError:
            return "damaged"
        return "stale" if standing == "to do" and self.former is not None else standing


@dataclass(frozen=True)
class AblationPlan:
    """All runs of an ablation, each once.

    Attributes:
        name: of the ablation.
        runs: in reading order.
        runtime: device, precision and threads, the same for all.
        definition: what the file says, for the record.
    """

    name: str
    runs: tuple[PlannedRun, ...]
    runtime: Runtime
    definition: dict[str, Any]


def make_plan(
    arrangement: Arrangement, record: PlanRecord, data_root: Path, runs_root: Path, runtime: Runtime
) -> AblationPlan:
    """Resolve every point to its run; no pixel is read and nothing is written.

    Args:
        arrangement: checked.
        record: what the plan was when it last ran.
        data_root: where stores lie; each is opened once.
        runs_root: where run folders are made.
        runtime: the same for all runs.

    Raises:
        DataError: stores are missing or do not suit the recipes; names all problems.
        RunError: groups would get unequal numbers of steps and the file does not say so.
    """
    made = _make_runs(arrangement, data_root, runtime)
    planned: dict[str, PlannedRun] = {}
    groups: dict[str, int] = {}
    for point, run in zip(arrangement.points, made, strict=True):
        recipe = run.recipe
        steps = build_plan(recipe, len(run.labeled), recipe.batch.labeled).total_steps
        groups[_group_name(point)] = steps
        if run.digest in planned:
            planned[run.digest].places.append(point.place)
            continue
        planned[run.digest] = one = PlannedRun(
            [point.place], point.variant, recipe, RunFolder(run.folder(runs_root)),
            run.digest, run.group, steps,
        )
        if (former := record.former(point.place, run.digest, runs_root)) is not None:
            one.former, one.differing = former.path, _differences(former, run)
    if not arrangement.ablation.unequal_budgets:
        _check_budgets(groups)
    return AblationPlan(arrangement.ablation.name, tuple(planned.values()), runtime,
                        define(arrangement))


def _make_runs(arrangement: Arrangement, data_root: Path, runtime: Runtime) -> list[RunSpec]:
    stores: dict[Path, Store] = {}
    runs: list[RunSpec] = []
    problems: dict[str, list[str]] = {}
    for point, recipe in zip(arrangement.points, arrangement.recipes, strict=True):
        path = store_path(data_root, recipe.data.name, recipe.data.size)
        try:
            if path not in stores:
                stores[path] = load_store(path)
            run = RunSpec(recipe, stores[path], runtime)
            run.check_data()
        except CclccError as error:
            problems.setdefault(str(error), []).append(point.place)
        else:
            runs.append(run)
    if problems:
        raise DataError("\n".join(
            f"{places[0]}{f' and {len(places) - 1} more' if len(places) > 1 else ''}: {text}"
            for text, places in problems.items()
        ))
    return runs


def _group_name(point: Point) -> str:
    """The place without what merely repeats it."""
    values = {key: value for key, value in point.values.items() if key not in REPETITIONS}
    short = short_keys(values)
    return " ".join([point.variant, *(f"{short[key]}={value}" for key, value in values.items())])


def _check_budgets(groups: Mapping[str, int]) -> None:
    if len(set(groups.values())) > 1:
        listed = ", ".join(f"{group}: {steps}" for group, steps in groups.items())
        raise RunError(
            f"groups get unequal numbers of optimiser steps ({listed}); give all the same "
            "budget.steps, or write unequal_budgets: true into the file"
        )


def _differences(former: Former, run: RunSpec) -> list[str]:
    new = _flat(_identity(run.describe()))
    old = _flat(_identity(former.run))
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
    """How long runs took, from the finished ones: seconds per step by group, and over all."""

    by_group: Mapping[str, float]
    overall: float | None

    def seconds(self, runs: Iterable[PlannedRun]) -> float | None:
        """What runs will take one after another; None while none is finished."""
        if self.overall is None:
            return None
        return sum(run.steps * self.by_group.get(run.group, self.overall) for run in runs)

    def wall_seconds(self, runs: Sequence[PlannedRun], workers: int) -> float | None:
        """What they will take with so many at once: one run is never on two workers."""
        seconds = self.seconds(runs)
        return None if seconds is None else seconds / max(1, min(workers, len(runs)))


def measure_pace(runs: Iterable[PlannedRun]) -> Pace:
    """Read off the status of finished runs."""
    seconds: dict[str, float] = {}
    steps: dict[str, int] = {}
    for run in runs:
        if run.standing != "done":
            continue
        status = run.folder.status
        if "elapsed" in status:
            seconds[run.group] = seconds.get(run.group, 0.0) + status["elapsed"]
            steps[run.group] = steps.get(run.group, 0) + max(status["step"], 1)
    total = sum(steps.values())
    return Pace({group: seconds[group] / steps[group] for group in steps},
                sum(seconds.values()) / total if total else None)
