"""A search from its checked file to its end."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cclcc_cli.config.launch import HERE, Launch, LocalLaunch
from cclcc_cli.config.search_load import CheckedSearch
from cclcc_cli.data.store import load_store, store_path
from cclcc_cli.errors import CclccError, RunError
from cclcc_cli.launchers.launch import Launcher, open_launcher, settle_runtime
from cclcc_cli.launchers.threads import available_cores
from cclcc_cli.runs.identity import FORMAT, RunSpec
from cclcc_cli.runs.interrupt import stop_on_signals
from cclcc_cli.sweeps.display import SweepDisplay
from cclcc_cli.sweeps.search.plan import OpenSearch, planner, repeated
from cclcc_cli.sweeps.search.searcher import (
    Searcher,
    SearchSummary,
    state_counts,
)
from cclcc_cli.sweeps.search.storage import (
    is_journal,
    open_storage,
    search_folder,
    storage_address,
    storage_exists,
    talking_to,
)
from cclcc_cli.sweeps.search.study import (
    Participant,
    check_same,
    open_study,
    read_definition,
    somebody_works,
)
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
        DataError: the store is missing or does not suit.
        RunError: device, workers or budgets do not suit; or the study has begun with another
            definition and ``fresh`` is not asked for.
    """
    search = checked.search
    address = storage_address(storage, runs_root, search.name)
    former, begun = (None, {}) if fresh else _look(address, search.name)
    runtime = settle_runtime(
        launch, device, precision, workers=workers,
        fixed_threads=search.threads or (former["runtime"]["threads"] if former else None),
    )
    if not isinstance(launch, LocalLaunch):  # the others know no current folder of ours
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


def _define(checked: CheckedSearch, runs: list[RunSpec]) -> dict[str, Any]:
    """What trials must share to be compared, and what must not change lest proposals differ."""
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
        "runtime": base.identity["runtime"],
    }


def _check_budgets(opened: OpenSearch, runs: list[RunSpec]) -> None:
    if opened.checked.search.unequal_budgets:
        return
    steps = {build_plan(run.recipe, len(run.labeled), run.recipe.batch.labeled).total_steps
             for run in runs}
    if len(steps) > 1:
        raise RunError(
            f"{opened.name}: trials would get unequal numbers of optimiser steps (from "
            f"{min(steps)} to {max(steps)}); give the base budget.steps, which no other key "
            "changes, or write unequal_budgets: true into the file"
        )


def run_search(
    opened: OpenSearch, *, workers: int, display: SweepDisplay, tracking_uri: str | None,
    fresh: bool = False,
) -> SearchSummary:
    """Run the trials, so many at once.

    Raises:
        RunError: the storage failed, or the study is another's.
        LauncherError: the machines that run them are gone.
        DiskFullError: a trial's folder could not be written; the search can be gone on with.
    """
    checked, address = opened.checked, opened.address
    total = checked.num_trials
    if fresh:
        _begin_anew(opened, display)
    storage = open_storage(address, display.say)
    with talking_to(address):
        study_id = open_study(storage, opened.name, checked.search.direction, opened.definition)
        participant = Participant(storage, study_id, total)
        participant.make_trials()
    if isinstance(opened.launch, LocalLaunch) and workers > available_cores():
        display.say(f"warning: {workers} workers share {available_cores()} cores")
    _track(tracking_uri, opened.name, display, "RUNNING")
    with (
        stop_on_signals() as stop, talking_to(address), participant.alive(),
        _open_workers(opened, workers, tracking_uri) as launcher,
    ):
        summary = Searcher(
            participant, launcher.executor, launcher.terminate, workers=workers, total=total,
            plan=planner(opened, storage, tracking_uri),
            open_study=lambda: opened.load_study(storage),
            objective=checked.search.objective, display=display, stop=stop,
        ).run()
    ended = "FINISHED" if summary.over >= total else "KILLED"
    _track(tracking_uri, opened.name, display, ended)
    return summary


@contextmanager
def _open_workers(
    opened: OpenSearch, workers: int, tracking_uri: str | None
) -> Iterator[Launcher]:
    preload = ("cclcc_cli.sweeps.search.pruner",
               *(("cclcc_cli.tracking.mirror",) if tracking_uri else ()))
    with open_launcher(
        opened.launch, workers=workers, threads=opened.runtime.cpu_threads, name=opened.name,
        folder=search_folder(opened.runs_root, opened.name) / "jobs",
        shared=(opened.data_root, opened.runs_root), preload=preload,
    ) as launcher:
        try:
            yield launcher
        except BaseException:
            launcher.terminate()  # nobody would wait for them
            raise


def _begin_anew(opened: OpenSearch, display: SweepDisplay) -> None:
    """Put the former study away: a journal is kept under another name, in a database it goes."""
    if not storage_exists(opened.address):
        return
    path = Path(opened.address)
    try:
        storage = open_storage(opened.address, display.say)
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
        display.say(f"the former study is kept as {kept}")
    else:
        with talking_to(opened.address):
            storage.delete_study(study_id)
        display.say(f"the former study {opened.name} is deleted from the storage")


def _track(uri: str | None, name: str, display: SweepDisplay, status: str) -> None:
    """Tell MLflow that a search goes on, or how it ended; a tracker that is down is a warning."""
    if uri is None:
        return
    from cclcc_cli.tracking.parent import SEARCH, mark_parents

    try:
        mark_parents(uri, name, status, kind=SEARCH)
    except CclccError as error:
        display.say(f"warning: {error}")
