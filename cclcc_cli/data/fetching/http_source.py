"""One GET of a file, or of the rest of it, and what the answer is worth.

Knows HTTP and nothing of the disk. What can go wrong is one of three: ``Broken`` is worth another
attempt, ``Stale`` one from the first byte on, ``Refused`` none.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import IncompleteRead
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError, MaxRetryError

from cclcc_cli import __version__

CHUNK = 32 * 1024
"""Bytes asked of a connection at once, at most; what it has is given without waiting for more."""
MAX_REDIRECTS = 10
_WORTH_ANOTHER_ATTEMPT = (408, 425, 429)
"""Beside 5xx."""


class Broken(Exception):
    """It went wrong and may go right the next time.

    Args:
        reason: in a few words, to follow an address.
        wait: the seconds a server asked for.
        reached: False where no server answered at all.
    """

    def __init__(self, reason: str, wait: float | None = None, reached: bool = True) -> None:
        super().__init__(reason)
        self.wait = wait
        self.reached = reached


class Stale(Exception):
    """The rest of the file cannot be had, but perhaps the whole file."""


class Refused(Exception):
    """This address does not give the file, however often it is asked."""


@dataclass(frozen=True)
class Origin:
    """Where bytes came from, and how to tell whether the file there is still the same.

    Attributes:
        url: as in the catalogue, before redirects.
        etag: a strong one, "" where the server gave none.
        last_modified: as the server wrote it, "" where it did not.
        total: the file's size as the server announced it.
    """

    url: str
    etag: str = ""
    last_modified: str = ""
    total: int | None = None

    @property
    def validator(self) -> str:
        """For ``If-Range``; "" where there is none."""
        return self.etag or self.last_modified


@dataclass(frozen=True)
class Body:
    """The bytes of a file from ``start`` on.

    Attributes:
        start: 0 where the server sends the whole file, whatever it was asked for.
        end: where the bytes of this answer end, None where the server does not say.
        origin: of these bytes.
    """

    response: requests.Response
    start: int
    end: int | None
    origin: Origin

    def chunks(self, total: int | None) -> Iterator[bytes]:
        """The bytes as they come.

        Args:
            total: the file's size, None where nobody knows it.

        Raises:
            Broken: they ended before the file did.
            Refused: they go on behind its end.
        """
        at = self.start
        while at != self.end:
            want = CHUNK if self.end is None else min(CHUNK, self.end - at)
            try:
                # read1: what has arrived is given at once, and not lost when the line breaks
                piece = self.response.raw.read1(want, decode_content=False)
            except HTTPError as error:
                raise Broken(f"broke off after {at} bytes{_because(error)}") from None
            if not piece:
                break
            at += len(piece)
            if total is not None and at > total:
                raise Refused(f"sent more than the {total} bytes expected")
            yield piece
        expected = self.end if total is None else total
        if expected is not None and at < expected:
            raise Broken(f"broke off after {at} bytes")


@contextmanager
def open_body(
    url: str, have: int, origin: Origin | None, timeouts: tuple[float, float]
) -> Iterator[Body]:
    """Ask an address for a file from byte ``have`` on.

    Args:
        have: how many bytes are here already.
        origin: of these, None where nobody knows.
        timeouts: seconds to connect, and between two readings.

    Raises:
        Broken, Stale, Refused: see the module; Stale only where ``have`` is not 0.
    """
    headers = {
        # A range and a length of compressed bytes would not be the file's.
        "Accept-Encoding": "identity",
        # One answer a connection: none is asked anything that its server has given up.
        "Connection": "close",
        "User-Agent": f"cclcc/{__version__}",
    }
    if have:
        headers["Range"] = f"bytes={have}-"
        if origin is not None and origin.url == url and origin.validator:
            headers["If-Range"] = origin.validator
    with _follow(url, headers, timeouts) as response:
        yield _body(response, url, have, origin)


def _follow(
    url: str, headers: Mapping[str, str], timeouts: tuple[float, float]
) -> requests.Response:
    """The answer at the end of the redirects, its body unread."""
    for _ in range(MAX_REDIRECTS + 1):
        response = _get(url, headers, timeouts)
        if response.next is None:
            return response
        response.close()
        # Not left to requests, which goes from https to http without a word.
        target = response.next.url or ""
        if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https":
            raise Refused(f"redirects from https to {target}, which is not encrypted")
        url = target
    raise Refused(f"redirects more than {MAX_REDIRECTS} times")


def _get(
    url: str, headers: Mapping[str, str], timeouts: tuple[float, float]
) -> requests.Response:
    try:
        return requests.get(url, headers=headers, timeout=timeouts, stream=True,
                            allow_redirects=False)
    except requests.exceptions.SSLError as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise Refused("has a certificate that is not trusted here") from None
        raise Broken(f"broke off{_because(error)}") from None
    except requests.ConnectionError as error:
        if error.args and isinstance(error.args[0], MaxRetryError):
            raise Broken(f"cannot be reached{_because(error)}", reached=False) from None
        raise Broken(f"broke off{_because(error)}") from None
    except requests.Timeout:
        raise Broken(f"gave no answer for {timeouts[1]:g} s") from None
    except (requests.RequestException, ValueError) as error:
        # ValueError: from the depths of a redirect to what is no address
        raise Refused(f"cannot be asked ({error})") from None


def _body(response: requests.Response, url: str, have: int, origin: Origin | None) -> Body:
    headers, status = response.headers, response.status_code
    encoding = headers.get("Content-Encoding", "identity").lower()
    if status in (200, 206) and encoding != "identity":
        raise Refused(f"sends the file in another encoding than asked for ({encoding})")
    length = _length(headers)
    if status == 200:
        return Body(response, 0, length, _origin(url, headers, length))
    if status == 206 and have:
        return _rest(response, url, have, length, origin)
    if status == 416 and have:
        if headers.get("Content-Range") != f"bytes */{have}":
            raise Stale(f"has nothing behind byte {have}")
        return Body(response, have, have, _origin(url, headers, have))
    answered = f"answered {status} {response.reason or ''}".rstrip()
    if status in _WORTH_ANOTHER_ATTEMPT or status >= 500:
        raise Broken(answered, wait=_retry_after(headers))
    raise Refused(answered)


def _rest(
    response: requests.Response, url: str, have: int, length: int | None, origin: Origin | None
) -> Body:
    """What a 206 is worth: it must be the bytes that were asked for, of the same file."""
    headers = response.headers
    said = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", headers.get("Content-Range", ""))
    if said is None:
        raise Stale("sends a part of the file without saying which")
    start, total = int(said[1]), int(said[3])
    if start != have:
        raise Stale(f"sends the file from byte {start} on, asked for {have}")
    new = _origin(url, headers, total)
    if origin is not None:
        if origin.total not in (None, total):
            raise Stale(f"has a file of {total} bytes now, of {origin.total} before")
        if origin.url == url:
            if new.etag and origin.etag and new.etag != origin.etag:
                raise Stale("has another file now")
            # a 206 need not repeat what is known
            new = replace(origin, total=total)
    return Body(response, have, None if length is None else have + length, new)


def _origin(url: str, headers: Mapping[str, str], total: int | None) -> Origin:
    etag = headers.get("ETag", "")
    # a weak one says "much the same", which is not enough to join two halves
    strong = etag if etag.startswith('"') else ""
    return Origin(url, strong, headers.get("Last-Modified", ""), total)


def _length(headers: Mapping[str, str]) -> int | None:
    text = headers.get("Content-Length", "")
    return int(text) if text.isdecimal() and "Transfer-Encoding" not in headers else None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, given as such or as a date; None where neither is there."""
    text = headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


def _because(error: BaseException) -> str:
    """What an error was before it was wrapped, in brackets."""
    while isinstance(error, (requests.RequestException, HTTPError)):
        deeper = error.__cause__ or error.__context__
        if deeper is None:
            break
        error = deeper
    if isinstance(error, IncompleteRead):
        return ""
    return f" ({getattr(error, 'strerror', None) or error})"
