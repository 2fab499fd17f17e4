"""From addresses that may fail, lie and break off to all bytes of a file, verified."""

import math
import random
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from cclcc_cli.data.catalog import RemoteFile
from cclcc_cli.data.fetching.http_source import Broken, Refused, Stale, open_body
from cclcc_cli.data.fetching.manifest import RECORD, Expected
from cclcc_cli.data.fetching.partial_file import PartialFile
from cclcc_cli.errors import DataError

PROGRESS_EVERY = 0.25
"""Seconds between two calls of ``progress``, at least."""

Progress = Callable[[str, int, int | None], None]
"""Hears a file's name, the bytes that are here, and the bytes in all where that is known."""
Warn = Callable[[str], None]


@dataclass(frozen=True)
class Retry:
    """How long to stay with an address that fails in ways that may pass.

    Attributes:
        attempts: in a row that bring not one new byte, until the address is given up.
        first_delay: seconds after the first of these; doubled after each further one.
        longest_delay: seconds; also the most that a server's ``Retry-After`` is heeded.
        connect_timeout, read_timeout: seconds to connect, and to wait for the next byte.
        sleep: waits so many seconds.
    """

    attempts: int = 5
    first_delay: float = 1.0
    longest_delay: float = 60.0
    connect_timeout: float = 15.0
    read_timeout: float = 30.0
    sleep: Callable[[float], None] = time.sleep

    def delay(self, fruitless: int, asked: float | None) -> float:
        """Seconds to wait, after so many attempts in a row that brought nothing."""
        if asked is not None:
            return min(asked, self.longest_delay)
        delay = min(self.first_delay * 2.0 ** max(fruitless - 1, 0), self.longest_delay)
        # Spread: those who lost a server together do not all come back at the same moment.
        return delay * random.uniform(0.5, 1)


class _Changed(Refused):
    """An address has a file, and it is another one."""


class _Failure(NamedTuple):
    """Why an address was given up."""

    reason: str
    changed: bool
    offline: bool


