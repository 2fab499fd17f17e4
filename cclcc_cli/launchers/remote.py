"""Calls as bytes for other machines, and how their workers may be lost.

A call's modules load when it is unpacked, so that signals are handled before that.
"""

import pickle
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from typing import Any

MAX_DEATHS = 3
"""How many workers a run may lose without making progress before it counts as failed."""


class WorkerLost(BrokenExecutor):
    """The process or job that ran a call is gone and left no result.

    Args:
        how: what happened, in a few words.
        blame: whether the call may be the cause, which it is not on preemption.
    """

    def __init__(self, how: str, blame: bool = True) -> None:
        super().__init__(how, blame)
        self.blame = blame

    def __str__(self) -> str:
        return str(self.args[0])


class CallFailed(Exception):
    """A call raised an exception on another machine; the message names it."""


def as_loss(death: BrokenExecutor) -> WorkerLost:
    """How a worker died; a local one says only that it did."""
    return death if isinstance(death, WorkerLost) else WorkerLost("its process was killed")


@dataclass
class Deaths:
    """Deaths of a run's workers since the run last made progress.

    Attributes:
        step: up to which the run was recorded when the last worker died.
        count: deaths that the run may have caused.
    """

    step: int = -1
    count: int = 0

    def add(self, lost: WorkerLost, step: int) -> bool:
        """Count a death; returns whether the run may be tried again.

        Args:
            lost: how the worker died.
            step: up to which the run is recorded.
        """
        if step > self.step:
            self.step, self.count = step, 0
        self.count += lost.blame
        return self.count < MAX_DEATHS


def describe_losses(death: BrokenExecutor) -> str:
    """Why a run whose workers died so often is not tried again, in a line."""
    if isinstance(death, WorkerLost):
        return f"lost {MAX_DEATHS} times without making progress; the last time, {death}"
    return (f"its process was killed {MAX_DEATHS} times without making progress; is there enough "
            "memory?")


def describe_failure(error: BaseException) -> str:
    """What a call raised; a message from another machine names the exception already."""
    return str(error) if isinstance(error, CallFailed) else f"{type(error).__name__}: {error}"


def pack(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> bytes:
    """A call of a module's function with plain values, as bytes."""
    return pickle.dumps((fn, args, kwargs))


def call(payload: bytes) -> Any:
    """Make a packed call; loads the modules that it needs."""
    fn, args, kwargs = pickle.loads(payload)
    return fn(*args, **kwargs)
