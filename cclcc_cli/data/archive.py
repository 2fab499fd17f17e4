"""The files in a zip archive or a folder, read where they lie: nothing is unpacked to disk.

No path of an archive becomes a path on disk, and no second copy is made. An archive whose directory
of members is not sound, for any of them, is refused before anything is read; what a member holds
matters only when somebody reads it, so a broken licence text does no harm.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from cclcc_cli.data.members import (
    DEFAULT_LIMITS,
    Limits,
    Member,
    Root,
    collect_root,
    has_control,
    passed_over,
    shown,
    unreadable,
)
from cclcc_cli.data.zip_archive import list_archive
from cclcc_cli.errors import DataError


@contextmanager
def open_members(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> Iterator[Root]:
    """Open a zip archive or a folder; its members can be read until the context ends.

    Whether a file is a zip is decided by its content. Two members whose names differ only in upper
    and lower case are two members, as in a folder; the same name twice is refused.

    Raises:
        DataError: it cannot be read, is no zip, is damaged or hostile, or holds no files.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise DataError(f"{path}: no such file or folder") from None
    except OSError as error:
        raise unreadable(str(path), error) from None
    if stat.S_ISDIR(mode):
        yield _list_folder(path, limits)
    elif stat.S_ISREG(mode):
        with _open_file(path) as file:
            yield list_archive(path, file, limits)
    else:
        raise DataError(f"{path}: is neither a file nor a folder; give a zip archive or a folder")


def _open_file(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise unreadable(str(path), error) from None


def _list_folder(path: Path, limits: Limits) -> Root:
    members, ignored = [], []
    try:
        top = path.resolve()
        for count, file in enumerate(_walk(path)):
            if count >= limits.members:
                raise DataError(f"{path}: holds more than {limits.members} files and folders; "
                                f"give the data set's own folder")
            inside = file.relative_to(path).as_posix()
            flaw = _file_flaw(file, inside, top)
            if flaw:
                ignored.append(f"{path}: {shown(inside)} {flaw}")
            elif not file.is_dir():
                size = file.stat().st_size
                members.append(Member(path, inside, size, partial(_fetch_file, file, size)))
    except OSError as error:
        raise unreadable(error.filename or str(path), error) from None
    return collect_root(path, top.name, members, sorted(ignored))


def _walk(path: Path) -> Iterator[Path]:
    """Every file and folder inside, links among them; hidden ones are passed over."""

    def refuse(error: OSError) -> None:
        raise error

    for folder, folders, files in os.walk(path, onerror=refuse):
        folders[:] = [name for name in folders if not passed_over(name)]
        yield from (Path(folder, name) for name in folders)
        yield from (Path(folder, name) for name in files if not passed_over(name))


def _file_flaw(file: Path, inside: str, top: Path) -> str | None:
    """Why something in a folder is left out, where it is."""
    if has_control(inside):
        return "has a name that is not plain text; rename it"
    if file.is_dir():
        return "is a link to a folder and was not followed" if file.is_symlink() else None
    if not file.is_file():
        return "is a broken link or no regular file"
    if file.is_symlink() and not file.resolve().is_relative_to(top):
        return "is a link that leads out of the folder and was not followed"
    return None


def _fetch_file(file: Path, size: int, label: str) -> bytes:
    with file.open("rb") as opened:
        data = opened.read(size + 1)
    if len(data) != size:
        raise DataError(f"{label}: has changed since the folder was listed; try again")
    return data
