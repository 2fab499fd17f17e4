"""A search, from its checked file to its end."""

from pathlib import Path
from typing import Any

from cclcc_cli.config.launch import HERE, Launch, LocalLaunch
from cclcc_cli.config.search_load import CheckedSearch
from cclcc_cli.data.store import load_store, store_path
from cclcc_cli.errors import CclccError, RunError
from cclcc_cli.launchers.launch import open_launcher, settle_runtime
from cclcc_cli.runs.identity import FORMAT, RunSpec
from cclcc_cli.runs.interrupt import stop_on_signals
from cclcc_cli.sweeps.display import SweepDisplay
from cclcc_cli.sweeps.search.lease import TrialLeases, is_worked_on
from cclcc_cli.sweeps.search.plan import OpenSearch, planner, repeated
from cclcc_cli.sweeps.search.searcher import Searcher, SearchOutcome
from cclcc_cli.sweeps.search.storage import (
    JournalDamaged,
    is_journal,
    open_storage,
    search_folder,
    storage_address,
    storage_errors,
    storage_exists,
    unused_path,
)
from cclcc_cli.sweeps.search.study import check_same, open_study, read_definition
from cclcc_cli.sweeps.search.trials import state_counts
from cclcc_cli.system import available_cores
from cclcc_cli.training.runtime import Device, Precision
from cclcc_cli.training.schedule import build_plan


def open_search(
    checked: CheckedSearch,
    *,
    data_root: Path,
    runs_root: Path,
    storage: str | None,
    device: Device,
    precision: Precision,
    workers: int,
    launch: Launch = HERE,
    fresh: bool = False,
) -> OpenSearch:
    """Check a search against its data and its study; nothing is written.

    Raises:
        DataError: the store is missing or does not suit the recipes.
        RunError: device, workers or budgets are unsuitable; or the study started with another
            definition, and ``fresh`` is False.
    """
    search = checked.search
    address = storage_address(storage, runs_root, search.name)
    known, begun = (None, {}) if fresh else _look(address, search.name)
    runtime = settle_runtime(
        launch, device, precision, workers=workers,
        fixed_threads=search.threads or (known["runtime"]["threads"] if known else None),
    )
    if not isinstance(launch, LocalLaunch):  # other machines do not share our current folder
        data_root, runs_root = data_root.resolve(), runs_root.resolve()
    data = checked.base.data
    store = load_store(store_path(data_root, data.name, data.size))
    runs = [RunSpec(recipe, store, runtime)
             for recipe in [*repeated(checked, checked.base), *checked.probes]]
    for run in runs:
        run.check_data()
    base = runs[0]
    plan = build_plan(base.recipe, len(base.labeled), base.recipe.batch.labeled)
    opened = OpenSearch(
        checked, address, _define(checked, runs[: len(search.repetitions)]), begun, runtime,
        plan.total_steps, plan.validate_every, store, launch, data_root, runs_root,
    )
    _check_budgets(opened, runs)
    if known is not None:
        check_same(search.name, known, opened.definition)
    return opened


def _look(address: str, name: str) -> tuple[dict[str, Any] | None, dict[str, int]]:
    if not storage_exists(address):
        return None, {}
    storage = open_storage(address)
    with storage_errors(address):
        definition = read_definition(storage, name)
        if definition is None:
            return None, {}
        trials = storage.get_all_trials(storage.get_study_id_from_name(name), deepcopy=False)
    return definition, state_counts(trials)


def _define(checked: CheckedSearch, runs: list[RunSpec]) -> dict[str, Any]:
    """What trials must share to be comparable, and what determines the proposals."""
    search, base = checked.search, runs[0]
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
        "split digest": [run.splits.digest() for run in runs],
        "runtime": base.runtime_record.plain(),
    }


def _check_budgets(opened: OpenSearch, runs: list[RunSpec]) -> None:
    if opened.checked.search.unequal_budgets:
        return
    steps = {build_plan(run.recipe, len(run.labeled), run.recipe.batch.labeled).total_steps
             for run in runs}
    if len(steps) > 1:
        raise RunError(
            f"{opened.name}: trials would get unequal numbers of optimiser steps ({min(steps)} to "
            f"{max(steps)}); give the base budget.steps, which no other key changes, or write "
            "unequal_budgets: true into the file"
        )


def run_search(
    opened: OpenSearch, *, workers: int, display: SweepDisplay, tracking_uri: str | None,
    fresh: bool = False,
) -> SearchOutcome:
    """Run the trials, ``workers`` at once.

    Raises:
        RunError: the storage failed, or the study searches something else.
        LauncherError: the machines are gone.
        DiskFullError: a run folder could not be written; the search can continue later.
    """
    checked, address = opened.checked, opened.address
    total = checked.num_trials
    if fresh:
        _discard_study(opened, display)
    storage = open_storage(address, display.say)
    with storage_errors(address):
        study_id = open_study(storage, opened.name, checked.search.direction, opened.definition)
        leases = TrialLeases(storage, study_id, total)
        leases.make_trials()
    if isinstance(opened.launch, LocalLaunch) and workers > available_cores():
        display.say(f"warning: {workers} workers share {available_cores()} cores")
    _track(tracking_uri, opened.name, display, "RUNNING")
    with (
        stop_on_signals() as stop, storage_errors(address), leases.alive(),
        open_launcher(
            opened.launch, workers=workers, threads=opened.runtime.cpu_threads, name=opened.name,
            folder=search_folder(opened.runs_root, opened.name) / "jobs",
            shared=(opened.data_root, opened.runs_root),
            preload=("cclcc_cli.sweeps.search.pruner",
                     *(("cclcc_cli.tracking.mirror",) if tracking_uri else ())),
        ) as launcher,
    ):
        summary = Searcher(
            leases, launcher.executor, launcher.terminate, workers=workers, total=total,
            plan=planner(opened, storage, tracking_uri),
            open_study=lambda: opened.load_study(storage),
            objective=checked.search.objective, display=display, stop=stop,
        ).run()
    ended = "FINISHED" if summary.over >= total else "KILLED"
    _track(tracking_uri, opened.name, display, ended)
    return summary


def _discard_study(opened: OpenSearch, display: SweepDisplay) -> None:
    """Rename the previous study's journal, or delete the study from its database."""
    if not storage_exists(opened.address):
        return
    try:
        storage = open_storage(opened.address, display.say)
        with storage_errors(opened.address):
            study_id = storage.get_study_id_from_name(opened.name)
            if is_worked_on(storage, study_id):
                raise RunError(f"{opened.name}: another process is running the search; stop that "
                               "first")
    except KeyError:
        return
    except JournalDamaged:
        pass  # it is renamed as well
    if is_journal(opened.address):
        path = Path(opened.address)
        kept = path.rename(unused_path(path, "previous"))
        display.say(f"the previous study is kept as {kept}")
    else:
        with storage_errors(opened.address):
            storage.delete_study(study_id)
        display.say(f"the previous study {opened.name} has been deleted from the storage")


def _track(uri: str | None, name: str, display: SweepDisplay, status: str) -> None:
    """Mark a search in MLflow as running, or as ended; a tracker that is down is a warning."""
    if uri is None:
        return
    from cclcc_cli.tracking.parent import SEARCH, mark_parents

    try:
        mark_parents(uri, name, status, kind=SEARCH)
    except CclccError as error:
        display.say(f"warning: {error}")
