"""Train one run: from a checked recipe to a finished run folder."""

import os
import platform
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from cclcc_cli.config.load import dump_recipe
from cclcc_cli.config.plugins import files_of
from cclcc_cli.config.recipes import AnyRecipe
from cclcc_cli.data.store import load_store, store_path
from cclcc_cli.errors import DiskFullError, Interrupted, RunBusyError, RunError, StorageError
from cclcc_cli.files import disk_problems, write_atomic
from cclcc_cli.runs.build import build_trainer
from cclcc_cli.runs.environment import describe_environment
from cclcc_cli.runs.folder import RunFolder, State
from cclcc_cli.runs.identity import RunSpec
from cclcc_cli.runs.interrupt import SharedStop, StopRequest, stop_on_signals
from cclcc_cli.runs.progress import Chorus, Display, TextDisplay
from cclcc_cli.runs.pruner import Judge, Pruned
from cclcc_cli.runs.results import evaluate_run
from cclcc_cli.training.distributed.context import SINGLE_PROCESS, DistributedContext
from cclcc_cli.training.evaluate import Scores
from cclcc_cli.training.runtime import Runtime
from cclcc_cli.training.schedule import Plan, build_plan


class Tracker(Protocol):
    """Mirrors the folder elsewhere; never fails a training."""

    def push(self) -> None:
        """Bring the mirror up to date with what the folder holds now."""


TrackerFactory = Callable[[RunFolder], AbstractContextManager[Tracker]]


@dataclass(frozen=True)
class RunResult:
    """What a training left behind.

    Attributes:
        folder: the run folder.
        result: the content of result.json.
        trained: False where the run was finished before and nothing was run.
    """

    folder: RunFolder
    result: dict[str, Any]
    trained: bool


def train_run(
    recipe: AnyRecipe,
    *,
    data_root: Path,
    runs_root: Path,
    runtime: Runtime,
    display: Display,
    fresh: bool = False,
    tracking: TrackerFactory | None = None,
    ablation: str | None = None,
    team: DistributedContext = SINGLE_PROCESS,
    judge: Judge | None = None,
    trial: Mapping[str, Any] | None = None,
) -> RunResult:
    """Train a recipe's run, or go on where it stopped, or return what is finished already.

    A judged training ends with validation and leaves the test split unread: its run is then
    ``validated``. Whoever runs the same run without a judge finds it trained, reads the test
    split, once, and gets the bytes that an unjudged training would have left.

    Args:
        recipe: checked.
        data_root: where stores lie.
        runs_root: where run folders are made.
        runtime: device and precision.
        display: hears about progress.
        fresh: forget a former training of this run.
        tracking: opens a mirror of the run folder.
        ablation: whose run it is.
        team: the processes that train it; here in the one that leads, the others call
            ``follow_run``.
        judge: a search's, which chooses by validation alone.
        trial: whose run it is, see ``RunFolder.join_search``.

    Raises:
        DataError: the store is missing or does not suit the recipe.
        RunError: the run is being trained by another process, or its folder is damaged.
        DiskError: its folder cannot be written; what is in it stays, and it can be gone on with.
        TrainingDiverged: the loss stopped being finite.
        Interrupted: a signal stopped it; its state is saved.
        Pruned: the judge ended it; its state is saved.
    """
    store = load_store(store_path(data_root, recipe.data.name, recipe.data.size))
    run = RunSpec(recipe, store, runtime)
    run.check_data()
    folder = RunFolder(run.folder(runs_root))
    with disk_problems(folder.path), team.together(), folder.locked():
        if fresh:
            folder.clear()
        state = folder.status.get("state")
        if state == "finished" or (judge is not None and state == "validated"):
            team.from_leader(None)
            if judge is not None:
                judge.complete(folder.records())
            return RunResult(folder, folder.read_json("result.json"), trained=False)
        _write_identity(folder, run)
        if ablation is not None:
            folder.join_ablation(ablation)
        if trial is not None:
            folder.join_search(trial)
        display = Chorus([TextDisplay(folder.append_log), display])
        opened = tracking(folder) if tracking else nullcontext(_NoTracker())
        with stop_on_signals() as stop, opened as tracker:
            try:
                with disk_problems(folder.path), team.together():
                    result = _train(run, folder, display, tracker, stop, team, judge)
                folder.check_held()
            except RunBusyError:
                raise  # it is another process's now, to write in and to mirror
            except BaseException as error:
                _end(folder, _state_after(error), str(error) or type(error).__name__)
                tracker.push()
                raise
            _end(folder, "finished" if judge is None else "validated", None)
            tracker.push()
    return RunResult(folder, result, trained=True)


