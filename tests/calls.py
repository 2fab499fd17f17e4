"""Calls that tests give to workers; their modules must be found there."""

import os
import signal
import time
from pathlib import Path

from cclcc_cli.runs.interrupt import stop_on_signals
from cclcc_cli.sweeps.worker import TaskOutcome


def finish(word: str) -> TaskOutcome:
    """Be done at once."""
    return TaskOutcome("done", word)


def work(book: Path, sessions: int = 2) -> TaskOutcome:
    """Write each start down; work until asked to stop, but in the last session be done."""
    with stop_on_signals() as stop:
        with book.open("a") as file:
            file.write(f"{os.getpid()}\n")
        if len(started(book)) >= sessions:
            return TaskOutcome("done", "at last")
        while not stop():
            time.sleep(0.05)
    return TaskOutcome("stopped", signal.Signals(stop.signal_number).name)


def started(book: Path) -> list[int]:
    """Processes that ``work`` ran in."""
    return [int(line) for line in book.read_text().split()] if book.exists() else []


def be_killed() -> None:
    """As by a kernel that is out of memory."""
    print("last words", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def fail() -> None:
    """A bug."""
    raise ValueError("a bug")
