"""Versions of a store: nobody changes a folder that was written, and readers keep what they opened.

The first version is the folder ``<size>``, later ones are ``<size>-v2``, ``<size>-v3`` and so on;
the highest number is the current one. Whoever reads a version holds a shared lock on it, which the
system lets go of however a process ends; only versions that nobody holds are removed.
"""

import os
import re
import shutil
import tempfile
from pathlib import Path

from cclcc_cli.errors import DataError

try:
    import fcntl
except ImportError:  # on Windows an open file keeps its folder from being removed
    fcntl = None  # type: ignore[assignment]

INFO = "dataset.json"
_NAME = re.compile(r"([1-9][0-9]*)(?:-v([0-9]+))?")


class Hold:
    """A shared lock on a version, for as long as this object lives, in forked processes too.

    Args:
        folder: of the version.

    Raises:
        OSError: it is not there, or is being removed.
    """

    def __init__(self, folder: Path) -> None:
        self._handle = os.open(folder / INFO, os.O_RDONLY)
        if fcntl is not None:
            fcntl.flock(self._handle, fcntl.LOCK_SH | fcntl.LOCK_NB)

    def __del__(self) -> None:
        if hasattr(self, "_handle"):
            os.close(self._handle)


def size_of(folder: Path) -> str:
    """The size in the name of a version's folder, as text."""
    match = _NAME.fullmatch(folder.name)
    return match[1] if match else folder.name


def stored_sizes(home: Path) -> list[int]:
    """Sizes at which a data set is stored, of all folders below its own."""
    return sorted({int(size_of(info.parent)) for info in home.glob(f"*/{INFO}")
                   if _NAME.fullmatch(info.parent.name)})


def stored_data(root: Path) -> list[Path]:
    """Folders of data sets, below a folder of stores, that have any."""
    return sorted({info.parents[1] for info in root.glob(f"*/*/{INFO}")
                   if _NAME.fullmatch(info.parent.name)})


def current_version(path: Path) -> Path:
    """The folder of a store's current version; ``path`` itself where it is one, or none is there.

    Args:
        path: ``store.store_path``, or the folder of a version.
    """
    there = [folder for folder in _versions(path) if (folder / INFO).is_file()]
    return there[-1] if there and path.name == size_of(path) else path


def is_stored(path: Path) -> bool:
    """Whether any version is there, or something else in the place of the first."""
    return path.exists() or (current_version(path) / INFO).is_file()


def next_version(path: Path) -> Path:
    """The folder that the next version is to have."""
    there = _versions(path)
    return path.with_name(f"{path.name}-v{_number(there[-1]) + 1}") if there else path


def remove_old(path: Path) -> None:
    """Remove all versions but the current one that nobody reads."""
    current = current_version(path)
    for folder in _versions(path):
        if folder != current and (folder / INFO).is_file():
            _remove_free(folder, path)


def _remove_free(folder: Path, path: Path) -> None:
    handle = os.open(folder / INFO, os.O_RDONLY)
    try:
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Away first, as a whole: nobody finds half of it.
        away = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp"))
        folder.rename(away / "old")
        shutil.rmtree(away)
    except BlockingIOError:
        pass  # somebody reads it: it is removed by a later one
    finally:
        os.close(handle)


def _versions(path: Path) -> list[Path]:
    return sorted((folder for folder in path.parent.glob(f"{size_of(path)}*")
                   if _NAME.fullmatch(folder.name) and size_of(folder) == size_of(path)),
                  key=_number)


def _number(folder: Path) -> int:
    match = _NAME.fullmatch(folder.name)
    if match is None:
        raise DataError(f"{folder}: is no folder of a store")
    return int(match[2] or 1)
