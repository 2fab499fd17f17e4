"""The status of an ablation that MLflow was last sent; known without loading MLflow.

A start that finds every run finished needs no more, and MLflow takes seconds to load.
"""

import json
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from cclcc_cli.addresses import without_secrets
from cclcc_cli.errors import RunError
from cclcc_cli.files import write_atomic
from cclcc_cli.tracking.address import LOCK_PATIENCE


def last_sent(runs_root: Path, name: str, uri: str) -> str | None:
    """The status of an ablation that MLflow was last sent; None where that is unknown."""
    status = _read(_path(runs_root, name)).get(without_secrets(uri))
    return status if isinstance(status, str) else None


def send(runs_root: Path, name: str, uri: str, status: str) -> None:
    """Set the status of an ablation's parents in MLflow, and record that this was done.

    Raises:
        TrackerError: MLflow failed.
        RunError: another start has been doing the same for minutes.
    """
    from cclcc_cli.tracking.parent import mark_parents

    path = _path(runs_root, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_suffix(".lock"))  # one start at a time
    try:
        lock.acquire(timeout=LOCK_PATIENCE)
    except Timeout:
        raise RunError(f"{lock.lock_file}: another start has been updating the ablation in MLflow "
                       f"for {LOCK_PATIENCE:.0f} s; 'cclcc sync' does it later") from None
    try:
        mark_parents(uri, name, status)
        content = {**_read(path), without_secrets(uri): status}
        write_atomic(path, json.dumps(content, indent=1).encode())
    finally:
        lock.release()


def _path(runs_root: Path, name: str) -> Path:
    return runs_root / "ablations" / name / "mlflow.json"


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # unknown: it is sent again
    return content if isinstance(content, dict) else {}