def _state_after(error: BaseException) -> State:
    if isinstance(error, Pruned):
        return "pruned"
    wanted = isinstance(error, Interrupted | KeyboardInterrupt | DiskFullError
                        | StorageError)
    return "stopped" if wanted else "failed"


@dataclass(frozen=True)
class _Order:
    """What the process that leads has the others do."""

    digest: str
    resuming: bool


def follow_run(
    recipe: AnyRecipe, *, data_root: Path, runs_root: Path, runtime: Runtime,
    team: DistributedContext,
) -> None:
    """Train a recipe's run as one of the processes that do not lead; writes nothing.

    Raises:
        RunError: this process has other data, threads or options than the one that leads; or
            another process was lost.
        Interrupted: a signal stopped all of them.
    """
    with team.together(), stop_on_signals() as signals:
        store = load_store(store_path(data_root, recipe.data.name, recipe.data.size))
        run = RunSpec(recipe, store, runtime)
        run.check_data()
        order: _Order | None = team.from_leader(None)
        if order is None:
            return
        if order.digest != run.digest:
            raise RunError("it would train another run than process 0: its data, precision or "
                           "threads differ")
        stop = SharedStop(signals, team)
        plan = build_plan(recipe, len(run.labeled), recipe.batch.labeled)
        trainer = build_trainer(
            run, plan, run.folder(runs_root), stop_requested=stop, team=team,
            observer=_Unheard(),
        )
        if order.resuming:
            trainer.resume()
        if not trainer.run():
            assert stop.signal_number is not None
            raise Interrupted("stopped", stop.signal_number)


class _Unheard:
    """The observer of a process that does not lead."""

    def checked(self, step: int, terms: dict[str, float]) -> None:
        """Process 0 tells it."""

    def recorded(self, record: dict[str, Any]) -> None:
        """Process 0 writes it."""

    def saving(self) -> None:
        """Process 0 saves."""


class _NoTracker:
    def push(self) -> None:
        """There is no mirror."""


class _Observer:
    """Hands the loop's news to the folder, the display, the tracker and the judge, in this order.

    Attributes:
        images: each image's scores at the validation that is going on.
        verdict: why the judge ends the training; None while it does not.
    """

    def __init__(
        self, folder: RunFolder, display: Display, tracker: Tracker, batch: int,
        judge: Judge | None, total_steps: int,
    ) -> None:
        self._folder, self._display, self._tracker = folder, display, tracker
        self._batch, self._judge, self._total_steps = batch, judge, total_steps
        self.images: list[Scores] = []
        self.verdict: str | None = None

    def checked(self, step: int, terms: dict[str, float]) -> None:
        self._display.checked(step, terms)

    def recorded(self, record: dict[str, Any]) -> None:
        self.saving()
        former = (self._folder.records() or [{"step": 0, "seconds": 0.0}])[-1]
        steps = record["step"] - former["step"]
        elapsed = max(record["seconds"] - former["seconds"], 1e-9)
        speed = round(steps * self._batch / elapsed, 2)
        complete = {**record, "images_per_second": speed}
        self._folder.append_record(complete)
        self._folder.update_status(step=record["step"], updated=_now(),
                                   elapsed=_elapsed(self._folder.status))
        self._display.recorded(complete)
        self._tracker.push()
        if self._judge is not None and record["step"] < self._total_steps:
            self.verdict = self._judge.after(complete, self.images)

    def saving(self) -> None:
        self._folder.check_held()


