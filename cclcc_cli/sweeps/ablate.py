"""Train an ablation's runs: skip finished ones, continue killed ones, survive failed ones."""

import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor
from dataclasses import dataclass, field
from pathlib import Path

from cclcc_cli.errors import RunError
from cclcc_cli.launchers.remote import Deaths, as_loss, describe_losses
from cclcc_cli.runs.interrupt import StopRequest
from cclcc_cli.sweeps.display import RunProgress, SweepDisplay, SweepProgress
from cclcc_cli.sweeps.plan import PlannedRun, measure_pace
from cclcc_cli.sweeps.worker import Task, TaskOutcome
from cclcc_cli.sweeps.worker_pool import WorkerPool

BUSY_PAUSE = 5.0
"""Seconds before a run is tried again that another process held but does not seem to train."""


@dataclass(frozen=True)
class Failure:
    """A run that failed, now or before.

    Attributes:
        point: of the ablation.
        folder: the run folder.
        reason: in one line.
        log: the last lines of its log.
    """

    point: str
    folder: Path
    reason: str
    log: tuple[str, ...]


@dataclass
class AblationOutcome:
    """How an ablation ended.

    Attributes:
        total: runs of the plan.
        before: done when it began.
        trained: done in this session.
        elsewhere: done by other processes meanwhile.
        failures: now, or before and not retried.
        moved: whether there was anything to do.
        stopped: the signal that stopped it, if one did.
        disk_full: why nothing more could be written, if that stopped it.
    """

    total: int
    before: int = 0
    trained: int = 0
    elsewhere: int = 0
    failures: list[Failure] = field(default_factory=list)
    stopped: int | None = None
    moved: bool = False
    disk_full: str | None = None

    @property
    def done(self) -> int:
        return self.before + self.trained + self.elsewhere


def _damage(run: PlannedRun) -> str:
    """What is damaged in a run folder."""
    try:
        run.folder.check_records()
    except RunError as error:
        return f"{error}; cclcc rm removes the folder"
    return "is no longer damaged; repeat the command"


