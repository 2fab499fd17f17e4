"""Where files lie unless somebody says otherwise, and writing them whole or not at all."""

import errno
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cclcc_cli.errors import DiskError, DiskFullError

RUNS = Path("runs")
DATA = RUNS / "data"
DOWNLOADS = RUNS / "downloads"

_FULL = {errno.ENOSPC, errno.EDQUOT}
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.ENOTDIR, errno.EEXIST,
            errno.ENOENT, errno.EFBIG, errno.EISDIR, errno.ENAMETOOLONG, errno.ESTALE}
_ABANDONED = 60.0
"""Seconds after which a temporary file is nobody's: writing one takes far less."""


def write_atomic(path: Path, content: bytes, scratch: Path | None = None) -> None:
    """Replace a file by new content so that a reader, or a crash, sees the old or the new whole.

    Args:
        path: the file; its mode follows the umask.
        content: all of it.
        scratch: a folder of the same file system for the temporary file, by default the file's own.

    Raises:
        FileNotFoundError: ``scratch`` is gone, or was removed meanwhile; ``path`` is as it was.
    """
    temporary = temporary_name(path, scratch)
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            temporary.unlink()
        raise


def temporary_name(path: Path, folder: Path | None = None) -> Path:
    """A name beside ``path``, or in a folder, that nothing has; what is made there is hidden.

    Python's ``tempfile`` makes files that only their owner may read; these follow the umask.
    """
    return (folder or path.parent) / f".{path.name}.{uuid.uuid4().hex[:12]}.tmp"


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A temporary folder that becomes ``path`` once the block ends well.

    Raises:
        FileExistsError: ``path`` is there and is not an empty folder.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise FileExistsError(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = temporary_name(path)
    folder.mkdir()
    try:
        yield folder
        folder.rename(path)  # over an empty folder, if there is one
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def sync(path: Path) -> None:
    """Have the disk hold what was written to a file or folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def disk_problems(place: Path) -> Iterator[None]:
    """Inside, what the file system refuses is told in a line that names the place.

    Raises:
        DiskFullError: there is no room, or no quota, left.
        DiskError: it cannot be written for another reason.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFullError(
                f"{place}: the disk is full ({error.strerror}); make room there, and the same "
                "command goes on from here"
            ) from error
        if error.errno in _REFUSED:
            which = "" if error.filename is None else f" {Path(error.filename).name}"
            raise DiskError(
                f"{place}: cannot be written ({error.strerror}:{which or ' a file in it'}); give "
                "a folder that can be, or mend what refuses it"
            ) from error
        raise


def remove_abandoned(folder: Path) -> None:
    """Remove what ``write_atomic`` leaves in a folder where it is killed."""
    for left in folder.glob(".*.tmp"):
        with suppress(FileNotFoundError):  # its writer, alive after all, has renamed it
            if abs(time.time() - left.stat().st_mtime) > _ABANDONED:
                left.unlink()