def _train(
    run: RunSpec, folder: RunFolder, display: Display, tracker: Tracker, signals: StopRequest,
    team: DistributedContext, judge: Judge | None,
) -> dict[str, Any]:
    recipe = run.recipe
    plan = build_plan(recipe, len(run.labeled), recipe.batch.labeled)
    resuming = folder.last_checkpoint.exists()
    if not resuming:
        folder.keep_records(up_to_step=0)
    batch_size = recipe.batch.labeled + recipe.batch.unlabeled
    observer = _Observer(folder, display, tracker, batch_size, judge, plan.total_steps)
    team.from_leader(_Order(run.digest, resuming))
    stop = SharedStop(signals, team)
    trainer = build_trainer(
        run, plan, folder.path,
        stop_requested=lambda: stop() or observer.verdict is not None,
        observer=observer, team=team, images=observer.images if judge is not None else None,
    )
    if resuming:
        trainer.resume()
        folder.keep_records(trainer.progress.step)
    _begin(folder, plan, trainer.progress.step)
    display.started(folder, run, plan, trainer.progress.step)
    tracker.push()
    first_step = trainer.progress.step
    if judge is not None and first_step < plan.total_steps:
        observer.verdict = judge.goes_on_from(folder.records())
    complete = trainer.run()
    folder.update_status(step=trainer.progress.step, seconds=round(trainer.progress.seconds, 3))
    if not complete and stop.signal_number is None:
        raise Pruned(f"pruned at step {trainer.progress.step} of {plan.total_steps} "
                     f"({observer.verdict})")
    if not complete:
        assert stop.signal_number is not None
        raise Interrupted(
            f"stopped at step {trainer.progress.step} of {plan.total_steps}; saved in "
            f"{folder.path}; repeat the command to resume", stop.signal_number,
        )
    if judge is not None:
        judge.complete(folder.records())
    # Apart from result.json, which is the same bytes for the same run: times and memory are not.
    if trainer.progress.step > first_step or folder.read_json("costs.json") is None:
        folder.write_json("costs.json", trainer.costs())
    return evaluate_run(run, folder, trainer, display, read_test=judge is None)


def _write_identity(folder: RunFolder, run: RunSpec) -> None:
    """What will run, written before it runs."""
    environment = describe_environment()
    folder.write_text(
        "recipe.yaml", f"# {environment['command']}\n{dump_recipe(run.recipe)}"
    )
    folder.write_json("environment.json", environment)
    folder.write_json("cell.json", run.describe())
    for digest, content in files_of(run.recipe).items():
        write_atomic(folder.path / f"plugin-{digest[:8]}.py", content)


def _begin(folder: RunFolder, plan: Plan, step: int) -> None:
    former = folder.status
    folder.update_status(
        state="running", step=step, total_steps=plan.total_steps,
        started=former.get("started") or _now(), updated=_now(), finished=None,
        pid=os.getpid(), host=platform.node(), error=None,
        test_reads=former.get("test_reads", 0), sessions=former.get("sessions", 0) + 1,
        seconds=former.get("seconds", 0.0),
        session_started=_now(), elapsed_before=former.get("elapsed", 0.0),
    )


def _end(folder: RunFolder, state: State, error: str | None) -> None:
    folder.update_status(state=state, updated=_now(), finished=_now(), error=error,
                         elapsed=_elapsed(folder.status))


def _elapsed(status: Mapping[str, Any]) -> float:
    """Seconds from start to now over all sessions, without what a killed one did not record."""
    if "session_started" not in status:
        return 0.0
    session = datetime.now(UTC) - datetime.fromisoformat(status["session_started"])
    return float(round(status["elapsed_before"] + session.total_seconds(), 3))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
