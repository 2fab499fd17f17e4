"""The lease on a run folder: its holder's name and heartbeat beside the lock.

The lock itself is the kernel's (``flock``) and is released however its process ends. On some
network file systems it does not reach other machines; there this file decides. It is created by a
hard link, which only one of several machines can do, and removing a dead holder's file takes
another such link. Ages are measured by the file server's clock. A process that wants to take a
folder over watches its heartbeat first. One that was silent so long that its folder was taken,
suspended perhaps, can write no more: what a holder writes comes by way of a folder of its own,
which whoever takes over removes.
"""

import errno
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from cclcc_cli.files import write_atomic
from cclcc_cli.runs.holder import Holder, heartbeat

HEARTBEAT = 5.0
"""Seconds between heartbeats."""
SILENCE = 60.0
"""Seconds without one after which a holder on another machine counts as dead."""
_FILE = ".owner.json"
_SCRATCH = ".writer-"
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)
"""From a file system without hard links: there, two machines that start at once may both get it."""


class HeldElsewhere(Exception):
    """Another machine's process was faster, or is alive."""


def live_holder(folder: Path) -> Holder | None:
    """Who holds the folder now; None where nobody does or its holder is dead."""
    holder = read_holder(folder)
    if holder is None:
        return None
    # A beat in the future: a clock was set back since then, and proves nothing.
    alive = holder.lives(lambda: abs(_now(folder) - (_last_beat(folder) or 0.0)), SILENCE)
    return holder if alive else None


def read_holder(folder: Path) -> Holder | None:
    """Who holds the folder, or did; None where its name is gone or unreadable."""
    try:
        return Holder(**json.loads((folder / _FILE).read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, TypeError):
        return None  # cut short by a full disk: it names nobody, and the lock still holds


def beats(folder: Path) -> bool:
    """Watch another machine's holder for two heartbeats, by this machine's clock alone."""
    first, until = _last_beat(folder), time.monotonic() + 2.5 * HEARTBEAT
    while time.monotonic() < until:
        time.sleep(HEARTBEAT / 10)
        if _last_beat(folder) != first:
            return True
    return False


@contextmanager
def held(folder: Path) -> Iterator[Holder]:
    """Keep this process's name and heartbeat in the folder; only the lock's holder may.

    Raises:
        HeldElsewhere: another process has the lease; nothing was changed.
    """
    holder, path = Holder.this_process(), folder / _FILE
    _take(folder, holder)
    for former in folder.glob(f"{_SCRATCH}*"):
        _remove(former)
    scratch(folder, holder).mkdir()

    def beat() -> None:
        with suppress(OSError):  # a file server may be away for a moment
            os.utime(path)

    try:
        with heartbeat(beat, HEARTBEAT):
            yield holder
    finally:
        if read_holder(folder) == holder:  # the folder may have been moved or taken meanwhile
            shutil.rmtree(scratch(folder, holder), ignore_errors=True)
            path.unlink()


def _remove(scratch: Path) -> None:
    """Remove a former holder's folder, which may wake and write into it at this moment."""
    for _ in range(100):
        shutil.rmtree(scratch, ignore_errors=True)
        if not scratch.exists():
            return
    shutil.rmtree(scratch)


def scratch(folder: Path, holder: Holder) -> Path:
    """Where a holder begins its files; there for as long as it holds the folder."""
    return folder / f"{_SCRATCH}{holder.token}"


def _take(folder: Path, holder: Holder) -> None:
    """Write the holder's name as the only one."""
    ours = folder / f".owner.{holder.token}.json"
    write_atomic(ours, json.dumps(asdict(holder)).encode())
    try:
        _clear_dead(folder, ours)
        os.link(ours, folder / _FILE)
    except FileExistsError:
        raise HeldElsewhere from None
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        write_atomic(folder / _FILE, ours.read_bytes())
    finally:
        ours.unlink()


def _clear_dead(folder: Path, ours: Path) -> None:
    """Remove a dead holder's name; only one of several processes may at a time.

    Raises:
        FileExistsError: the holder is alive, or another process is removing its name.
    """
    try:
        before = (folder / _FILE).read_bytes()
    except FileNotFoundError:
        return
    other = live_holder(folder)
    if other is not None and not other.is_here:  # against one here we have the kernel's lock
        raise FileExistsError
    permit = folder / f".owner.{hashlib.sha256(before).hexdigest()[:16]}.taken"
    try:
        os.link(ours, permit)
    except FileExistsError:
        with suppress(FileNotFoundError):
            if _now(folder) - permit.stat().st_mtime > SILENCE:  # whoever made it was killed
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
    """The time by the clock of the folder's file server."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".clock.") as file:
            return os.fstat(file.fileno()).st_mtime
    except OSError:  # read-only access
        return time.time()


def _last_beat(folder: Path) -> float | None:
    try:
        return (folder / _FILE).stat().st_mtime
    except OSError:
        return None
