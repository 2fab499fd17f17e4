"""Run an ablation's cells: done is passed over, killed goes on, one failure stops nothing else."""

import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor
from dataclasses import dataclass, field
from pathlib import Path

from cclcc_cli.launchers.remote import (
    Deaths,
    as_loss,
    describe_losses,
)
from cclcc_cli.runs.interrupt import StopRequest
from cclcc_cli.sweeps.display import Board, CellProgress, Progress
from cclcc_cli.sweeps.plan import PlannedCell, measure_pace
from cclcc_cli.sweeps.worker import Outcome, Task
from cclcc_cli.sweeps.worker_pool import Crew

BUSY_PAUSE = 5.0
"""Seconds until a cell that another process held is tried again, though nobody seems to run it."""


@dataclass(frozen=True)
class Failure:
    """A cell that failed, now or before."""

    place: str
    folder: Path
    reason: str
    log: tuple[str, ...]


@dataclass
class Summary:
    """How an ablation ended.

    Attributes:
        total: cells of the plan.
        before: done when it began.
        trained: done in this session.
        elsewhere: done by other processes meanwhile.
        failures: now, or before and not retried.
        moved: whether any cell was more than looked at.
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


class Ablater:
    """Hands cells to workers, until each is done or failed or somebody asks to stop.

    Args:
        cells: of the plan.
        executor: runs tasks.
        terminate: asks all its running tasks to save and leave.
        workers: how many tasks it runs at once.
        make_task: a cell's task.
        retry: whether cells that failed before are tried again, once.
        board: hears about progress.
        stop: becomes true when a signal arrives.
    """

    def __init__(
        self,
        cells: Sequence[PlannedCell],
        executor: Executor,
        terminate: Callable[[], None],
        *,
        workers: int,
        make_task: Callable[[PlannedCell], Task],
        retry: bool,
        board: Board,
        stop: StopRequest,
    ) -> None:
        self._crew: Crew[PlannedCell] = Crew(executor, terminate, board.say)
        self._cells, self._num_workers = cells, workers
        self._make_task, self._retry, self._board, self._stop = make_task, retry, board, stop
        self._waiting: deque[PlannedCell] = deque()
        self._elsewhere: list[PlannedCell] = []
        self._pause_until: dict[str, float] = {}
        self._deaths: defaultdict[str, Deaths] = defaultdict(Deaths)
        self._pace = measure_pace(cells)
        self.summary = Summary(len(cells))

    def run(self) -> Summary:
        """Run to the end, or until stopped: then all workers have saved."""
        # Seed by seed: cut short, it has trained every group with as many seeds as it got to.
        for cell in sorted(self._cells, key=lambda cell: cell.recipe.seed):
            self._sort(cell, first=True)
        self.summary.moved = bool(self._waiting or self._elsewhere)
        while not self._ends() and (self._waiting or self._crew.running or self._elsewhere):
            while self._waiting and len(self._crew.running) < self._num_workers:
                cell = self._waiting.popleft()
                self._crew.start(self._make_task(cell), cell)
            for cell, end in self._crew.ended():
                self._settle(cell, end)
            self._look_elsewhere()
            self._board.show(self._progress())
        if self._ends():
            self._leave()
        return self.summary

    def _ends(self) -> bool:
        return self._stop() or self.summary.disk_full is not None

    def _sort(self, cell: PlannedCell, first: bool) -> None:
        """Put a cell where its folder says it belongs."""
        match cell.standing:
            case "done" if first:
                self.summary.before += 1
            case "done":
                self.summary.elsewhere += 1
            case "failed" if not (first and self._retry):
                self._fail(cell, str(cell.folder.status.get("error")))
            case "damaged":
                self._fail(cell, "its status.json cannot be read; cclcc rm removes the folder")
            case "running":
                self._elsewhere.append(cell)
            case _:
                self._waiting.append(cell)

    def _settle(self, cell: PlannedCell, end: Outcome | BrokenExecutor) -> None:
        if isinstance(end, BrokenExecutor):
            self._after_death(cell, end)
            return
        match end.ending:
            case "done":
                self.summary.trained += 1
                self._pace = measure_pace(self._cells)
                self._board.say(f"{self._count()} done | {cell.place}: finished")
            case "found":
                self.summary.elsewhere += 1
            case "busy":
                self._pause_until[cell.digest] = time.monotonic() + BUSY_PAUSE
                self._elsewhere.append(cell)
            case "failed":
                self._failed_now(cell, end.reason)
            case "disk_full":  # no other cell could be written either
                self.summary.disk_full = end.reason
            case "stopped" if not self._ends():  # somebody asked this worker alone
                self._waiting.append(cell)
            case "stopped":
                pass

    def _after_death(self, cell: PlannedCell, death: BrokenExecutor) -> None:
        if self._ends():
            return
        lost = as_loss(death)
        if self._deaths[cell.digest].add(lost, cell.folder.status.get("step", 0)):
            self._board.say(f"{cell.place}: {lost}; it goes on")
            self._waiting.appendleft(cell)
            return
        reason = describe_losses(death)
        cell.folder.update_status(state="failed", error=reason)
        self._failed_now(cell, reason)

    def _failed_now(self, cell: PlannedCell, reason: str) -> None:
        self._fail(cell, reason)
        self._board.say(f"{self._count()} done | {cell.place}: failed, {reason}")

    def _fail(self, cell: PlannedCell, reason: str) -> None:
        log = tuple(cell.folder.log_end(5))
        self.summary.failures.append(Failure(cell.place, cell.folder.path, reason, log))

    def _look_elsewhere(self) -> None:
        """Take back what another process has left, finished or not."""
        others, self._elsewhere = self._elsewhere, []
        for cell in others:
            if time.monotonic() < self._pause_until.get(cell.digest, 0.0):
                self._elsewhere.append(cell)
            else:
                self._sort(cell, first=False)

    def _leave(self) -> None:
        if self._crew.running:
            self._board.say("stopping: running cells save")
        self._crew.leave(self._settle)
        self.summary.stopped = self._stop.signal_number

    def _count(self) -> str:
        return f"{self.summary.done}/{self.summary.total}"

    def _progress(self) -> Progress:
        here = self._crew.running
        running = tuple(
            CellProgress(cell.place, cell.folder.status.get("step", 0), cell.steps)
            for cell in here
        )
        left = self._pace.seconds([*self._waiting, *self._elsewhere])
        if left is not None:
            begun = self._pace.seconds(here) or 0.0
            share = sum(max(1 - c.step / c.steps, 0) for c in running) / max(len(running), 1)
            cells = len(running) + len(self._waiting) + len(self._elsewhere)
            left = (left + begun * share) / max(1, min(self._num_workers, cells))
        counts = {
            "done": self.summary.done, "failed": len(self.summary.failures),
            "running": len(running), "running elsewhere": len(self._elsewhere),
            "to do": len(self._waiting),
        }
        return Progress(running, counts, self.summary.total, left)
