"""Who holds a run folder: a name and a heartbeat beside the lock, for whoever looks on.

The lock itself is the kernel's (``flock``), which goes with its process however that ends. Over
some network file systems it does not reach other machines: there the heartbeat decides. Whoever
would take such a folder watches it first, so clocks need not agree; and whoever was silent so
long that it was taken, asleep perhaps, finds out before it writes again.
"""

import json
import os
import platform
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Self

import psutil

from cclcc_cli.files import write_atomic

HEARTBEAT = 5.0
"""Seconds between signs of life."""
SILENCE = 60.0
"""Seconds without one after which an owner on another machine counts as dead."""
_FILE = ".owner.json"


@dataclass(frozen=True)
class Owner:
    """A process that holds, or held, a folder.

    Attributes:
        host: its machine, for people.
        pid: its number there.
        born: when it started, so that a number used again is not taken for it.
        token: tells two holdings of one process apart.
        machine: where its number means something: many machines are called ``localhost``.
    """

    host: str
    pid: int
    born: float
    token: str
    machine: str = ""

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"

    @property
    def is_here(self) -> bool:
        return self.machine == _machine()

    @property
    def runs_here(self) -> bool:
        """Whether this machine has the process now."""
        try:
            # A dead process that nobody has fetched, in a container perhaps, still has its number.
            dead = psutil.Process(self.pid).status() == psutil.STATUS_ZOMBIE
            return not dead and abs(_born(self.pid) - self.born) < 1
        except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
            return False

    @classmethod
    def this_process(cls) -> Self:
        """The calling process, with a token of its own."""
        pid = os.getpid()
        return cls(platform.node(), pid, _born(pid), uuid.uuid4().hex, _machine())


def live_owner(folder: Path) -> Owner | None:
    """Who holds the folder now; None where nobody does, or its holder is dead."""
    owner = read_owner(folder)
    if owner is None:
        return None
    if owner.is_here:
        return owner if owner.runs_here else None
    # In the future: a clock was set back since then, and says nothing about life.
    silent = abs(time.time() - (_last_beat(folder) or 0.0))
    return owner if silent < SILENCE else None


def read_owner(folder: Path) -> Owner | None:
    """Who holds the folder, or did; None where its name is gone or cannot be read."""
    try:
        return Owner(**json.loads((folder / _FILE).read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, TypeError):
        return None  # cut by a full disk: it names nobody, and the lock still holds


def beats(folder: Path) -> bool:
    """Watch the heart of an owner on another machine for two beats, by our own clock alone."""
    first, until = _last_beat(folder), time.monotonic() + 2.5 * HEARTBEAT
    while time.monotonic() < until:
        time.sleep(HEARTBEAT / 10)
        if _last_beat(folder) != first:
            return True
    return False


@contextmanager
def owned(folder: Path) -> Iterator[Owner]:
    """Bear this process's name and heartbeat in the folder; only who has its lock may."""
    owner = Owner.this_process()
    write_atomic(folder / _FILE, json.dumps(asdict(owner)).encode())
    over = threading.Event()
    heart = threading.Thread(target=_beat, args=(folder / _FILE, over), daemon=True)
    heart.start()
    try:
        yield owner
    finally:
        over.set()
        heart.join()
        if read_owner(folder) == owner:  # the folder may have been moved or taken meanwhile
            (folder / _FILE).unlink()


def _beat(path: Path, over: threading.Event) -> None:
    while not over.wait(HEARTBEAT):
        with suppress(OSError):  # a server that is away for a moment stops no heart
            os.utime(path)


def _last_beat(folder: Path) -> float | None:
    try:
        return (folder / _FILE).stat().st_mtime
    except OSError:
        return None


def _born(pid: int) -> float:
    """When a process started, in seconds since the machine did, where the system says so.

    psutil adds the clock's idea of when that was, which moves when the clock is set.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return psutil.Process(pid).create_time()
    return int(stat.rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")


@cache
def _machine() -> str:
    """This start of this kernel and, in a container, its own numbering of processes."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return f"{platform.node()} {uuid.getnode():x}"
