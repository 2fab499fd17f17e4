"""A call as bytes, for machines where what it needs is loaded late: when signals are heard."""

import pickle
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from typing import Any

MAX_DEATHS = 3
"""Times that a run's workers may die without its getting further before it counts as failed."""


class WorkerLost(BrokenExecutor):
    """Whatever ran a call is gone and left no result.

    Args:
        how: it went, in a few words for people.
        blame: whether the call may be the reason; not where a machine was needed by others.
    """

    def __init__(self, how: str, blame: bool = True) -> None:
        super().__init__(how, blame)
        self.blame = blame

    def __str__(self) -> str:
        return str(self.args[0])


class CallFailed(Exception):
    """A call raised on another machine what it should have dealt with; the text names it."""


def as_loss(death: BrokenExecutor) -> WorkerLost:
    """How a worker died; one of this machine says no more than that it did."""
    return death if isinstance(death, WorkerLost) else WorkerLost("its process was killed")


@dataclass
class Deaths:
    """Of the workers that ran one run, since it last got further: then it was not to blame.

    Attributes:
        step: recorded when the last one died.
        count: so far.
    """

    step: int = -1
    count: int = 0

    def add(self, lost: WorkerLost, step: int) -> bool:
        """Count one; whether the run may be tried again.

        Args:
            lost: the worker.
            step: up to which the run is recorded.
        """
        if step > self.step:
            self.step, self.count = step, 0
        self.count += lost.blame
        return self.count < MAX_DEATHS


def describe_losses(death: BrokenExecutor) -> str:
    """Why a run whose workers died so often is not tried again."""
    if isinstance(death, WorkerLost):
        return f"it was lost {MAX_DEATHS} times without getting further; the last time {death}"
    return (f"its process was killed {MAX_DEATHS} times without getting further; is there enough "
            "memory?")


def describe_failure(error: BaseException) -> str:
    """What a call raised; a text from another machine names its error already."""
    return str(error) if isinstance(error, CallFailed) else f"{type(error).__name__}: {error}"


def pack(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> bytes:
    """A call of a module's function with plain values."""
    return pickle.dumps((fn, args, kwargs))


def call(payload: bytes) -> Any:
    """Do it; this loads the modules that it needs."""
    fn, args, kwargs = pickle.loads(payload)
    return fn(*args, **kwargs)
