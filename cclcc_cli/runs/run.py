"""Train one run: from a checked recipe to a finished run folder."""

import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cclcc_cli.config.plugins import plugin_problems
from cclcc_cli.config.recipes import AnyRecipe
from cclcc_cli.data.store import load_store, store_path
from cclcc_cli.errors import (
    DiskFullError,
    Interrupted,
    PluginFailed,
    RunBusyError,
    RunError,
    StorageError,
)
from cclcc_cli.files import disk_problems
from cclcc_cli.runs.build import build_trainer
from cclcc_cli.runs.folder import RunFolder
from cclcc_cli.runs.identity import RunSpec
from cclcc_cli.runs.interrupt import SharedStop, StopRequest, stop_on_signals
from cclcc_cli.runs.progress import CompositeDisplay, ProgressDisplay, TextDisplay
from cclcc_cli.runs.pruner import Pruned, RunPruner
from cclcc_cli.runs.recording import (
    Recorder,
    Tracker,
    begin_session,
    end_session,
    write_identity,
)
from cclcc_cli.runs.records import CostsRecord, RecordedState, ResultRecord, TrialRecord
from cclcc_cli.runs.results import evaluate_run
from cclcc_cli.training.distributed.context import SINGLE_PROCESS, DistributedContext
from cclcc_cli.training.runtime import Runtime
from cclcc_cli.training.schedule import build_plan

TrackerFactory = Callable[[RunFolder], AbstractContextManager[Tracker]]


@dataclass(frozen=True)
class RunResult:
    """What a training left behind.

    Attributes:
        folder: the run folder.
        result: the content of result.json.
        trained: False where the run was finished before and nothing was done.
    """

    folder: RunFolder
    result: ResultRecord
    trained: bool


def train_run(
    recipe: AnyRecipe,
    *,
    data_root: Path,
    runs_root: Path,
    runtime: Runtime,
    display: ProgressDisplay,
    fresh: bool = False,
    tracking: TrackerFactory | None = None,
    ablation: str | None = None,
    context: DistributedContext = SINGLE_PROCESS,
    pruner: RunPruner | None = None,
    trial: TrialRecord | None = None,
) -> RunResult:
    """Train a recipe's run, or continue it where it stopped, or return what is finished already.

    With a pruner, training ends with validation and leaves the test split unread: the run is then
    ``validated``. Training the same run without a pruner finds it trained, reads the test split,
    once, and leaves the bytes that training without a pruner would have left.

    Args:
        recipe: checked.
        data_root: where stores lie.
        runs_root: where run folders are made.
        runtime: device and precision.
        display: shows progress.
        fresh: discard a previous training of this run.
        tracking: opens a mirror of the run folder.
        ablation: the one that the run belongs to.
        context: the processes that train together; the leader calls this, the others
            ``follow_run``.
        pruner: of a search, which selects by validation alone.
        trial: the one that the run belongs to, see ``RunFolder.join_search``.

    Raises:
        DataError: the store is missing or does not suit the recipe.
        RunError: the run is being trained by another process, or its folder is damaged.
        PluginFailed: a plug-in's code raised an exception; train.log holds its traceback.
        DiskError: its folder cannot be written; what is in it stays, and training can continue.
        TrainingDiverged: the loss stopped being finite.
        Interrupted: a signal stopped it; its state is saved.
        Pruned: the pruner ended it; its state is saved.
    """
    run = _open_run(recipe, data_root, runtime)
    folder = RunFolder(run.folder(runs_root))
    with disk_problems(folder.path), context.together(), folder.locked():
        if fresh:
            folder.clear()
        state = folder.status.state
        trained = state == "finished" or (pruner is not None and state == "validated")
        if trained and (result := folder.result) is not None:
            folder.check_records()
            context.from_leader(None)
            if pruner is not None:
                pruner.completed(folder.records())
            return RunResult(folder, result, trained=False)
        run.store.check_content()
        write_identity(folder, run)
        if ablation is not None:
            folder.join_ablation(ablation)
        if trial is not None:
            folder.join_search(trial)
        display = CompositeDisplay([TextDisplay(folder.append_log), display])
        opened = tracking(folder) if tracking else nullcontext(_NoTracker())
        with stop_on_signals() as stop, opened as tracker:
            try:
                with (disk_problems(folder.path), context.together(),
                      plugin_problems(recipe.plugins)):
                    result = _train(run, folder, display, tracker, stop, context, pruner)
                folder.check_held()
            except RunBusyError:
                raise  # another process holds the folder now, and mirrors it
            except BaseException as error:
                if isinstance(error, PluginFailed):
                    for line in "".join(traceback.format_exception(error)).splitlines():
                        folder.append_log(line)
                end_session(folder, _state_after(error), str(error) or type(error).__name__)
                tracker.push()
                raise
            end_session(folder, "finished" if pruner is None else "validated", None)
            tracker.push()
    return RunResult(folder, result, trained=True)


