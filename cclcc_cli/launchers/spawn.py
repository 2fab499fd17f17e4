"""Run a command as several processes on this machine."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from cclcc_cli.errors import RunError
from cclcc_cli.processes import MEETING
from cclcc_cli.system import available_cores

PARENT = "CCLCC_PARENT"
"""The variable with the end of a pipe that closes when the parent process is gone."""
_GRACE = 20.0
"""Seconds for the others to notice that one is gone and to record why."""


def spawn(processes: int) -> int:
    """Run the current command again in several processes that train together.

    Signals are passed on to each of them once; a terminal's Ctrl-C reaches them from here only.

    Returns:
        The exit code of the leading process or, if that is 0, of the first that failed.

    Raises:
        RunError: the leading process was killed.
    """
    with tempfile.TemporaryDirectory(prefix="cclcc-") as folder, _pipe() as end:
        variables = {MEETING: str(Path(folder) / "meeting"), PARENT: str(end)}
        started = [_start(rank, processes, variables, end) for rank in range(processes)]
        try:
            with _passing_signals_to(started):
                codes = _wait(started)
        finally:
            _end(started)
    if codes[0] < 0:
        raise RunError(f"process 0 of {processes} was killed (signal {-codes[0]}); the same "
                       "command continues from the last checkpoint")
    failed = [128 - code if code < 0 else code for code in codes if code]
    return failed[0] if failed else 0


def follow_parent() -> None:
    """Have this process save and leave when the process that spawned it is gone."""
    if PARENT in os.environ:
        end = int(os.environ[PARENT])
        threading.Thread(target=_leave_after, args=(end,), daemon=True).start()


def _leave_after(end: int) -> None:
    os.read(end, 1)  # nothing is written: this returns when the other end closes
    os.kill(os.getpid(), signal.SIGTERM)


def _start(
    rank: int, processes: int, variables: dict[str, str], end: int
) -> "subprocess.Popen[bytes]":
    environment = {
        # torch reads it at its start
        "OMP_NUM_THREADS": str(max(1, available_cores() // processes)),
        **os.environ, **variables,
        "RANK": str(rank), "WORLD_SIZE": str(processes), "LOCAL_RANK": str(rank),
    }
    return subprocess.Popen(
        [sys.executable, *sys.orig_argv[1:]], env=environment, pass_fds=(end,), process_group=0
    )


def _wait(started: Sequence["subprocess.Popen[bytes]"]) -> list[int]:
    """All exit codes, once all have ended; after a failure, those that do not end are killed."""
    deadline: float | None = None
    while True:
        codes = [process.poll() for process in started]
        if None not in codes:
            return [code for code in codes if code is not None]
        if deadline is None and any(codes):
            deadline = time.monotonic() + _GRACE
        if deadline is not None and time.monotonic() > deadline:
            _end(started)
        time.sleep(0.05)


def _end(started: Sequence["subprocess.Popen[bytes]"]) -> None:
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()


@contextmanager
def _pipe() -> Iterator[int]:
    """A pipe's reading end, which closes for the children when this process is gone."""
    reading, writing = os.pipe()
    try:
        yield reading
    finally:
        os.close(reading)
        os.close(writing)


@contextmanager
def _passing_signals_to(started: Sequence["subprocess.Popen[bytes]"]) -> Iterator[None]:
    def send(number: int, _frame: FrameType | None) -> None:
        for process in started:
            with suppress(ProcessLookupError):
                process.send_signal(number)

    before: dict[int, Callable[[int, FrameType | None], object] | int | None] = {
        number: signal.signal(number, send) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
