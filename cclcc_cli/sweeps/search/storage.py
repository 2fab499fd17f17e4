"""Where a search keeps its trials: a journal in the runs folder, or a database.

The journal is Optuna's, with two differences for processes that may be killed at any moment: its
lock is the kernel's, which its holder's death releases (Optuna's own is a file that outlives the
holder by 30 s), and a truncated record is removed before the next one is written (which would
otherwise make both, and so the file, unreadable).
"""

import errno
import json
import os
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._file import BaseJournalFileLock, get_lock_file
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from cclcc_cli.addresses import without_secrets
from cclcc_cli.errors import DiskFullError, RunError, StorageError
from cclcc_cli.files import write_atomic

optuna.logging.set_verbosity(optuna.logging.ERROR)  # the progress display says the rest
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_DATABASES = ("sqlite", "postgresql", "mysql")
_SERVER_LOCKS = {
    "postgresql": ("SELECT pg_advisory_lock(hashtext('cclcc'))",
                   "SELECT pg_advisory_unlock(hashtext('cclcc'))"),
    "mysql": ("SELECT GET_LOCK('cclcc', -1)", "SELECT RELEASE_LOCK('cclcc')"),
}
"""Held by a connection to the server; keyed by SQLAlchemy's names of dialects."""


class JournalDamaged(RunError):
    """A journal that cannot be read."""


def _damaged(address: str, error: Exception) -> JournalDamaged:
    return JournalDamaged(f"{address}: the journal cannot be read ({error}); --fresh starts the "
                          "search afresh and reuses finished runs")


def search_folder(runs_root: Path, name: str) -> Path:
    """Where a search keeps its journal and its results: ``<runs>/searches/<name>``."""
    return runs_root / "searches" / name


def journal_path(runs_root: Path, name: str) -> Path:
    return search_folder(runs_root, name) / "journal.log"


def storage_address(given: str | None, runs_root: Path, name: str) -> str:
    """A database's URL with its driver, or the journal's absolute path.

    Raises:
        RunError: the URL is of no known kind.
    """
    if given is None:
        return str(journal_path(runs_root, name).absolute())
    kind = given.partition("://")[0]
    if "://" not in given or kind.partition("+")[0] not in (*_DATABASES, "postgres"):
        raise RunError(f"--storage {without_secrets(given)}: unknown kind; give "
                       "postgresql://USER@HOST/DATABASE or sqlite:///FILE, or leave it out for a "
                       "journal in the runs folder")
    if kind in ("postgresql", "postgres"):  # SQLAlchemy's default driver differs by its version
        return given.replace(f"{kind}://", "postgresql+psycopg://", 1)
    if kind == "sqlite":  # absolute, for workers that start in other folders
        file = Path(given.removeprefix("sqlite:///"))
        return f"sqlite:///{file.absolute()}"
    return given


def is_journal(address: str) -> bool:
    return "://" not in address


def open_storage(address: str, say: Callable[[str], None] | None = None) -> BaseStorage:
    """The storage at an address, created where there is none.

    Args:
        address: see ``storage_address``.
        say: receives the news that a truncated journal was repaired; None leaves the repair to
            the first write.

    Raises:
        RunError: it cannot be reached, its driver is missing, or it is damaged.
    """
    with storage_errors(address):
        try:
            if is_journal(address):
                path = Path(address)
                path.parent.mkdir(parents=True, exist_ok=True)
                return SearchJournal(path, say)
            return _open_database(address)
        except ModuleNotFoundError as error:
            raise RunError(f"{without_secrets(address)}: its driver {error.name} is not "
                           "installed; pip install 'cclcc[postgres]'") from None
        except (OSError, KeyError, ValueError) as error:
            if not is_journal(address):
                raise
            raise _damaged(address, error) from error


def storage_exists(address: str) -> bool:
    """Whether there is a storage already; creates nothing."""
    if is_journal(address):
        return Path(address).exists()
    file = address.removeprefix("sqlite:///")
    return file == address or Path(file).exists()