class Ablater:
    """Hands runs to workers, until all are done or failed, or until asked to stop.

    Args:
        runs: of the plan.
        executor: runs tasks.
        terminate: asks all its running tasks to save and leave.
        workers: how many tasks it runs at once.
        make_task: a run's task.
        retry: whether runs that failed before are tried again.
        display: shows progress.
        stop: becomes true when a signal arrives.
    """

    def __init__(
        self,
        runs: Sequence[PlannedRun],
        executor: Executor,
        terminate: Callable[[], None],
        *,
        workers: int,
        make_task: Callable[[PlannedRun], Task],
        retry: bool,
        display: SweepDisplay,
        stop: StopRequest,
    ) -> None:
        self._pool: WorkerPool[PlannedRun] = WorkerPool(executor, terminate, display.say)
        self._runs, self._num_workers = runs, workers
        self._make_task, self._retry, self._display, self._stop = make_task, retry, display, stop
        self._waiting: deque[PlannedRun] = deque()
        self._elsewhere: list[PlannedRun] = []
        self._pause_until: dict[str, float] = {}
        self._deaths: defaultdict[str, Deaths] = defaultdict(Deaths)
        self._pace = measure_pace(runs)
        self.summary = AblationOutcome(len(runs))

    def run(self) -> AblationOutcome:
        """Run to the end, or until stopped: then all workers have saved."""
        # Seed by seed: if stopped, it has trained every group with about as many seeds.
        for run in sorted(self._runs, key=lambda run: run.recipe.seed):
            self._sort(run, first=True)
        self.summary.moved = bool(self._waiting or self._elsewhere)
        while not self._ends() and (self._waiting or self._pool.running or self._elsewhere):
            while self._waiting and len(self._pool.running) < self._num_workers:
                run = self._waiting.popleft()
                self._pool.start(self._make_task(run), run)
            for run, end in self._pool.ended():
                self._settle(run, end)
            self._look_elsewhere()
            self._display.show(self._progress())
        if self._ends():
            self._leave()
        return self.summary

    def _ends(self) -> bool:
        return self._stop() or self.summary.disk_full is not None

    def _sort(self, run: PlannedRun, first: bool) -> None:
        """Sort a run by the state of its folder."""
        match run.state:
            case "done" if first:
                self.summary.before += 1
            case "done":
                self.summary.elsewhere += 1
            case "failed" if not (first and self._retry):
                self._fail(run, run.folder.status.error or "no reason is recorded")
            case "damaged":
                self._fail(run, _damage(run))
            case "running":
                self._elsewhere.append(run)
            case _:
                self._waiting.append(run)

    def _settle(self, run: PlannedRun, end: TaskOutcome | BrokenExecutor) -> None:
        if isinstance(end, BrokenExecutor):
            self._after_death(run, end)
            return
        match end.ending:
            case "done":
                self.summary.trained += 1
                self._pace = measure_pace(self._runs)
                self._display.say(f"{self._count()} done | {run.point}: finished")
            case "found":
                self.summary.elsewhere += 1
            case "busy":
                self._pause_until[run.digest] = time.monotonic() + BUSY_PAUSE
                self._elsewhere.append(run)
            case "failed":
                self._failed_now(run, end.reason)
            case "disk_full":  # no other run could be written either
                self.summary.disk_full = end.reason
            case "stopped" if not self._ends():  # the signal was for this worker alone
                self._waiting.append(run)
            case "stopped":
                pass

    def _after_death(self, run: PlannedRun, death: BrokenExecutor) -> None:
        if self._ends():
            return
        lost = as_loss(death)
        if self._deaths[run.digest].add(lost, run.folder.status.step or 0):
            self._display.say(f"{run.point}: {lost}; continuing it")
            self._waiting.appendleft(run)
            return
        reason = describe_losses(death)
        run.folder.update_status(state="failed", error=reason)
        self._failed_now(run, reason)

    def _failed_now(self, run: PlannedRun, reason: str) -> None:
        self._fail(run, reason)
        self._display.say(f"{self._count()} done | {run.point}: failed, {reason}")

    def _fail(self, run: PlannedRun, reason: str) -> None:
        log = tuple(run.folder.log_end(5))
        self.summary.failures.append(Failure(run.point, run.folder.path, reason, log))

    def _look_elsewhere(self) -> None:
        """Sort again the runs that another process had, finished or not."""
        others, self._elsewhere = self._elsewhere, []
        for run in others:
            if time.monotonic() < self._pause_until.get(run.digest, 0.0):
                self._elsewhere.append(run)
            else:
                self._sort(run, first=False)

    def _leave(self) -> None:
        if self._pool.running:
            self._display.say("stopping: waiting for running runs to save")
        self._pool.leave(self._settle)
        self.summary.stopped = self._stop.signal_number

    def _count(self) -> str:
        return f"{self.summary.done}/{self.summary.total}"

    def _progress(self) -> SweepProgress:
        here = self._pool.running
        running = tuple(
            RunProgress(run.point, run.folder.status.step or 0, run.steps)
            for run in here
        )
        left = self._pace.seconds([*self._waiting, *self._elsewhere])
        if left is not None:
            begun = self._pace.seconds(here) or 0.0
            share = sum(max(1 - c.step / c.steps, 0) for c in running) / max(len(running), 1)
            runs = len(running) + len(self._waiting) + len(self._elsewhere)
            left = (left + begun * share) / max(1, min(self._num_workers, runs))
        counts = {
            "done": self.summary.done, "failed": len(self.summary.failures),
            "running": len(running), "running elsewhere": len(self._elsewhere),
            "to do": len(self._waiting),
        }
        return SweepProgress(running, counts, self.summary.total, left)
