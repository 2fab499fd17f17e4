"""The bytes of a file that have arrived so far: ``NAME.part``, and ``NAME.part.json`` about them.

Hold the file's lock while using any of this.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

from cclcc_cli.data.fetching.http_source import Origin
from cclcc_cli.data.fetching.manifest import Checksums, Content, remove_unfinished
from cclcc_cli.files import sync, write_atomic


def part_path(whole: Path) -> Path:
    """Where the bytes lie until the file at ``whole`` is complete."""
    return whole.with_name(f"{whole.name}.part")


def note_path(whole: Path) -> Path:
    """Where it is noted what they are the bytes of."""
    return whole.with_name(f"{whole.name}.part.json")


def set_aside(path: Path, whole: Path, sha256: str) -> str:
    """Rename a file that must not be used to ``<name>.wrong-<first 8 of its SHA-256>``.

    Returns:
        The new name.
    """
    return path.replace(whole.with_name(f"{whole.name}.wrong-{sha256[:8]}")).name


class PartialFile:
    """What is there from an earlier run is read once, and hashed.

    Attributes:
        path: of the bytes.
        size: how many there are.
        origin: where they came from, None where no note says so.
        is_joined: whether they came in more than one piece, and so may not fit together.
    """

    size: int
    origin: Origin | None
    is_joined: bool

    def __init__(self, whole: Path, with_md5: bool) -> None:
        self.path = part_path(whole)
        self._note = note_path(whole)
        self._whole = whole
        self._with_md5 = with_md5
        remove_unfinished(self._note)
        self._forget()
        if self.path.exists():
            self._checksums.update_from(self.path)
        self.size = self.content.num_bytes
        if self.size:
            self.origin = self._read_note()
            self.is_joined = True

    @property
    def content(self) -> Content:
        """Of the bytes so far."""
        return self._checksums.content()

    def restart(self) -> None:
        """Drop the bytes."""
        # Before there is a new note, so that old bytes never stand under a new address.
        self.path.open("wb").close()
        self._forget()

    def take_note(self, origin: Origin) -> None:
        """Write down where the next bytes come from."""
        if origin != self.origin:
            write_atomic(self._note, json.dumps(asdict(origin), indent=2).encode())
            self.origin = origin

    def receive(self, chunks: Iterable[bytes], tell: Callable[[int], None]) -> None:
        """Write bytes behind those that are there; ``tell`` hears the size after each chunk."""
        self.is_joined = self.size > 0
        with self.path.open("ab") as file:
            for chunk in chunks:
                file.write(chunk)
                file.flush()  # kill -9 then loses nothing that came
                self._checksums.update(chunk)
                self.size += len(chunk)
                tell(self.size)

    def set_aside(self) -> str:
        """Keep the bytes under a name that nobody uses, and have none; gives that name."""
        name = set_aside(self.path, self._whole, self.content.sha256)
        self._note.unlink(missing_ok=True)
        self._forget()
        return name

    def write_through(self) -> int:
        """Have the bytes on the disk itself; gives the file's time of change in nanoseconds."""
        sync(self.path)
        return self.path.stat().st_mtime_ns

    def finish(self) -> None:
        """Give the file its name."""
        self.path.replace(self._whole)
        sync(self._whole.parent)
        self._note.unlink(missing_ok=True)

    def _forget(self) -> None:
        self._checksums = Checksums(self._with_md5)
        self.size = 0
        self.origin = None
        self.is_joined = False

    def _read_note(self) -> Origin | None:
        try:
            return Origin(**json.loads(self._note.read_bytes()))
        except (FileNotFoundError, ValueError, TypeError):
            return None  # bytes of nobody knows where count only where a checksum is known
