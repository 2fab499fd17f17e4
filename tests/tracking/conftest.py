"""A place for runs with an empty MLflow store."""

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def uri(tmp_path: Path, make_database: Callable[[Path], str]) -> str:
    return make_database(tmp_path / "runs" / "mlflow.db")


@pytest.fixture
def runs(tmp_path: Path, uri: str) -> Path:
    assert uri
    return tmp_path / "runs"
