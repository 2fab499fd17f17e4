"""Who holds a run folder: a name and a heartbeat beside the lock, for whoever looks on.

The lock itself is the kernel's (``flock``), which goes with its process however that ends. Over
some network file systems it does not reach other machines: there the heartbeat decides, so clocks
must agree to within half a minute.
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
        host: its machine.
        pid: its number there.
        born: when it started, so that a number used again is not taken for it.
        token: tells two holdings of one process apart.
    """

    host: str
    pid: int
    born: float
    token: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"

    @property
    def is_here(self) -> bool:
        return self.host == platform.node()

    @property
    def runs_here(self) -> bool:
        """Whether this machine has the process now."""
        try:
            process = psutil.Process(self.pid)
            # A dead process that nobody has fetched, in a container perhaps, still has its number.
            dead = process.status() == psutil.STATUS_ZOMBIE
            return not dead and abs(process.create_time() - self.born) < 1
        except psutil.NoSuchProcess:
            return False

    @classmethod
    def this_process(cls) -> Self:
        """The calling process, with a token of its own."""
        pid = os.getpid()
        return cls(platform.node(), pid, psutil.Process(pid).create_time(), uuid.uuid4().hex)


def live_owner(folder: Path) -> Owner | None:
    """Who holds the folder now; None where nobody does, or its holder is dead."""
    owner = _read(folder)
    if owner is None:
        return None
    if owner.is_here:
        return owner if owner.runs_here else None
    with suppress(FileNotFoundError):
        return owner if time.time() - (folder / _FILE).stat().st_mtime < SILENCE else None
    return None


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Bear this process's name and heartbeat in the folder; only who has its lock may."""
    owner = Owner.this_process()
    write_atomic(folder / _FILE, json.dumps(asdict(owner)).encode())
    over = threading.Event()
    heart = threading.Thread(target=_beat, args=(folder / _FILE, over), daemon=True)
    heart.start()
    try:
        yield
    finally:
        over.set()
        heart.join()
        if _read(folder) == owner:  # the folder may have been moved away meanwhile
            (folder / _FILE).unlink()


def _beat(path: Path, over: threading.Event) -> None:
    while not over.wait(HEARTBEAT):
        with suppress(FileNotFoundError):
            os.utime(path)


def _read(folder: Path) -> Owner | None:
    try:
        return Owner(**json.loads((folder / _FILE).read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, TypeError):
        return None  # cut by a full disk: it names nobody, and the lock still holds
