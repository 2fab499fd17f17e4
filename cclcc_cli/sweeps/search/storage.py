"""Where a search keeps its trials: a journal below the runs' root, or a database.

The journal is Optuna's, with two differences, for processes that are killed at any moment: its lock
is the kernel's, which goes with its holder (Optuna's own is a file that outlives it by 30 s), and
a record that was cut off is taken out before the next one is written behind it (which would make
both, and so the file, unreadable).
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

from cclcc_cli.addresses import without_password
from cclcc_cli.errors import DiskFullError, RunError, StorageError
from cclcc_cli.files import write_atomic

optuna.logging.set_verbosity(optuna.logging.ERROR)  # what it says otherwise, the board says
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_DATABASES = ("sqlite", "postgresql", "mysql")
_SERVER_LOCKS = {
    "postgresql": ("SELECT pg_advisory_lock(hashtext('cclcc'))",
                   "SELECT pg_advisory_unlock(hashtext('cclcc'))"),
    "mysql": ("SELECT GET_LOCK('cclcc', -1)", "SELECT RELEASE_LOCK('cclcc')"),
}
"""Held by a connection to the server; statements by SQLAlchemy's names of dialects."""


def search_folder(runs_root: Path, name: str) -> Path:
    """Where a search keeps its journal and what it found: ``<runs>/searches/<name>``."""
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
        raise RunError(f"--storage {without_password(given)}: unknown kind; give "
                       "postgresql://USER@HOST/DATABASE or sqlite:///FILE, or leave it out for a "
                       "journal below --runs")
    if kind in ("postgresql", "postgres"):  # SQLAlchemy's default driver differs by its version
        return given.replace(f"{kind}://", "postgresql+psycopg://", 1)
    if kind == "sqlite":  # relative to here, also for workers that start elsewhere
        file = Path(given.removeprefix("sqlite:///"))
        return f"sqlite:///{file.absolute()}"
    return given


def is_journal(address: str) -> bool:
    return "://" not in address


def open_storage(address: str, say: Callable[[str], None] | None = None) -> BaseStorage:
    """The storage at an address, made where there is none.

    Args:
        address: see ``storage_address``.
        say: hears that a torn journal was repaired; None leaves that to the first who writes.

    Raises:
        RunError: it cannot be reached, its driver is missing, or it is damaged.
    """
    with talking_to(address), _opening(address):
        if is_journal(address):
            path = Path(address)
            path.parent.mkdir(parents=True, exist_ok=True)
            return SearchJournal(path, say)
        return _open_database(address)


def storage_exists(address: str) -> bool:
    """Whether something is there already; asking makes nothing."""
    if is_journal(address):
        return Path(address).exists()
    file = address.removeprefix("sqlite:///")
    return file == address or Path(file).exists()


@contextmanager
def talking_to(address: str) -> Iterator[None]:
    """Turn what a storage raises into an error of ours; only calls to it stand inside.

    Raises:
        StorageError: it does not answer.
        DiskFullError: there is no room for it.
        RunError: it is damaged.
    """
    try:
        yield
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        cause = error.__cause__ if isinstance(error.__cause__, SQLAlchemyError) else error
        reason = " ".join(str(getattr(cause, "orig", None) or cause).split())[:300]
        raise StorageError(f"{without_password(address)}: the study's storage failed: {reason}; "
                           "check that it runs and its address, then give the same command "
                           "again") from error
    except json.JSONDecodeError as error:
        raise RunError(f"{address}: the journal cannot be read ({error}); --fresh begins the "
                       "search anew, finished trainings are found again") from error
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise DiskFullError(f"{address}: cannot be written ({error.strerror}); make room, then "
                            "give the same command again") from error


@contextmanager
def _opening(address: str) -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        raise RunError(f"{without_password(address)}: its driver {error.name} is not installed; "
                       "pip install 'cclcc[postgres]'") from None
    except (OSError, KeyError, ValueError) as error:
        if not is_journal(address):
            raise
        raise RunError(f"{address}: the journal cannot be read ({error}); --fresh begins the "
                       "search anew, finished trainings are found again") from error


def _open_database(address: str) -> RDBStorage:
    options: dict[str, Any] = {"connect_args": {"timeout": 60}}
    if not address.startswith("sqlite"):
        options = {"pool_pre_ping": True, "connect_args": {"connect_timeout": 10}}
    # Processes that make the tables at the same time trip over each other.
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
    """The storage of a journal, which knows its file; arguments as ``Journal``'s."""

    def __init__(self, path: Path, say: Callable[[str], None] | None) -> None:
        self.path = path
        super().__init__(Journal(path, say))


@contextmanager
def claim_lock(storage: BaseStorage) -> Iterator[None]:
    """What one process at a time does with a storage; a process that dies inside lets go of it.

    Raises:
        TypeError: the storage is none of ``open_storage``.
    """
    match storage:
        case SearchJournal(path=path):
            with FileLock(f"{path}.claims"):
                yield
        case RDBStorage(engine=engine) if engine.dialect.name == "sqlite":
            with FileLock(f"{engine.url.database}.claims"):
                yield
        case RDBStorage(engine=engine):
            take, let_go = _SERVER_LOCKS[engine.dialect.name]
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text(take))
                try:
                    yield
                finally:
                    connection.execute(text(let_go))
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
    """A journal that a killed writer cannot spoil.

    Args:
        path: of the file.
        say: hears that a cut record was taken out; None: the file is left as it is until written.
    """

    def __init__(self, path: Path, say: Callable[[str], None] | None) -> None:
        self._path, self._say = path, say or (lambda _line: None)
        self._own_lock = _KernelLock(path)
        super().__init__(str(path), self._own_lock)
        if say is not None:
            self._mend()

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Write records behind the last whole one."""
        with get_lock_file(self._own_lock):  # which its holder may take once more
            self._mend()
            super().append_logs(logs)

    def _mend(self) -> None:
        with get_lock_file(self._own_lock):  # or another process may be in the middle of writing
            if not _is_whole(self._path):
                self._say(mend_journal(self._path))


def mend_journal(path: Path) -> str:
    """Cut off what follows the last whole record, and keep a copy of the file as it was.

    Returns:
        What was done, in a line.
    """
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    copy = next(place for number in range(1, 10_000)
                if not (place := path.with_name(f"{path.name}.torn-{number}")).exists())
    write_atomic(copy, content)
    os.truncate(path, whole)
    return (f"{path}: its last record was cut off ({len(content) - whole} bytes) and is taken "
            f"out; the file as it was: {copy.name}")


def _is_whole(path: Path) -> bool:
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


@contextmanager
def quiet_experiments() -> Iterator[None]:
    """Optuna warns of parts that may change; which of them we use is tested against its version."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield
