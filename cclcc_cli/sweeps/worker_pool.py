"""Workers of an ablation or a search: they take tasks and return outcomes."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from typing import Generic, TypeVar

from cclcc_cli.errors import LauncherError
from cclcc_cli.launchers.remote import describe_failure
from cclcc_cli.sweeps.worker import Task, TaskOutcome, run_task

LOOK_EVERY = 0.5
"""Seconds between checks of what is running, here and elsewhere."""

Work = TypeVar("Work")


class WorkerPool(Generic[Work]):
    """Runs tasks, and hands each one's outcome back with the piece of work that it was for.

    Args:
        executor: runs the tasks.
        terminate: asks all running tasks to save and leave.
        say: receives each warning once.
    """

    def __init__(
        self, executor: Executor, terminate: Callable[[], None], say: Callable[[str], None]
    ) -> None:
        self._executor, self._terminate, self._say = executor, terminate, say
        self._running: dict[Future[TaskOutcome], Work] = {}
        self._warned: set[str] = set()

    @property
    def running(self) -> list[Work]:
        return list(self._running.values())

    def start(self, task: Task, work: Work) -> None:
        self._running[self._executor.submit(run_task, task)] = work

    def ended(self) -> Iterator[tuple[Work, TaskOutcome | BrokenExecutor]]:
        """Wait a moment; yields what has ended meanwhile, with its outcome or how its worker died.

        Raises:
            LauncherError: the machines are gone.
        """
        if not self._running:
            time.sleep(LOOK_EVERY)
            return
        done, _ = wait(self._running, timeout=LOOK_EVERY, return_when=FIRST_COMPLETED)
        for future in done:
            work, error = self._running.pop(future), future.exception()
            match error:
                case None:
                    outcome = future.result()
                    self._warn(outcome.warnings)
                    yield work, outcome
                case BrokenExecutor():
                    yield work, error
                case LauncherError():
                    raise error
                case _:  # not even the failure could be recorded, on a full disk perhaps
                    yield work, TaskOutcome("failed", describe_failure(error))

    def leave(self, settle: Callable[[Work, TaskOutcome | BrokenExecutor], None]) -> None:
        """Have all running tasks save and leave.

        Args:
            settle: receives each piece of work and how it ended.

        Raises:
            KeyboardInterrupt: asked twice: all leave at once, with their last checkpoints.
        """
        self._terminate()
        try:
            while self._running:
                for work, end in self.ended():
                    settle(work, end)
        except KeyboardInterrupt:
            self._terminate()
            raise

    def _warn(self, warnings: Sequence[str]) -> None:
        for warning in warnings:
            if warning not in self._warned:
                self._warned.add(warning)
                self._say(f"warning: {warning}")
