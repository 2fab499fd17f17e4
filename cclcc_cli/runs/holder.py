"""Who holds a lease, and whether that process is alive: on a run folder, or on a search's trial."""

import os
import platform
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

import psutil


@dataclass(frozen=True)
class Holder:
    """A process that holds, or held, a lease.

    Attributes:
        host: its machine, for people.
        pid: its process id there.
        born: when it started, so that a reused process id is not mistaken for it.
        token: distinguishes two leases of one process.
        machine: where the process id is valid: many machines are called ``localhost``.
    """

    host: str
    pid: int
    born: float
    token: str
    machine: str = ""

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"

    @classmethod
    def this_process(cls) -> Self:
        """The calling process, with a token of its own."""
        pid = os.getpid()
        return cls(platform.node(), pid, _born(pid), uuid.uuid4().hex, _machine())

    @property
    def is_here(self) -> bool:
        """Whether it is a process of this machine."""
        return self.machine == _machine()

    def lives(self, silent: Callable[[], float], silence: float) -> bool:
        """Whether it is alive: on this machine the system knows, elsewhere its heartbeat tells.

        Args:
            silent: seconds since its last heartbeat; called only for another machine's process.
            silence: seconds without a heartbeat after which it counts as dead.
        """
        return self._runs_here if self.is_here else silent() < silence

    @property
    def _runs_here(self) -> bool:
        try:
            # A dead process that was not reaped, in a container perhaps, keeps its process id.
            dead = psutil.Process(self.pid).status() == psutil.STATUS_ZOMBIE
            return not dead and abs(_born(self.pid) - self.born) < 1
        except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
            return False


@contextmanager
def heartbeat(beat: Callable[[], None], every: float) -> Iterator[None]:
    """Call ``beat`` at regular intervals, on a thread, for as long as the block lasts.

    Args:
        beat: must not raise.
        every: seconds between two calls; the first comes after as many.
    """
    over = threading.Event()

    def keep_beating() -> None:
        while not over.wait(every):
            beat()

    thread = threading.Thread(target=keep_beating, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _born(pid: int) -> float:
    """When a process started, in seconds since boot where the system says so.

    psutil adds its estimate of the boot time, which moves when the clock is set.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return psutil.Process(pid).create_time()
    return int(stat.rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")


@cache
def _machine() -> str:
    """This boot of this kernel and, in a container, its own process id namespace."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return f"{platform.node()} {uuid.getnode():x}"
