"""Ctrl-C, SIGTERM and a cluster's warning as a request that training checks between steps."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a process that only hands runs out needs no torch
    from cclcc_cli.training.distributed.context import DistributedContext

WARNING = signal.SIGUSR2
"""The signal that Slurm is asked to send some time before it ends a job."""


class StopRequest:
    """Becomes true when a signal arrives.

    Attributes:
        signal_number: the signal received, or None.
    """

    def __init__(self) -> None:
        self.signal_number: int | None = None

    def __call__(self) -> bool:
        return self.signal_number is not None

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        if number == WARNING:  # after another signal it says nothing new
            self.signal_number = self.signal_number or number
            return
        if self.signal_number not in (None, WARNING):
            raise KeyboardInterrupt  # asked twice: leave now, with the last checkpoint on disk
        self.signal_number = number


class SharedStop:
    """The request of any process that trains: all check it after the same step.

    Args:
        own: the request in this process.
        context: the processes that train together.

    Attributes:
        signal_number: the signal that one of them received, or None.
    """

    def __init__(self, own: StopRequest, context: "DistributedContext") -> None:
        self._own, self._context = own, context
        self.signal_number: int | None = None

    def __call__(self) -> bool:
        self.signal_number = self._context.first_signal(self._own.signal_number)
        return self.signal_number is not None


_outer: list[StopRequest] = []


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Inside, the first signal is a request; a second SIGINT or SIGTERM interrupts at once.

    Nested blocks share one request: a signal that arrives while a job is still loading stops its
    training at the first step.
    """
    if _outer:
        yield _outer[-1]
        return
    request = StopRequest()
    numbers = (signal.SIGINT, signal.SIGTERM, WARNING)
    before = {number: signal.signal(number, request._receive) for number in numbers}
    _outer.append(request)
    try:
        yield request
    finally:
        _outer.pop()
        for number, handler in before.items():
            signal.signal(number, handler)
