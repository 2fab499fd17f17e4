"""MLflow as a mirror of run folders: live while one trains, or afterwards from the folder alone.

Both ways are one: read what MLflow should hold, ask what it holds, send the difference. So a
push that was cut short is completed by the next, and nothing is ever logged twice. Only system
metrics live in MLflow alone.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout
from mlflow import MlflowClient
from mlflow.entities import DatasetInput, InputTag, Metric, Param, Run, RunTag
from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

from cclcc_cli.errors import RunError
from cclcc_cli.runs.folder import RunFolder, find_runs
from cclcc_cli.tracking.content import (
    STEP_KEY,
    Content,
    milliseconds,
    read_content,
)
from cclcc_cli.tracking.files import UPLOADS_TAG, push_parents, send_files
from cclcc_cli.tracking.parent import ABLATION, SEARCH, find_parent, settle_parents
from cclcc_cli.tracking.tracker import (
    MirrorBusyError,
    TrackerError,
    connect,
    find_experiment,
    patience,
    talking_to,
)

_UPLOADED = ("recipe.yaml", "cell.json", "environment.json", "status.json", "result.json",
             "costs.json", "ablation.json", "metrics.jsonl", "val_images.csv", "test_images.csv",
             "test_masks.npz", "overlays", "best.pt")
"""All that a report reads among them: ``fetch`` makes run folders of it."""


@dataclass
class Pushed:
    """What one push changed in MLflow; all zero and None where it held everything already."""

    folder: Path
    run_id: str | None = None
    created: bool = False
    replaced: int = 0
    params: int = 0
    tags: int = 0
    records: int = 0
    results: int = 0
    datasets: int = 0
    artifacts: int = 0
    status: str | None = None
    skipped: str | None = None
    """Why the folder was passed over, where it was."""
    problem: str | None = None
    """Why the folder cannot be mirrored, where it cannot."""

    @property
    def changes(self) -> dict[str, int | str]:
        """The parts that changed, by name."""
        names = ("created", "replaced", "params", "tags", "records", "results", "datasets",
                 "artifacts", "status")
        return {name: getattr(self, name) for name in names if getattr(self, name)}


@dataclass
class Mirror:
    """One run folder and its MLflow run, brought up to date by ``push``.

    While it is open (from the first push to ``close``) no other process mirrors the folder.

    Args:
        folder: the run; before its training has begun there is nothing to push.
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
            alive: False where the process that trained is known to be gone: a folder that says
                "running" was then killed.

        Raises:
            RunError: the folder cannot be read.
            MirrorBusyError: another process mirrors it.
            TrackerError: MLflow failed; what arrived stays, the next push sends the rest.
        """
        if "started" not in self.folder.status:
            return Pushed(self.folder.path, skipped="has not started")
        self._hold()
        content, pushed = read_content(self.folder, alive), Pushed(self.folder.path)
        with talking_to(self.uri):
            client = self._client = self._client or connect(self.uri)
            if self._run_id is None or self._started != content.started:
                self._join_parent(client, content)
                self._run_id = _find_or_create(client, content, self.folder.path, pushed)
                history = client.get_metric_history(self._run_id, STEP_KEY)
                self._steps = {metric.step for metric in history}
                self._started = content.started
            run, pushed.run_id = client.get_run(self._run_id), self._run_id
            _send_words(client, run, content, pushed)
            for steps, metrics in _batches(content.records, self._steps):
                client.log_batch(self._run_id, metrics=metrics, synchronous=True)
                self._steps.update(steps)
                pushed.records += len(steps)
            if content.status != "RUNNING":
                with patience():
                    pushed.artifacts = send_files(client, run, self.folder.path, _UPLOADED)
            _send_status(client, run, content, pushed)
        return pushed

    def _join_parent(self, client: MlflowClient, content: Content) -> None:
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


def _find_or_create(
    client: MlflowClient, content: Content, path: Path, pushed: Pushed
) -> str:
    """The run of this run and start; runs of an earlier start (``--fresh``) are deleted."""
    experiment = find_experiment(client, content.experiment, path.parent.parent)
    found = client.search_runs([experiment], f"tags.`cclcc.cell` = '{content.run}'")
    same = [run for run in found if run.data.tags.get("cclcc.started") == content.started][:1]
    for run in found:
        if run not in same:
            client.delete_run(run.info.run_id)
            pushed.replaced += 1
    if same:
        return str(same[0].info.run_id)
    pushed.created = True
    run = client.create_run(
        experiment, milliseconds(content.started), content.tags, run_name=path.name
    )
    return str(run.info.run_id)


def _send_words(client: MlflowClient, run: Run, content: Content, pushed: Pushed) -> None:
    """Parameters, tags, final scores and the data set."""
    run_id, data = run.info.run_id, run.data
    params = [Param(k, v) for k, v in content.params.items() if k not in data.params]
    tags = [RunTag(k, v) for k, v in content.tags.items() if data.tags.get(k) != v]
    results = [m for m in content.results if data.metrics.get(m.key) != m.value]
    for start in range(0, max(len(params), len(tags)), 100):  # a server takes 100 at a time
        part = slice(start, start + 100)
        client.log_batch(run_id, params=params[part], tags=tags[part], synchronous=True)
    if results:
        client.log_batch(run_id, metrics=results, synchronous=True)
    stale = [key for key in data.tags if key.startswith("cclcc.") and key != UPLOADS_TAG
             and key not in content.tags]
    for key in stale:
        client.delete_tag(run_id, key)
    inputs = run.inputs.dataset_inputs if run.inputs else []
    known = {(i.dataset.name, i.dataset.digest) for i in inputs}
    if (content.dataset.name, content.dataset.digest) not in known:
        context = [InputTag("mlflow.data.context", "training")]
        client.log_inputs(run_id, [DatasetInput(content.dataset, context)])
        pushed.datasets = 1
    pushed.params, pushed.tags = len(params), len(tags) + len(stale)
    pushed.results = len(results)


def _batches(
    records: Mapping[int, Sequence[Metric]], known: set[int]
) -> Iterator[tuple[list[int], list[Metric]]]:
    """Steps not yet known, as many whole records together as MLflow takes (1,000 metrics)."""
    steps: list[int] = []
    metrics: list[Metric] = []
    for step in [step for step in records if step not in known]:
        if len(metrics) + len(records[step]) > 1000:
            yield steps, metrics
            steps, metrics = [], []
        steps.append(step)
        metrics.extend(records[step])
    if steps:
        yield steps, metrics


def _send_status(client: MlflowClient, run: Run, content: Content, pushed: Pushed) -> None:
    before = (run.info.status, run.info.end_time)
    if content.ended is not None and before != (content.status, content.ended):
        client.set_terminated(run.info.run_id, content.status, content.ended)
        pushed.status = content.status
    elif content.ended is None and run.info.status != "RUNNING":
        client.update_run(run.info.run_id, "RUNNING")
        pushed.status = content.status


class LiveMirror:
    """Mirrors a run while it trains; a tracker that fails costs one warning, never the training.

    Use as a context; push after the start, after each record and at the end. System metrics are
    sampled in between.

    Args:
        folder: the run being trained.
        uri: see ``tracking_uri``.
        warn: receives the one warning, after which the mirror is off.
    """

    def __init__(self, folder: RunFolder, uri: str, warn: Callable[[str], None]) -> None:
        self._mirror = Mirror(folder, uri, wait=10)
        self._warn = warn
        self._monitor: Any = None  # MLflow's class bears no types
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
        running = self._mirror.folder.status.get("state") == "running"
        if self._monitor is not None and not running:
            self._monitor.finish()  # its last samples arrive before the run is closed
            self._monitor = None
        try:
            run_id = self._mirror.push().run_id
            if self._monitor is None and running and run_id is not None:
                self._start_monitor(run_id)
        except TrackerError as error:
            self._give_up(error)

    def _start_monitor(self, run_id: str) -> None:
        with talking_to(self._mirror.uri):
            self._monitor = SystemMetricsMonitor(  # type: ignore[no-untyped-call]
                run_id, resume_logging=True, tracking_uri=self._mirror.uri
            )
            self._monitor.start()

    def _give_up(self, error: TrackerError) -> None:
        self._off = True
        if self._monitor is not None:
            # It may be waiting for the same dead server: nobody waits for it.
            threading.Thread(target=self._monitor.finish, daemon=True).start()
            self._monitor = None
        self._mirror.close()
        self._warn(f"{error}; this run goes on without MLflow, 'cclcc sync' completes it later")


def sync(runs_root: Path, uri: str) -> list[Pushed]:
    """Complete or rebuild MLflow from all run folders below a root; what was changed, per folder.

    Folders that a living process mirrors, or that hold no training yet, are passed over; one
    that cannot be read is reported and the others go on.

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
        return Pushed(folder.path, skipped="is mirrored by the process that trains it")
    except RunError as error:
        return Pushed(folder.path, problem=str(error))
    finally:
        mirror.close()


def _is_trained(folder: RunFolder) -> bool:
    """Whether a living process trains the run now."""
    return folder.status.get("state") == "running" and folder.owner is not None
