"""A search from its checked file to its end."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial

from cclcc_cli.config.design import short_keys
from cclcc_cli.config.recipes import AnyRecipe
from cclcc_cli.config.search_load import CheckedSearch
from cclcc_cli.config.space import as_text
from cclcc_cli.data.store import Store, load_store, store_path
from cclcc_cli.errors import CclccError, DataError, RunError
from cclcc_cli.experiments.ablate import Board
from cclcc_cli.experiments.cell import FORMAT, Cell
from cclcc_cli.experiments.interrupt import stop_on_signals
from cclcc_cli.experiments.local_pool import LocalPool
from cclcc_cli.experiments.plan import available_cores, share_threads
from cclcc_cli.experiments.search_judge import TrialCell, build_pruner
from cclcc_cli.experiments.search_sampler import Proposer, suggest
from cclcc_cli.experiments.search_storage import (
    is_journal,
    open_storage,
    storage_address,
    storage_exists,
    talking_to,
)
from cclcc_cli.experiments.search_study import (
    Participant,
    check_same,
    load_study,
    open_study,
    read_definition,
    somebody_works,
    unused_name,
)
from cclcc_cli.experiments.searcher import (
    Searcher,
    SearchSummary,
    TrialImpossible,
    TrialPlan,
    folder_name,
    state_counts,
)
from cclcc_cli.experiments.worker import Task
from cclcc_cli.training.runtime import Device, Precision, Runtime, resolve_runtime
from cclcc_cli.training.schedule import build_plan

SHOWN_PROPOSALS = 10
OWN_SETTING = "the base"


@dataclass(frozen=True)
class _Threads:
    threads: int | None


@dataclass(frozen=True)
class OpenSearch:
    """A search, where it keeps its trials, and what all of them share.

    Attributes:
        checked: the file.
        address: of the storage.
        definition: what may not change while the study lives.
        begun: trials by state, where the study exists already.
        runtime: device, precision and threads, the same for all.
        steps: optimiser steps of the base.
        every: steps between validations.
        store: the data.
        data_root: where stores lie.
        runs_root: where run folders are made.
    """

    checked: CheckedSearch
    address: str
    definition: dict[str, Any]
    begun: dict[str, int]
    runtime: Runtime
    steps: int
    every: int
    store: Store
    data_root: Path
    runs_root: Path

    @property
    def name(self) -> str:
        return self.checked.search.name

    @property
    def num_cells(self) -> int:
        """Trainings, if no trial is pruned."""
        return self.checked.num_trials * len(self.checked.search.repetitions)

    def load_study(self, storage: BaseStorage) -> Study:
        """The study as it is now."""
        search = self.checked.search
        pruner = build_pruner(search.pruner, self.steps, len(search.repetitions), self.every)
        return load_study(storage, self.name, Proposer.of(self.checked), pruner)


def open_search(
    checked: CheckedSearch,
    *,
    data_root: Path,
    runs_root: Path,
    storage: str | None,
    device: Device,
    precision: Precision,
    workers: int,
    fresh: bool = False,
) -> OpenSearch:
    """Check a search against its data and its study; nothing is written.

    Raises:
        DataError: the store is missing or does not suit.
        RunError: device, workers or budgets do not suit; or the study has begun with another
            definition and ``fresh`` is not asked for.
    """
    search = checked.search
    address = storage_address(storage, runs_root, search.name)
    former, begun = (None, {}) if fresh else _look(address, search.name)
    chosen = resolve_runtime(device, precision)
    recorded = _Threads(former["runtime"]["threads"] if former else None)
    threads = share_threads(search, recorded, workers)
    runtime = Runtime(chosen.device, chosen.precision, threads=threads)
    data = checked.base.data
    store = load_store(store_path(data_root, data.name, data.size))
    cells = [Cell(recipe, store, runtime)
             for recipe in [*_repeated(checked, checked.base), *checked.probes]]
    for cell in cells:
        cell.check_data()
    base = cells[0]
    plan = build_plan(base.recipe, len(base.labeled), base.recipe.batch.labeled)
    opened = OpenSearch(
        checked, address, _define(checked, cells[: len(search.repetitions)]), begun, runtime,
        plan.total_steps, plan.validate_every, store, data_root, runs_root,
    )
    _check_budgets(opened, cells)
    if former is not None:
        check_same(search.name, former, opened.definition)
    return opened


def _look(address: str, name: str) -> tuple[dict[str, Any] | None, dict[str, int]]:
    if not storage_exists(address):
        return None, {}
    storage = open_storage(address)
    with talking_to(address):
        definition = read_definition(storage, name)
        if definition is None:
            return None, {}
        trials = storage.get_all_trials(storage.get_study_id_from_name(name), deepcopy=False)
    return definition, state_counts(trials)


def _repeated(checked: CheckedSearch, recipe: AnyRecipe) -> Iterator[AnyRecipe]:
    """A recipe with each seed or fold of the search."""
    for changes in checked.search.repetitions:
        values = recipe.model_dump()
        if "data.fold" in changes:
            values["data"]["fold"] = changes["data.fold"]
        if "seed" in changes:
            values["seed"] = changes["seed"]
        yield type(recipe).model_validate(values)


def _define(checked: CheckedSearch, cells: list[Cell]) -> dict[str, Any]:
    """What trials must share to be compared, and what must not change lest proposals differ."""
    search, base = checked.search, cells[0]
    kept = search.model_dump(mode="json", include={
        "space", "objective", "seeds", "folds", "sampler", "pruner", "unequal_budgets"})
    recipe = base.recipe.model_dump(mode="json", exclude={"name", "seed"})
    recipe["data"]["fold"] = None
    return {
        **kept,
        "seed": None if search.seeds else base.recipe.seed,
        "listed": [dict(point) for point in checked.listed],
        "base": recipe,
        "format": FORMAT,
        "data digest": base.store.info.digest,
        "split digest": [cell.splits.digest() for cell in cells],
        "runtime": base.identity["runtime"],
    }


def _check_budgets(opened: OpenSearch, cells: list[Cell]) -> None:
    if opened.checked.search.unequal_budgets:
        return
    steps = {build_plan(cell.recipe, len(cell.labeled), cell.recipe.batch.labeled).total_steps
             for cell in cells}
    if len(steps) > 1:
        raise RunError(
            f"{opened.name}: trials would get unequal numbers of optimiser steps (from "
            f"{min(steps)} to {max(steps)}); give the base budget.steps, which no other key "
            "changes, or write unequal_budgets: true into the file"
        )


def first_proposals(opened: OpenSearch) -> list[dict[str, Any]]:
    """The settings of the first trials, as far as they do not depend on results."""
    search, name = opened.checked.search, unused_name()
    startup = getattr(search.sampler, "startup_trials", opened.checked.num_trials)
    count = min(opened.checked.num_trials, max(startup, len(opened.checked.listed)),
                SHOWN_PROPOSALS)
    storage = InMemoryStorage()
    study = optuna.create_study(storage=storage, study_name=name, direction=search.direction,
                                sampler=Proposer.of(opened.checked))
    return [suggest(search.space, study.ask()) for _ in range(count)]


def run_search(
    opened: OpenSearch, *, workers: int, board: Board, tracking_uri: str | None,
    fresh: bool = False,
) -> SearchSummary:
    """Run the trials with so many processes on this machine.

    Raises:
        RunError: the storage failed, or the study is another's.
    """
    checked, address = opened.checked, opened.address
    total = checked.num_trials
    if fresh:
        _begin_anew(opened, board)
    storage = open_storage(address, board.say)
    with talking_to(address):
        study_id = open_study(storage, opened.name, checked.search.direction, opened.definition)
        participant = Participant(storage, study_id, total)
        participant.make_trials()
    if workers > available_cores():
        board.say(f"warning: {workers} workers share {available_cores()} cores")
    _track(tracking_uri, opened.name, board, "RUNNING")
    with (
        stop_on_signals() as stop, talking_to(address), participant.alive(),
        _open_workers(workers) as (executor, terminate),
    ):
        summary = Searcher(
            participant, executor, terminate, workers=workers, total=total,
            plan=_planner(opened, storage, tracking_uri),
            open_study=lambda: opened.load_study(storage),
            objective=checked.search.objective, board=board, stop=stop,
        ).run()
    ended = "FINISHED" if summary.over >= total else "KILLED"
    _track(tracking_uri, opened.name, board, ended)
    return summary


@contextmanager
def _open_workers(workers: int) -> Iterator[tuple[Executor, Callable[[], None]]]:
    """An executor, and what asks its running tasks to save and leave."""
    with LocalPool(workers) as pool:
        try:
            yield pool, pool.terminate
        except BaseException:
            pool.terminate()  # nobody would wait for them
            raise


def _begin_anew(opened: OpenSearch, board: Board) -> None:
    """Put the former study away: a journal is kept under another name, in a database it goes."""
    if not storage_exists(opened.address):
        return
    path = Path(opened.address)
    try:
        storage = open_storage(opened.address, board.say)
        with talking_to(opened.address):
            study_id = storage.get_study_id_from_name(opened.name)
            if somebody_works(storage, study_id):
                raise RunError(f"{opened.name}: another process works on the study; stop it first")
    except KeyError:
        return
    except RunError as error:
        if not is_journal(opened.address) or "cannot be read" not in str(error):
            raise
    if is_journal(opened.address):
        kept = next(place for number in range(1, 10_000)
                    if not (place := path.with_name(f"{path.name}.former-{number}")).exists())
        path.rename(kept)
        board.say(f"the former study is kept as {kept}")
    else:
        with talking_to(opened.address):
            storage.delete_study(study_id)
        board.say(f"the former study {opened.name} is deleted from the storage")


def _planner(
    opened: OpenSearch, storage: BaseStorage, tracking_uri: str | None
) -> Callable[[FrozenTrial], TrialPlan]:
    """What turns a taken trial into its trainings."""

    def plan(trial: FrozenTrial) -> TrialPlan:
        space = opened.checked.search.space
        study = opened.load_study(storage)
        setting = suggest(space, Trial(study, trial._trial_id))
        return plan_trial(opened, trial.number, setting, tracking_uri)

    return plan


def plan_trial(
    opened: OpenSearch, number: int, setting: Mapping[str, Any], tracking_uri: str | None
) -> TrialPlan:
    """The trainings of a setting.

    Raises:
        TrialImpossible: it is no valid recipe, or would have more or fewer steps than the others.
    """
    search = opened.checked.search
    short = short_keys(setting)
    words = {short[key]: as_text(value) for key, value in setting.items()}
    cell = TrialCell(
        address=opened.address, study=search.name, number=number, index=0,
        count=len(search.repetitions), steps=opened.steps, every=opened.every,
        objective=search.objective, higher=search.direction == "maximize", pruner=search.pruner,
        setting=words,
    )
    tasks = []
    try:
        recipe = opened.checked.recipe(setting, f"{search.name[:50]}-trial{number}")
        for index, repeated in enumerate(_repeated(opened.checked, recipe)):
            made = Cell(repeated, opened.store, opened.runtime)
            made.check_data()
            steps = _check_steps(opened, made)
            tasks.append(Task(
                repeated, made.folder(opened.runs_root), opened.data_root, opened.runs_root,
                opened.runtime, tracking_uri, None,
                replace(cell, index=index, steps=steps),
            ))
    except CclccError as error:
        raise TrialImpossible(" ".join(str(error).split())) from error
    return TrialPlan(
        " ".join(f"{key}={value}" for key, value in words.items()), tuple(tasks), steps,
        {"setting from": _source(opened.checked, number),
         "run folders": [folder_name(task) for task in tasks]},
    )


def _source(checked: CheckedSearch, number: int) -> str:
    """Whose proposal a trial is."""
    if checked.published and number == 0:
        return OWN_SETTING
    listed = len(checked.search.enqueue) + checked.published
    return "listed" if number < listed else checked.search.sampler.kind


def _check_steps(opened: OpenSearch, cell: Cell) -> int:
    """The cell's optimiser steps, which are those of all others."""
    plan = build_plan(cell.recipe, len(cell.labeled), cell.recipe.batch.labeled)
    if plan.total_steps != opened.steps and not opened.checked.search.unequal_budgets:
        raise DataError(f"{plan.total_steps} optimiser steps against {opened.steps} of the others")
    return plan.total_steps


def _track(uri: str | None, name: str, board: Board, status: str) -> None:
    """Tell MLflow that a search goes on, or how it ended; a tracker that is down is a warning."""
    if uri is None:
        return
    from cclcc_cli.experiments.mlflow_parent import SEARCH, mark_parents

    try:
        mark_parents(uri, name, status, kind=SEARCH)
    except CclccError as error:
        board.say(f"warning: {error}")