def _open_run(recipe: AnyRecipe, data_root: Path, runtime: Runtime) -> RunSpec:
    store = load_store(store_path(data_root, recipe.data.name, recipe.data.size))
    run = RunSpec(recipe, store, runtime)
    run.check_data()
    return run


def _state_after(error: BaseException) -> RecordedState:
    if isinstance(error, Pruned):
        return "pruned"
    stopped = isinstance(error, Interrupted | KeyboardInterrupt | DiskFullError | StorageError)
    return "stopped" if stopped else "failed"


@dataclass(frozen=True)
class _Order:
    """What the leading process has the others do."""

    digest: str
    resuming: bool


def follow_run(
    recipe: AnyRecipe, *, data_root: Path, runs_root: Path, runtime: Runtime,
    context: DistributedContext,
) -> None:
    """Train a recipe's run as one of the processes that do not lead; writes nothing.

    Raises:
        RunError: this process has other data, threads or options than the leader, or another
            process was lost.
        Interrupted: a signal stopped all of them.
    """
    with context.together(), stop_on_signals() as signals, plugin_problems(recipe.plugins):
        run = _open_run(recipe, data_root, runtime)
        order: _Order | None = context.from_leader(None)
        if order is None:
            return
        if order.digest != run.digest:
            raise RunError("this process would train another run than process 0: its data, "
                           "precision or threads differ")
        stop = SharedStop(signals, context)
        plan = build_plan(recipe, len(run.labeled), recipe.batch.labeled)
        trainer = build_trainer(
            run, plan, run.folder(runs_root), stop_requested=stop, context=context,
            observer=_NoObserver(),
        )
        if order.resuming:
            trainer.resume()
        if not trainer.run():
            assert stop.signal_number is not None
            raise Interrupted("stopped", stop.signal_number)


class _NoObserver:
    """The observer of a process that does not lead: process 0 shows and writes everything."""

    def checked(self, step: int, terms: dict[str, float]) -> None:
        pass

    def recorded(self, record: dict[str, Any]) -> None:
        pass

    def saving(self) -> None:
        pass


class _NoTracker:
    def push(self) -> None:
        """There is no mirror."""


def _train(
    run: RunSpec, folder: RunFolder, display: ProgressDisplay, tracker: Tracker,
    signals: StopRequest, context: DistributedContext, pruner: RunPruner | None,
) -> ResultRecord:
    recipe = run.recipe
    plan = build_plan(recipe, len(run.labeled), recipe.batch.labeled)
    resuming = folder.last_checkpoint.exists()
    if not resuming:
        folder.keep_records(up_to_step=0)
    batch_size = recipe.batch.labeled + recipe.batch.unlabeled
    recorder = Recorder(folder, display, tracker, batch_size, pruner, plan.total_steps)
    context.from_leader(_Order(run.digest, resuming))
    stop = SharedStop(signals, context)
    trainer = build_trainer(
        run, plan, folder.path,
        stop_requested=lambda: stop() or recorder.pruned is not None,
        observer=recorder, context=context, images=recorder.images if pruner is not None else None,
    )
    if resuming:
        trainer.resume()
        folder.keep_records(trainer.progress.step)
    first_step = trainer.progress.step
    begin_session(folder, plan, first_step)
    display.started(folder, run, plan, first_step)
    tracker.push()
    if pruner is not None and first_step < plan.total_steps:
        recorder.pruned = pruner.resumed(folder.records())
    complete, step = trainer.run(), trainer.progress.step
    folder.update_status(step=step, seconds=round(trainer.progress.seconds, 3))
    if not complete and stop.signal_number is None:
        raise Pruned(f"pruned at step {step} of {plan.total_steps} ({recorder.pruned})")
    if not complete:
        assert stop.signal_number is not None
        raise Interrupted(f"stopped at step {step} of {plan.total_steps}; saved in {folder.path}; "
                          "repeat the command to resume", stop.signal_number)
    if pruner is not None:
        pruner.completed(folder.records())
    # Not part of result.json, which is the same bytes for the same run: times and memory vary.
    if step > first_step or folder.costs is None:
        folder.write_record("costs.json", CostsRecord.model_validate(trainer.costs()))
    return evaluate_run(run, folder, trainer, display, read_test=pruner is None)
