"""MLflow as a mirror of run folders: live during training, or afterwards from the folder alone.

Both work the same way: read what MLflow should hold, ask what it holds, send the difference. So an
interrupted push is completed by the next one, and nothing is logged twice. Only system metrics
exist in MLflow alone.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout
from mlflow import MlflowClient
from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

from cclcc_cli.errors import RunError
from cclcc_cli.runs.folder import RunFolder, find_runs
from cclcc_cli.tracking.content import STEP_KEY, RunContent, read_content
from cclcc_cli.tracking.files import push_parents, send_files
from cclcc_cli.tracking.parent import ABLATION, SEARCH, find_parent, settle_parents
from cclcc_cli.tracking.sending import Pushed, batches, find_or_create, send_status, send_words
from cclcc_cli.tracking.tracker import (
    MirrorBusyError,
    TrackerError,
    find_experiment,
    open_tracker,
    patience,
    tracker_errors,
)

_UPLOADED = ("recipe.yaml", "cell.json", "environment.json", "status.json", "result.json",
             "costs.json", "ablation.json", "metrics.jsonl", "val_images.csv", "test_images.csv",
             "test_masks.npz", "overlays", "best.pt")
"""Includes all that a report reads: ``fetch`` makes run folders of it."""


@dataclass
class Mirror:
    """One run folder and its MLflow run, brought up to date by ``push``.

    From the first push to ``close`` no other process mirrors the folder.

    Args:
        folder: of the run; before its training has started there is nothing to push.
        uri: see ``tracking_uri``.
        wait: seconds to wait for another process that mirrors the folder.
    """

    folder: RunFolder
    uri: str
    wait: float = 0
    _lock: FileLock | None = field(default=None, init=False)
    _client: MlflowClient | None = field(default=None, init=False)
    _run_id: str | None = field(default=None, init=False)
    _started: str | None = field(default=None, init=False)
    _steps: set[int] = field(default_factory=set, init=False)

    def push(self, alive: bool = True) -> Pushed:
        """Send what MLflow lacks of the folder; artifacts only when the run is over.

        Args:
            alive: False where the process that trained is known to be gone: a run recorded as
                running was then killed.

        Raises:
            RunError: the folder cannot be read.
            MirrorBusyError: another process mirrors it.
            TrackerError: MLflow failed; what arrived stays, and the next push sends the rest.
        """
        if self.folder.status.started is None:
            return Pushed(self.folder.path, skipped="has not started")
        self._hold()
        content, pushed = read_content(self.folder, alive), Pushed(self.folder.path)
        with open_tracker(self.uri, self._client) as client:
            self._client = client
            if self._run_id is None or self._started != content.started:
                self._join_parent(client, content)
                self._run_id = find_or_create(client, content, self.folder.path, pushed)
                history = client.get_metric_history(self._run_id, STEP_KEY)
                self._steps = {metric.step for metric in history}
                self._started = content.started
            run, pushed.run_id = client.get_run(self._run_id), self._run_id
            send_words(client, run, content, pushed)
            for steps, metrics in batches(content.records, self._steps):
                client.log_batch(self._run_id, metrics=metrics, synchronous=True)
                self._steps.update(steps)
                pushed.records += len(steps)
            if content.status != "RUNNING":
                with patience():
                    pushed.artifacts = send_files(client, run, self.folder.path, _UPLOADED)
            send_status(client, run, content, pushed)
        return pushed

    def _join_parent(self, client: MlflowClient, content: RunContent) -> None:
        kind, name = ABLATION, content.ablation
        if name is None:
            kind, name = SEARCH, content.search
        if name is None:
            return
        runs_root = self.folder.path.parent.parent
        experiment = find_experiment(client, content.experiment, runs_root)
        parent = find_parent(client, experiment, name, runs_root, kind)
        content.tags["mlflow.parentRunId"] = parent

    def close(self) -> None:
        """Let other processes mirror the folder."""
        if self._lock is not None:
            self._lock.release()

    def _hold(self) -> None:
        if self._lock is None:
            self._lock = FileLock(self.folder.path / ".mlflow.lock")
        try:
            if not self._lock.is_locked:
                self._lock.acquire(timeout=self.wait)
        except Timeout:
            raise MirrorBusyError(
                f"{self.folder.path}: another process mirrors it to MLflow"
            ) from None


class LiveMirror:
    """Mirrors a run while it trains; if the tracker fails, there is one warning and no mirror.

    Use as a context manager; push after the start, after each validation and at the end. System
    metrics are sampled in between.

    Args:
        folder: the run being trained.
        uri: see ``tracking_uri``.
        warn: receives the warning.
    """

    def __init__(self, folder: RunFolder, uri: str, warn: Callable[[str], None]) -> None:
        self._mirror = Mirror(folder, uri, wait=10)
        self._warn = warn
        self._monitor: Any = None  # MLflow's class has no types
        self._off = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._monitor is not None:
            self._monitor.finish()
        self._mirror.close()

    def push(self) -> None:
        """Bring MLflow up to date with the folder.

        Raises:
            RunError: the folder itself cannot be read.
        """
        if self._off:
            return
        running = self._mirror.folder.status.state == "running"
        if self._monitor is not None and not running:
            self._monitor.finish()  # sends its last samples before the run is closed
            self._monitor = None
        try:
            run_id = self._mirror.push().run_id
            if self._monitor is None and running and run_id is not None:
                self._start_monitor(run_id)
        except TrackerError as error:
            self._give_up(error)

    def _start_monitor(self, run_id: str) -> None:
        with tracker_errors(self._mirror.uri):
            self._monitor = SystemMetricsMonitor(  # type: ignore[no-untyped-call]
                run_id, resume_logging=True, tracking_uri=self._mirror.uri
            )
            self._monitor.start()

    def _give_up(self, error: TrackerError) -> None:
        self._off = True
        if self._monitor is not None:
            # It may be waiting for the same dead server, so nothing waits for it.
            threading.Thread(target=self._monitor.finish, daemon=True).start()
            self._monitor = None
        self._mirror.close()
        self._warn(f"{error}; training continues without MLflow, 'cclcc sync' completes it later")


def sync(runs_root: Path, uri: str) -> list[Pushed]:
    """Complete or rebuild MLflow from all run folders below a root.

    Folders that a live process mirrors, or whose training has not started, are skipped; one that
    cannot be read is reported, and the others are mirrored all the same.

    Returns:
        What changed, for each folder.

    Raises:
        RunError: the root does not exist.
        TrackerError: MLflow failed.
    """
    if not runs_root.is_dir():
        raise RunError(f"{runs_root}: no such folder; name the one that holds the runs")
    folders = find_runs(runs_root)
    done = [_sync_one(folder, uri) for folder in folders]
    settle_parents(uri, folders)
    push_parents(uri, runs_root)
    return done


def _sync_one(folder: RunFolder, uri: str) -> Pushed:
    mirror = Mirror(folder, uri)
    try:
        return mirror.push(alive=_is_trained(folder))
    except MirrorBusyError:
        return Pushed(folder.path, skipped="is being mirrored by the process that trains it")
    except RunError as error:
        return Pushed(folder.path, problem=str(error))
    finally:
        mirror.close()


def _is_trained(folder: RunFolder) -> bool:
    """Whether a live process trains the run now."""
    return folder.status.state == "running" and folder.holder is not None
