"""The progress of an ablation or a search: what happens, and how far everything is."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from cclcc_cli.wording import duration


@dataclass(frozen=True)
class RunProgress:
    """A running run, as its folder says.

    Attributes:
        name: of the run in its ablation or search.
        step: optimiser steps done.
        steps: of the budget.
    """

    name: str
    step: int
    steps: int


@dataclass(frozen=True)
class SweepProgress:
    """All runs at one moment.

    Attributes:
        running: those of this process, one for each busy worker.
        counts: runs by state.
        total: runs of the plan.
        seconds_left: an estimate; None while no run is finished.
    """

    running: tuple[RunProgress, ...]
    counts: dict[str, int]
    total: int
    seconds_left: float | None


class SweepDisplay(Protocol):
    """Shows an ablation or a search while it runs."""

    def say(self, line: str) -> None:
        """Report what happened."""

    def show(self, progress: SweepProgress) -> None:
        """Show how far everything is; called twice a second."""


def describe_totals(progress: SweepProgress) -> str:
    """``12/40 done, 2 running, 26 to do | 1:02:03 left``."""
    counts = {name: count for name, count in progress.counts.items() if count and name != "done"}
    words = [f"{progress.counts['done']}/{progress.total} done",
             *(f"{count} {name}" for name, count in counts.items())]
    left = progress.seconds_left
    return ", ".join(words) + (f" | {duration(left)} left" if left is not None else "")


def describe_run(run: RunProgress) -> str:
    """``clcc labeled=0.1 seed=0: step 200/2000``."""
    return f"{run.name}: step {run.step}/{run.steps}"


class SweepLines:
    """Plain lines: what happens, and from time to time how far everything is.

    Args:
        emit: receives one line at a time.
        seconds_between: two reports of all runs.
    """

    def __init__(self, emit: Callable[[str], None], seconds_between: float = 30) -> None:
        self._emit, self._between = emit, seconds_between
        self._last = time.monotonic()

    def say(self, line: str) -> None:
        self._emit(line)

    def show(self, progress: SweepProgress) -> None:
        if time.monotonic() - self._last < self._between:
            return
        self._last = time.monotonic()
        for run in progress.running:
            self._emit(f"  {describe_run(run)}")
        self._emit(describe_totals(progress))
