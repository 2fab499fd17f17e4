"""From an ablation to its runs: their points, folders and states."""

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
from cclcc_cli.runs.differences import differences
from cclcc_cli.runs.folder import RunFolder
from cclcc_cli.runs.identity import RunSpec
from cclcc_cli.runs.plan_record import PlanRecord
from cclcc_cli.training.runtime import Runtime
from cclcc_cli.training.schedule import build_plan


@dataclass
class PlannedRun:
    """One run of an ablation.

    Attributes:
        points: their texts; several where points resolve to the same run.
        variant: its group's name.
        recipe: resolved.
        folder: the run folder; need not exist yet.
        digest: of the run.
        group: its digest without the seed.
        steps: optimiser steps of its budget.
        previous: the folder of another run that this point had before.
        differing: how that one differs, such as ``clcc.grid 4 -> 5``.
    """

    points: list[str]
    variant: str
    recipe: AnyRecipe
    folder: RunFolder
    digest: str
    group: str
    steps: int
    previous: Path | None = None
    differing: list[str] = field(default_factory=list)

    @property
    def point(self) -> str:
        return self.points[0]

    @property
    def state(self) -> str:
        """The folder's state; ``stale`` if it is to do and its point had another run before.

        ``damaged`` if the folder cannot be read.
        """
        try:
            state = self.folder.state
            if state == "done":
                _ = self.folder.run, self.folder.result
        except RunError:
            return "damaged"
        return "stale" if state == "to do" and self.previous is not None else state


@dataclass(frozen=True)
class AblationPlan:
    """All runs of an ablation, each once.

    Attributes:
        name: of the ablation.
        runs: in reading order.
        runtime: device, precision and threads, the same for all.
        definition: what the file says, for plan.json.
    """

    name: str
    runs: tuple[PlannedRun, ...]
    runtime: Runtime
    definition: dict[str, Any]


def make_plan(
    arrangement: Arrangement, record: PlanRecord, data_root: Path, runs_root: Path, runtime: Runtime
) -> AblationPlan:
    """Resolve every point to its run; no image is read and nothing is written.

    Args:
        arrangement: checked.
        record: the plan when it last ran.
        data_root: where stores lie; each is opened once.
        runs_root: where run folders are made.
        runtime: the same for all runs.

    Raises:
        DataError: stores are missing or do not suit the recipes; names all problems.
        RunError: groups would get unequal numbers of steps and the file does not allow it.
    """
    made = _make_runs(arrangement, data_root, runtime)
    planned: dict[str, PlannedRun] = {}
    groups: dict[str, int] = {}
    for point, run in zip(arrangement.points, made, strict=True):
        recipe = run.recipe
        steps = build_plan(recipe, len(run.labeled), recipe.batch.labeled).total_steps
        groups[_group_name(point)] = steps
        if run.digest in planned:
            planned[run.digest].points.append(point.place)
            continue
        planned[run.digest] = one = PlannedRun(
            [point.place], point.variant, recipe, RunFolder(run.folder(runs_root)),
            run.digest, run.group, steps,
        )
        if (previous := record.previous(point.place, run.digest, runs_root)) is not None:
            one.previous, one.differing = previous[0], differences(previous[1], run.describe())
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
            f"{points[0]}{f' and {len(points) - 1} more' if len(points) > 1 else ''}: {text}"
            for text, points in problems.items()
        ))
    return runs


def _group_name(point: Point) -> str:
    """The point without its seed, fold or other repetition."""
    values = {key: value for key, value in point.values.items() if key not in REPETITIONS}
    short = short_keys(values)
    return " ".join([point.variant, *(f"{short[key]}={value}" for key, value in values.items())])


def _check_budgets(groups: Mapping[str, int]) -> None:
    if len(set(groups.values())) > 1:
        listed = ", ".join(f"{group}: {steps}" for group, steps in groups.items())
        raise RunError(
            f"groups get unequal numbers of optimiser steps ({listed}); give all groups the same "
            "budget.steps, or write unequal_budgets: true into the file"
        )


@dataclass(frozen=True)
class Pace:
    """How long finished runs took: seconds per step, by group and overall."""

    by_group: Mapping[str, float]
    overall: float | None

    def seconds(self, runs: Iterable[PlannedRun]) -> float | None:
        """How long runs will take one after another; None while none is finished."""
        if self.overall is None:
            return None
        return sum(run.steps * self.by_group.get(run.group, self.overall) for run in runs)

    def wall_seconds(self, runs: Sequence[PlannedRun], workers: int) -> float | None:
        """How long runs will take with ``workers`` at once; a run is never on two workers."""
        seconds = self.seconds(runs)
        return None if seconds is None else seconds / max(1, min(workers, len(runs)))


def measure_pace(runs: Iterable[PlannedRun]) -> Pace:
    """The pace, from the status of finished runs."""
    seconds: dict[str, float] = {}
    steps: dict[str, int] = {}
    for run in runs:
        if run.state != "done":
            continue
        status = run.folder.status
        if status.elapsed is not None:
            seconds[run.group] = seconds.get(run.group, 0.0) + status.elapsed
            steps[run.group] = steps.get(run.group, 0) + max(status.step or 0, 1)
    total = sum(steps.values())
    return Pace({group: seconds[group] / steps[group] for group in steps},
                sum(seconds.values()) / total if total else None)
