"""A place for runs with an empty MLflow store."""

import shutil
from pathlib import Path

import pytest

from cclcc_cli.tracking.tracker import create_database


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's SQLite file, made once: its migrations take seconds."""
    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    create_database(path)
    return path


@pytest.fixture
def runs(tmp_path: Path, empty_database: Path) -> Path:
    root = tmp_path / "runs"
    root.mkdir()
    shutil.copy(empty_database, root / "mlflow.db")
    return root


@pytest.fixture
def uri(runs: Path) -> str:
    return f"sqlite:///{runs / 'mlflow.db'}"
