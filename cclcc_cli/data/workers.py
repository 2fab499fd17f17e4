"""Work spread over the processor's cores, results in order, memory bounded."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import TypeVar

from cclcc_cli.data.image_file import quiet_opencv

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def thread_workers() -> Executor:
    """For work inside OpenCV and hashing, which let go of the interpreter's lock."""
    return ThreadPoolExecutor(os.cpu_count(), initializer=quiet_opencv)


def process_workers() -> Executor:
    """For work in Python; the processes end with this one, however it ends."""
    return ProcessPoolExecutor(
        os.cpu_count(),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_process,
    )


class MemoryBudget:
    """Lets threads hold so much memory together, and makes the next one wait.

    Args:
        num_bytes: of all of them together; who wants more than all of it gets it alone.
    """

    def __init__(self, num_bytes: int) -> None:
        self._all = self._free = num_bytes
        self._changed = threading.Condition()

    @contextmanager
    def hold(self, num_bytes: int) -> Iterator[None]:
        """Wait until there is so much left, and give it back at the end of the block."""
        wanted = min(num_bytes, self._all)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= wanted)
            self._free -= wanted
        try:
            yield
        finally:
            with self._changed:
                self._free += wanted
                self._changed.notify_all()


def in_order(
    executor: Executor, function: Callable[[_Item], _Result], items: Sequence[_Item]
) -> Iterator[_Result]:
    """Results in the order of the items, with a bounded number of them under way."""
    pending: deque[Future[_Result]] = deque()
    try:
        for item in items:
            pending.append(executor.submit(function, item))
            if len(pending) > 2 * (os.cpu_count() or 1):
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()


def _start_process() -> None:
    quiet_opencv()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which ends us
    # A worker waits on a queue that it holds open itself: it would outlive a killed parent.
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