@contextmanager
def storage_errors(address: str) -> Iterator[None]:
    """Turn whatever a storage raises into an error of ours; only calls to it belong inside.

    Raises:
        StorageError: it does not answer.
        DiskFullError: there is no space left.
        JournalDamaged: it cannot be read.
    """
    try:
        yield
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        cause = error.__cause__ if isinstance(error.__cause__, SQLAlchemyError) else error
        reason = " ".join(str(getattr(cause, "orig", None) or cause).split())[:300]
        raise StorageError(f"{without_secrets(address)}: the study's storage failed: {reason}; "
                           "check the address and that it is running, then give the same command "
                           "again") from error
    except json.JSONDecodeError as error:
        raise _damaged(address, error) from error
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise DiskFullError(f"{address}: cannot be written ({error.strerror}); free some space, "
                            "then give the same command again") from error


def _open_database(address: str) -> RDBStorage:
    options: dict[str, Any] = {"connect_args": {"timeout": 60}}
    if not address.startswith("sqlite"):
        options = {"pool_pre_ping": True, "connect_args": {"connect_timeout": 10}}
    # Processes that create the tables at the same time disturb each other.
    if address.startswith("sqlite"):
        file = Path(address.removeprefix("sqlite:///"))
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{file}.lock", timeout=60):
            return RDBStorage(address, engine_kwargs=options)
    for attempt in range(5):
        try:
            return RDBStorage(address, engine_kwargs=options)
        except SQLAlchemyError:
            if attempt == 4:
                raise
            time.sleep(0.2)
    raise AssertionError


class SearchJournal(JournalStorage):
    """The storage of a journal, which knows its file; arguments as of ``Journal``."""

    def __init__(self, path: Path, say: Callable[[str], None] | None) -> None:
        self.path = path
        super().__init__(Journal(path, say))


@contextmanager
def lease_lock(storage: BaseStorage) -> Iterator[None]:
    """One process at a time may be inside; the death of a process releases the lock.

    Raises:
        TypeError: the storage is not one of ``open_storage``.
    """
    match storage:
        case SearchJournal(path=path):
            with FileLock(f"{path}.claims"):
                yield
        case RDBStorage(engine=engine) if engine.dialect.name == "sqlite":
            with FileLock(f"{engine.url.database}.claims"):
                yield
        case RDBStorage(engine=engine):
            take, release = _SERVER_LOCKS[engine.dialect.name]
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text(take))
                try:
                    yield
                finally:
                    connection.execute(text(release))
        case _:
            raise TypeError(f"{type(storage).__name__} has no lock")


class _KernelLock(BaseJournalFileLock):
    def __init__(self, path: Path) -> None:
        self._lock = FileLock(path.with_name(f"{path.name}.lock"), poll_interval=0.005)

    def acquire(self) -> bool:
        self._lock.acquire()
        return True

    def release(self) -> None:
        self._lock.release()


class Journal(JournalFileBackend):
    """A journal that a killed writer cannot damage.

    Args:
        path: of the file.
        say: receives the news that a truncated record was removed; None leaves the file as it is
            until it is written.
    """

    def __init__(self, path: Path, say: Callable[[str], None] | None) -> None:
        self._path, self._say = path, say or (lambda _line: None)
        self._own_lock = _KernelLock(path)
        super().__init__(str(path), self._own_lock)
        if say is not None:
            self._repair()

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Write records after the last whole one."""
        with get_lock_file(self._own_lock):  # its holder may take it again
            self._repair()
            super().append_logs(logs)

    def _repair(self) -> None:
        with get_lock_file(self._own_lock):  # no other process is in the middle of writing
            if not _is_whole(self._path):
                self._say(repair_journal(self._path))


def repair_journal(path: Path) -> str:
    """Remove what follows the last whole record, and keep a copy of the file as it was.

    Returns:
        What was done, in a line.
    """
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    copy = unused_path(path, "torn")
    write_atomic(copy, content)
    os.truncate(path, whole)
    return (f"{path}: its last record was truncated ({len(content) - whole} bytes) and has been "
            f"removed; the original file is kept as {copy.name}")


def unused_path(path: Path, word: str) -> Path:
    """A path beside a file that does not exist yet: ``journal.log.torn-1``."""
    return next(other for number in range(1, 10_000)
                if not (other := path.with_name(f"{path.name}.{word}-{number}")).exists())


def _is_whole(path: Path) -> bool:
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


@contextmanager
def quiet_experiments() -> Iterator[None]:
    """Silence Optuna's warnings of parts that may change; our tests cover those that we use."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield
