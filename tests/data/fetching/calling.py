"""What the tests of fetching share: two archives, and a caller that remembers what it heard."""

import hashlib
import io
import json
import random
import zipfile
from pathlib import Path

from cclcc_cli.data.catalog import RemoteFile
from cclcc_cli.data.fetching.download import Retry
from cclcc_cli.data.fetching.fetch import Fetched, fetch
from tests.data.fetching.http_server import Site


def _zip_archive(seed: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("noise"), random.Random(seed).randbytes(200_000))
    return buffer.getvalue()


ARCHIVE = _zip_archive(0)
OTHER = _zip_archive(1)
"""Of the same size."""
SIZE = len(ARCHIVE)
SHA256 = hashlib.sha256(ARCHIVE).hexdigest()
WHOLE = ["received.json", "x.zip"]
"""What is in the folder once all is well."""
PARTIAL = ["x.zip.part", "x.zip.part.json"]


def known(*sites: Site) -> RemoteFile:
    """ARCHIVE as the catalogue has it, with all that can be known."""
    return RemoteFile("x.zip", tuple(site.url for site in sites), SIZE, SHA256)


def unknown(*sites: Site) -> RemoteFile:
    """A file of which neither size nor checksum is known."""
    return RemoteFile("x.zip", tuple(site.url for site in sites))


def aside(content: bytes) -> str:
    """The name under which a wrong file is kept."""
    return f"x.zip.wrong-{hashlib.sha256(content).hexdigest()[:8]}"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def entry(folder: Path) -> dict[str, object]:
    """What is recorded of ``x.zip``, alone in the record."""
    record: dict[str, dict[str, object]] = json.loads((folder / "received.json").read_text())
    assert list(record) == ["x.zip"]
    return record["x.zip"]


class Caller:
    """Fetches ARCHIVE, remembers the news, and how long it would have waited."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.news: list[str] = []
        self.waits: list[float] = []

    def fetch(self, file: RemoteFile, attempts: int = 3, read_timeout: float = 20) -> Fetched:
        retry = Retry(attempts, read_timeout=read_timeout, sleep=self.waits.append)
        fetched = fetch(file, self.folder, warn=self.news.append, retry=retry)
        assert fetched.path.read_bytes() == ARCHIVE
        return fetched

    def names(self) -> list[str]:
        return names(self.folder)
