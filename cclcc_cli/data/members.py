"""Files that can be read whole and named in a message, wherever they lie."""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cclcc_cli.errors import DataError

_LEFT_BY_SYSTEMS = frozenset({"__MACOSX", "Thumbs.db"})


class BinaryFile(Protocol):
    """What can be read whole and named in a message: a ``Path`` or a ``Member``.

    ``read_bytes`` of a ``Path`` raises OSError, that of a ``Member`` DataError.
    """

    @property
    def name(self) -> str: ...

    def read_bytes(self) -> bytes: ...

    def __str__(self) -> str: ...


@dataclass(frozen=True)
class Limits:
    """What an archive may claim.

    How well a member compresses has no limit: a mask saved as BMP shrinks a thousandfold. Sizes
    have, and members that do not overlap cannot grow to more than 1032 times the file.

    Attributes:
        members: files and folders inside; of a folder too, so that ``/`` is refused soon.
        member_bytes: of one member, unpacked; so much memory may one read take.
        total_bytes: of all members, unpacked.
    """

    members: int = 100_000
    member_bytes: int = 2**28
    total_bytes: int = 2**37


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Member:
    """A file inside an archive or a folder.

    Attributes:
        root: the archive or folder, as given.
        path: inside it, with ``/`` between its parts.
        size: in bytes, as the archive or the disk states it.
    """

    root: Path
    path: str
    size: int
    _fetch: Callable[[str], bytes] = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    def read_bytes(self) -> bytes:
        """Its content, ``size`` bytes; several threads may read at once.

        Raises:
            DataError: it is damaged, has another size, or cannot be read.
        """
        try:
            return self._fetch(str(self))
        except OSError as error:
            raise unreadable(str(self), error) from None

    def __str__(self) -> str:
        return f"{self.root}/{self.path}"


@dataclass(frozen=True)
class Root:
    """An opened archive or folder.

    Attributes:
        path: as given.
        title: the archive's name without its ending, or the folder's name.
        members: sorted by path; without hidden files and those that systems leave behind.
        ignored: one line for each file of a folder that is left out, with the reason.
    """

    path: Path
    title: str
    members: tuple[Member, ...]
    ignored: tuple[str, ...] = ()


def unreadable(where: str, error: OSError) -> DataError:
    """What to tell of a file that the system does not give."""
    return DataError(f"{where}: cannot be read ({error.strerror or error})")


def passed_over(part: str) -> bool:
    """Whether a file or folder of that name is nobody's data: hidden, or left by a system."""
    return part.startswith(".") or part in _LEFT_BY_SYSTEMS


def has_control(text: str) -> bool:
    """Whether a name holds what could not stand on one line of plain text."""
    return any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in text)


def shown(name: str) -> str:
    """A name that may be anything, quoted, on one line and not too long."""
    return ascii(name if len(name) <= 80 else name[:77] + "...")


def collect_root(
    path: Path, title: str, members: Sequence[Member], ignored: Sequence[str] = ()
) -> Root:
    """A root of these members.

    Raises:
        DataError: there are none.
    """
    if not members:
        raise DataError("; ".join((f"{path}: holds no files", *ignored[:1])))
    ordered = sorted(members, key=lambda member: member.path)
    return Root(path, title, tuple(ordered), tuple(ignored))
