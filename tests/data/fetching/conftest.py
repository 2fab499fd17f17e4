"""A server of this machine, and the folder that downloads go to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.data.fetching.http_server import Server, serving


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "*")
    with serving() as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "downloads"
