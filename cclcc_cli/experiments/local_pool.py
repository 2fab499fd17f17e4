"""Workers on this machine, with the interface of ``concurrent.futures``.

Each worker is an executor of its own: one that is killed breaks nobody else's, and is replaced.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing.connection import wait
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")

_orphaned = threading.Event()


class LocalPool(Executor):
    """So many processes, which start when they are first needed.

    Args:
        workers: how many; ``submit`` takes no more calls at once.
    """

    def __init__(self, workers: int) -> None:
        self._workers: list[ProcessPoolExecutor] = [_new_worker() for _ in range(workers)]
        self._calls: list[Future[object] | None] = [None] * workers

    def submit(
        self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs
    ) -> Future[_T]:
        """Have a free worker do it.

        The future's exception is a BrokenProcessPool where the worker's process died.
        """
        place = next(i for i, call in enumerate(self._calls) if call is None or call.done())
        try:
            future = self._workers[place].submit(fn, *args, **kwargs)
        except BrokenProcessPool:  # killed in the call before, or while it was idle
            self._workers[place].shutdown(wait=False)
            self._workers[place] = _new_worker()
            future = self._workers[place].submit(fn, *args, **kwargs)
        self._calls[place] = future  # type: ignore[assignment]  # Future is invariant
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        for worker in self._workers:
            worker.shutdown(wait=wait, cancel_futures=cancel_futures)

    def terminate(self) -> None:
        """Ask every process to save and leave; one without a call leaves at once."""
        for process in multiprocessing.active_children():
            if process.pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGTERM)


def leave_if_orphaned() -> None:
    """End this worker's process where its parent is gone: nobody would ever end it."""
    if _orphaned.is_set():
        os._exit(1)


def _new_worker() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(
        1, mp_context=multiprocessing.get_context("spawn"), initializer=_start_process
    )


def _start_process() -> None:
    # Ctrl-C in a terminal reaches a whole group: the parent alone hears it, and asks us once.
    os.setpgid(0, 0)
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    _orphaned.set()
    os.kill(os.getpid(), signal.SIGTERM)  # training saves and leaves, an idle worker ends here
