"""Who holds a run folder: a name and a heartbeat beside the lock, for whoever looks on.

The lock itself is the kernel's (``flock``), which goes with its process however that ends. Over
some network file systems it does not reach other machines. There this file decides: it is made by
a hard link, which one of several machines alone can make, and whoever takes a dead one away needs
another such link to do it. Age is told by the file server's clock; whoever would take a folder
watches it first, and whoever was silent so long that it was taken, asleep perhaps, finds out
before it writes again.
"""

import errno
import hashlib
import json
import os
import platform
import tempfile
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
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)
"""Of a file system without hard links: there two machines that start together may both get it."""


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
    silent = abs(_now(folder) - (_last_beat(folder) or 0.0))
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


class OwnedElsewhere(Exception):
    """Another machine's process was quicker, or lives."""


@contextmanager
def owned(folder: Path) -> Iterator[Owner]:
    """Bear this process's name and heartbeat in the folder; only who has its lock may.

    Raises:
        OwnedElsewhere: before anything else, where another bears one.
    """
    owner = Owner.this_process()
    _claim(folder, owner)
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


def _claim(folder: Path, owner: Owner) -> None:
    """Put the name there as the only one."""
    ours = folder / f".owner.{owner.token}.json"
    write_atomic(ours, json.dumps(asdict(owner)).encode())
    try:
        _clear_dead(folder, ours)
        os.link(ours, folder / _FILE)
    except FileExistsError:
        raise OwnedElsewhere from None
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        write_atomic(folder / _FILE, ours.read_bytes())
    finally:
        ours.unlink()


def _clear_dead(folder: Path, ours: Path) -> None:
    """Take a dead owner's name away; of several that want to, one at a time may.

    Raises:
        FileExistsError: the owner lives, or another is taking it away.
    """
    try:
        before = (folder / _FILE).read_bytes()
    except FileNotFoundError:
        return
    other = live_owner(folder)
    if other is not None and not other.is_here:  # of one here we have the kernel's lock
        raise FileExistsError
    permit = folder / f".owner.{hashlib.sha256(before).hexdigest()[:16]}.taken"
    try:
        os.link(ours, permit)
    except FileExistsError:
        with suppress(FileNotFoundError):
            if _now(folder) - permit.stat().st_mtime > SILENCE:  # whoever had it was killed
                permit.unlink()
        raise
    try:
        if (folder / _FILE).read_bytes() != before:  # another's by now
            raise FileExistsError
        (folder / _FILE).unlink()
    except FileNotFoundError:
        pass
    finally:
        permit.unlink()


def _now(folder: Path) -> float:
    """The time by the clock of whoever keeps the folder."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".clock.") as file:
            return os.fstat(file.fileno()).st_mtime
    except OSError:  # we may only read
        return time.time()


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