@dataclass(eq=False)
class Download:
    """One file on its way.

    Attributes:
        path: where it will be; for messages, and to see how much room the disk has.
        part: where its bytes go.
        reserve_bytes: what must stay free beside it.
    """

    file: RemoteFile
    path: Path
    expected: Expected
    part: PartialFile
    progress: Progress
    warn: Warn
    retry: Retry
    reserve_bytes: int
    _told: float = float("-inf")

    def run(self) -> str:
        """Complete the part, verified; gives the address it came from.

        Raises:
            DataError: no address gives the file, or the disk has no room for it.
        """
        failures: list[_Failure] = []
        for url in self.file.urls:
            try:
                self._bring(url)
            except (Broken, Refused) as error:
                offline = isinstance(error, Broken) and not error.reached
                failures.append(_Failure(str(error), isinstance(error, _Changed), offline))
                if url != self.file.urls[-1]:
                    self._tell(url, f"{error}; trying the next address")
            else:
                return self.part.origin.url if self.part.origin else url
        raise self._given_up(failures)

    def _bring(self, url: str) -> None:
        """Complete the part from one address, and verify it."""
        self._complete(url)
        mismatch = self._mismatch()
        if mismatch and self.part.is_joined:
            # The pieces may be of two different files, and the address may be blameless.
            kept = self.part.set_aside()
            self._tell(url, f"joined to what was here, the file {mismatch} (kept as {kept}); "
                            f"starting over")
            self._complete(url)
            mismatch = self._mismatch()
        if mismatch:
            raise _Changed(f"sent a file that {mismatch} (kept as {self.part.set_aside()})")

    def _complete(self, url: str) -> None:
        """Attempt after attempt, until all bytes are here or it is not worth another one."""
        furthest, fruitless, whole = self.part.size, 0, False
        while not self._is_complete():
            try:
                self._receive(url, whole)
                return
            except Stale as stale:
                whole = True
                self._tell(url, f"{stale}; asking for the whole file")
            except Broken as broken:
                whole = False
                fruitless = 0 if self.part.size > furthest else fruitless + 1
                furthest = max(furthest, self.part.size)
                if fruitless >= self.retry.attempts:
                    raise
                delay = self.retry.delay(fruitless, broken.wait)
                self._tell(url, f"{broken}; trying again in {math.ceil(delay)} s")
                self.retry.sleep(delay)

    def _receive(self, url: str, whole: bool) -> None:
        """One attempt: the rest of the file, or all of it."""
        part = self.part
        have = part.size if self._may_go_on(url) and not whole else 0
        timeouts = (self.retry.connect_timeout, self.retry.read_timeout)
        with open_body(url, have, part.origin, timeouts) as body:
            total = self._check_size(body.origin.total)
            self._check_room(total)
            chunks = body.chunks(total)
            if body.start == 0:
                chunks = self._beginning_right(chunks)
                if part.size:
                    self._tell(url, "sends the file from its beginning; starting over")
                part.restart()
            part.take_note(body.origin)
            self._show(part.size, total, now=True)
            try:
                part.receive(chunks, lambda size: self._show(size, total))
            except Refused as error:
                raise _Changed(f"{error} (kept as {part.set_aside()})") from None
            self._show(part.size, total, now=True)

    def _beginning_right(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The same chunks, unless the first is of something else, such as a page to sign in."""
        first = next(chunks, b"")
        if self.file.name.lower().endswith(".zip") and first[:2] != b"PK"[:len(first)]:
            raise _Changed(f"sends something that is no ZIP archive and begins {first[:15]!r}")
        return chain([first], chunks)

    def _is_complete(self) -> bool:
        part = self.part
        if part.origin is None and not self.expected.has_checksum:
            return False
        total = self.expected.num_bytes
        if total is None and part.origin is not None:
            total = part.origin.total
        return 0 < part.size == total

    def _may_go_on(self, url: str) -> bool:
        """Whether the rest from this address would surely fit, or a misfit be noticed."""
        part = self.part
        if self.expected.num_bytes is not None and part.size > self.expected.num_bytes:
            return False
        if self.expected.has_checksum:
            return True
        return part.origin is not None and part.origin.url == url and bool(part.origin.validator)

    def _check_size(self, announced: int | None) -> int | None:
        """The file's size, if anybody knows it."""
        expected = self.expected.num_bytes
        if expected is None or announced is None:
            return announced if expected is None else expected
        if announced != expected:
            raise _Changed(f"the file on the server is {announced} bytes, expected {expected}: "
                           f"it was changed")
        return expected

    def _check_room(self, total: int | None) -> None:
        size = total or self.file.about_bytes
        if size is None:
            return
        needed = size - self.part.size + self.reserve_bytes
        free = shutil.disk_usage(self.path.parent).free
        if needed > free:
            raise DataError(f"{self.path.parent}: {needed / 1e9:.2f} GB are needed for "
                            f"{self.file.name} and what is made of it, {free / 1e9:.2f} GB are "
                            f"free; make room or take another folder")

    def _mismatch(self) -> str | None:
        return self.expected.mismatch(self.part.path, self.part.content, self.file.name)

    def _given_up(self, failures: Sequence[_Failure]) -> DataError:
        urls, name = self.file.urls, self.file.name
        reasons = "; ".join(f"{self._address(url)}: {failure.reason}"
                            for url, failure in zip(urls, failures, strict=True))
        if self.expected.by == "first copy" and any(failure.changed for failure in failures):
            return DataError(
                f"{name}: is no longer the file that arrived here first ({reasons}); to accept "
                f"the new one, remove \"{name}\" from {self.path.with_name(RECORD)} and run "
                f"again, or before that rename what was kept to {name}")
        what = ("no address can be reached, this machine seems to be offline"
                if all(failure.offline for failure in failures) else "cannot be downloaded")
        later = "run again later to go on, or " if self.part.size else ""
        return DataError(f"{name}: {what} ({reasons}); {later}download it by hand from {urls[0]} "
                         f"and put it at {self.path}, or give --archive")

    def _address(self, url: str) -> str:
        """Short, and distinct where two addresses are on one server."""
        number = self.file.urls.index(url) + 1
        return f"address {number} ({urlsplit(url).netloc})"

    def _tell(self, url: str, news: str) -> None:
        self.warn(f"{self.file.name}: {self._address(url)}: {news}")

    def _show(self, size: int, total: int | None, now: bool = False) -> None:
        clock = time.monotonic()
        if now or clock >= self._told + PROGRESS_EVERY:
            self._told = clock
            self.progress(self.file.name, size, total)
