"""Where MLflow is; known without loading it."""

import os
from pathlib import Path

LOCK_PATIENCE = 300.0
"""Seconds to wait for another process that writes to MLflow: creating a store is slow."""


def tracking_uri(runs_root: Path, given: str | None = None) -> str:
    """Where to mirror to: the given address, else ``MLFLOW_TRACKING_URI``, else a SQLite file."""
    default = f"sqlite:///{runs_root.resolve() / 'mlflow.db'}"
    return given or os.environ.get("MLFLOW_TRACKING_URI") or default
