"""What a file must be, what it is, and the record of those that were found right.

The record is ``received.json`` in their folder. It spares hashing a file again while nobody has
touched it, and where no checksum is public a later copy is held against the first one's.
"""

import hashlib
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from glob import escape
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from cclcc_cli.data.catalog import RemoteFile
from cclcc_cli.data.locking import locked
from cclcc_cli.errors import DataError
from cclcc_cli.files import write_atomic
from cclcc_cli.records import Record, describe_damage

RECORD = "received.json"
_RECORD_PATIENCE = 10.0
"""Seconds to wait for another process that is writing the record."""

Against = Literal["catalogue", "first copy", "nothing"]


@dataclass(frozen=True)
class Content:
    """What a file is made of; ``md5`` is None where nobody asked for it."""

    num_bytes: int
    sha256: str
    md5: str | None


class Checksums:
    """SHA-256, and MD5 where it is asked for, of bytes as they come."""

    def __init__(self, with_md5: bool) -> None:
        self._num_bytes = 0
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False) if with_md5 else None

    def update(self, data: bytes) -> None:
        self._num_bytes += len(data)
        self._sha256.update(data)
        if self._md5 is not None:
            self._md5.update(data)

    def update_from(self, path: Path) -> None:
        """With a whole file."""
        with path.open("rb") as file:
            while data := file.read(1 << 20):
                self.update(data)

    def content(self) -> Content:
        """Of all bytes so far."""
        md5 = None if self._md5 is None else self._md5.hexdigest()
        return Content(self._num_bytes, self._sha256.hexdigest(), md5)


class ManifestEntry(Record):
    """A file that was found right."""

    num_bytes: Annotated[int, Field(alias="bytes")]
    sha256: str
    md5: str | None = None
    """None where nobody asked for it."""
    mtime_ns: int
    """Its time of change then."""
    url: str
    """The address it came from, "" where a person put it there."""
    when: str
    """It was first found right, in UTC, ISO 8601."""

    @property
    def content(self) -> Content:
        return Content(self.num_bytes, self.sha256, self.md5)

    def is_untouched(self, path: Path) -> bool:
        """Whether the file at ``path`` still has the size and the time of change."""
        if not path.is_file():
            return False
        stat = path.stat()
        return (stat.st_size, stat.st_mtime_ns) == (self.num_bytes, self.mtime_ns)


_MANIFEST = TypeAdapter(dict[str, ManifestEntry])


@dataclass(frozen=True)
class Expected:
    """What a file must be, as far as it is known, None where it is not.

    Attributes:
        by: what says so; "nothing" where no checksum is known.
    """

    num_bytes: int | None
    sha256: str | None
    md5: str | None
    by: Against

    @property
    def has_checksum(self) -> bool:
        return self.by != "nothing"

    def mismatch(self, path: Path, content: Content, name: str) -> str | None:
        """What is wrong, if anything, with the file at ``path`` of that content.

        Args:
            name: what the file is to be called.
        """
        if self.num_bytes not in (None, content.num_bytes):
            return f"is {content.num_bytes} bytes, expected {self.num_bytes}"
        if self.sha256 not in (None, content.sha256):
            return f"has the SHA-256 {content.sha256}, expected {self.sha256}"
        if self.md5 not in (None, content.md5):
            return f"has the MD5 {content.md5}, expected {self.md5}"
        # Half of a file whose length no server told, or what a person took for it.
        if not self.has_checksum and name.lower().endswith(".zip") and not _is_zip(path):
            return "is not a whole ZIP archive"
        return None


def expected_of(file: RemoteFile, first: ManifestEntry | None) -> Expected:
    """What a file must be: the catalogue's word, or else the copy that arrived first."""
    if file.sha256 or file.md5:
        return Expected(file.num_bytes, file.sha256, file.md5, "catalogue")
    if first is not None:
        return Expected(first.content.num_bytes, first.content.sha256, None, "first copy")
    return Expected(file.num_bytes, None, None, "nothing")


def load_manifest(folder: Path) -> dict[str, ManifestEntry]:
    """All that is recorded in a folder, by name.

    Raises:
        DataError: the record is damaged.
    """
    path = folder / RECORD
    if not path.exists():
        return {}
    try:
        return _MANIFEST.validate_json(path.read_bytes())
    except ValidationError as error:
        raise DataError(f"{path}: is damaged ({describe_damage(error)}); remove it, then the files "
                        "beside it are checked anew") from None


def save_entry(
    folder: Path, name: str, content: Content, mtime_ns: int, url: str, when: str
) -> None:
    """Record a file, in place of what was recorded under its name."""
    path = folder / RECORD
    entry = ManifestEntry(num_bytes=content.num_bytes, sha256=content.sha256, md5=content.md5,
                          mtime_ns=mtime_ns, url=url, when=when)
    with locked(path, f"{path}: another process is writing it; try again", _RECORD_PATIENCE):
        remove_unfinished(path)
        manifest = dict(sorted({**load_manifest(folder), name: entry}.items()))
        text = _MANIFEST.dump_json(manifest, indent=2, exclude_none=True)
        write_atomic(path, text + b"\n")


def now() -> str:
    """For ``ManifestEntry.when``."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def remove_unfinished(path: Path) -> None:
    """Remove what ``write_atomic`` leaves where it is killed; hold the file's lock meanwhile."""
    for left in path.parent.glob(f".{escape(path.name)}.*.tmp"):
        left.unlink()


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        begins = file.read(2) == b"PK"
    return begins and zipfile.is_zipfile(path)
