"""A file of the catalogue, brought here whole and verified, or not at all."""

from dataclasses import dataclass
from pathlib import Path

from cclcc_cli.data.catalog import RemoteFile
from cclcc_cli.data.fetching.download import Download, Progress, Retry, Warn
from cclcc_cli.data.fetching.manifest import (
    Against,
    Checksums,
    Content,
    expected_of,
    load_manifest,
    now,
    save_entry,
)
from cclcc_cli.data.fetching.partial_file import PartialFile, note_path, part_path, set_aside
from cclcc_cli.data.locking import lock_path, locked
from cclcc_cli.errors import DataError

PATIENT = Retry()
_LONG_READ = 1_000_000_000
"""Bytes from which on reading a file takes long enough to say so."""


@dataclass(frozen=True)
class Fetched:
    """A file that is there and is the right one.

    Attributes:
        path: of it.
        content: its size and checksums.
        url: the address it came from, "" where a person put it there.
        compared_with: the catalogue's checksum; or, where it has none, the copy that arrived
            first, of which ``received.json`` has the checksum; or nothing, where this is that
            copy and its checksum was recorded now.
        downloaded: False where it was there before.
    """

    path: Path
    content: Content
    url: str
    compared_with: Against
    downloaded: bool


def fetch(
    file: RemoteFile,
    folder: Path,
    *,
    progress: Progress = lambda _name, _done, _total: None,
    warn: Warn = lambda _news: None,
    retry: Retry = PATIENT,
    reserve_bytes: int = 0,
) -> Fetched:
    """Leave ``folder/file.name`` in place, verified.

    A right file that is there is used, a download that was broken off goes on, and a wrong file,
    wherever it came from, is kept as ``<name>.wrong-<first 8 of its SHA-256>`` and never used.

    Args:
        file: what to bring.
        folder: where to put it; made where it is not there.
        progress: called when bytes begin to come, a few times a second, and at the end.
        warn: called with one line of news, such as that an attempt failed.
        retry: how long to stay with an address that fails.
        reserve_bytes: what the disk must have room for beside the file.

    Raises:
        DataError: no address gives the file; the disk is full or cannot be written; another
            process is downloading this file.
    """
    path = folder / file.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trusted = _trusted(file, path)
        if trusted is not None and not _is_untidy(path):
            return trusted  # without the lock, which a folder that is only for reading refuses
        with locked(path, f"{path}: another process is downloading this file; wait for it or "
                          f"stop it"):
            found = _trusted(file, path) or _found(file, path, warn)
            if found is not None:
                part_path(path).unlink(missing_ok=True)
                note_path(path).unlink(missing_ok=True)
                return found
            return _download(file, path, progress, warn, retry, reserve_bytes)
    except OSError as error:
        raise DataError(f"{error.filename or path}: cannot be read or written "
                        f"({error.strerror or error}); what has arrived is kept, run again once "
                        f"that is mended") from None


def _trusted(file: RemoteFile, path: Path) -> Fetched | None:
    """The file that is there, if it was verified before and nobody has touched it since."""
    entry = load_manifest(path.parent).get(file.name)
    if entry is None or not entry.is_untouched(path):
        return None
    expected = expected_of(file, entry)
    if expected.mismatch(path, entry.content, file.name) is not None:
        return None
    return Fetched(path, entry.content, entry.url, expected.by, downloaded=False)


def _found(file: RemoteFile, path: Path, warn: Warn) -> Fetched | None:
    """The file that is there, if it is the right one; a wrong one is set aside."""
    if not path.exists():
        return None
    _tell_long_read(path, warn)
    mtime_ns = path.stat().st_mtime_ns  # before it is read: a change meanwhile is then noticed
    checksums = Checksums(with_md5=file.md5 is not None)
    checksums.update_from(path)
    content = checksums.content()
    entry = load_manifest(path.parent).get(file.name)
    expected = expected_of(file, entry)
    mismatch = expected.mismatch(path, content, file.name)
    if mismatch is not None:
        kept = set_aside(path, path, content.sha256)
        warn(f"{path}: {mismatch}; it is kept as {kept} and downloaded anew")
        return None
    known = entry is not None and entry.sha256 == content.sha256
    url, when = (entry.url, entry.when) if entry is not None and known else ("", now())
    save_entry(path.parent, file.name, content, mtime_ns, url, when)
    return Fetched(path, content, url, expected.by, downloaded=False)


def _download(
    file: RemoteFile, path: Path, progress: Progress, warn: Warn, retry: Retry, reserve_bytes: int
) -> Fetched:
    if part_path(path).exists():
        _tell_long_read(part_path(path), warn)
    part = PartialFile(path, with_md5=file.md5 is not None)
    expected = expected_of(file, load_manifest(path.parent).get(file.name))
    url = Download(file, path, expected, part, progress, warn, retry, reserve_bytes).run()
    # Recorded before it has its name: killed in between, the next run finds the part complete.
    save_entry(path.parent, file.name, part.content, part.write_through(), url, now())
    part.finish()
    return Fetched(path, part.content, url, expected.by, downloaded=True)


def _is_untidy(path: Path) -> bool:
    """Whether a call that was killed left something beside the file."""
    return any(left.exists() for left in (part_path(path), note_path(path), lock_path(path)))


def _tell_long_read(path: Path, warn: Warn) -> None:
    size = path.stat().st_size
    if size >= _LONG_READ:
        warn(f"{path}: checking the {size / 1e9:.1f} GB that are there")
