"""Holding a file's or folder's place, so that two processes never make it at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from cclcc_cli.errors import DataError


def lock_path(path: Path) -> Path:
    """The file that ``locked`` makes, and removes unless it is killed."""
    return path.with_name(f".{path.name}.lock")


@contextmanager
def locked(path: Path, busy: str, patience: float = 0) -> Iterator[None]:
    """Hold a file's place for this process, and leave no trace of that.

    Args:
        path: of the file, which need not be there.
        busy: what to say where another process holds it.
        patience: seconds to wait for it.

    Raises:
        DataError: another process holds it.
    """
    lock = FileLock(lock_path(path))
    try:
        lock.acquire(timeout=patience)
    except Timeout:
        raise DataError(busy) from None
    try:
        yield
    finally:
        # While it is held: whoever opened it before cannot have it, whoever comes now makes anew.
        Path(lock.lock_file).unlink()
        lock.release()
