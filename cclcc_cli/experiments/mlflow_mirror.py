"""MLflow as a mirror of run folders: live while one trains, or afterwards from the folder alone.

Both ways are one: read what MLflow should hold, ask what it holds, send the difference. So a
push that was cut short is completed by the next, and nothing is ever logged twice. Only system
metrics live in MLflow alone.
"""

import hashlib
import json
import math
import os
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout

from cclcc_cli.errors import CclccError, RunError
from cclcc_cli.experiments.run_folder import RunFolder, find_runs

# MLflow reads these while it is imported and at each request; what the user has set stays. Its
# failures are told as a TrackerError, so its own log is silent; stdout is for results; and left
# alone it waits minutes for a dead server.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = os.environ.get("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ["MLFLOW_LOGGING_LEVEL"] = os.environ.get("MLFLOW_LOGGING_LEVEL", "CRITICAL")
os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] = os.environ.get("MLFLOW_HTTP_REQUEST_TIMEOUT", "4")
os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = os.environ.get(
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1"
)

import sqlalchemy
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run, RunTag
from mlflow.exceptions import MlflowException
from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

_STATUS = {"running": "RUNNING", "finished": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}
_UPLOADED = ("recipe.yaml", "cell.json", "environment.json", "result.json", "val_images.csv",
             "test_images.csv", "overlays", "best.pt")
_UPLOADS_TAG = "cclcc.uploads"
_STEP_KEY = "epoch"
"""Every record has it and it is finite: a step counts as logged where this metric has it."""


class TrackerError(CclccError):
    """An MLflow server or store that cannot be reached or used."""


class MirrorBusyError(TrackerError):
    """Another process mirrors the same folder now."""


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


def tracking_uri(runs_root: Path, given: str | None = None) -> str:
    """Where to mirror to: the given address, else ``MLFLOW_TRACKING_URI``, else a SQLite file."""
    default = f"sqlite:///{runs_root.resolve() / 'mlflow.db'}"
    return given or os.environ.get("MLFLOW_TRACKING_URI") or default


# --- what MLflow should hold of a folder ------------------------------------------------------


@dataclass(frozen=True)
class _Content:
    """A run folder in MLflow's words."""

    cell: str
    started: str
    experiment: str
    status: str
    ended: int | None
    params: dict[str, str]
    tags: dict[str, str]
    records: dict[int, list[Metric]]
    results: list[Metric]
    dataset: Dataset


def _read(folder: RunFolder, alive: bool) -> _Content:
    cell, status = folder.read_json("cell.json"), folder.status
    environment, result = folder.read_json("environment.json"), folder.read_json("result.json")
    missing: Counter[str] = Counter()
    records = {int(r["step"]): _record_metrics(r, missing) for r in folder.records()}
    state = status["state"] if alive or status["state"] != "running" else "stopped"
    ended = None if state == "running" else _milliseconds(status["finished"] or status["updated"])
    tags = {
        "cclcc.cell": cell["digest"],
        "cclcc.arm": cell["arm"],
        "cclcc.started": status["started"],
        "cclcc.data_digest": cell["data"]["digest"],
        "cclcc.split_digest": cell["split_digest"],
        "cclcc.error": status["error"],
        "cclcc.test_reads": status["test_reads"],
        "cclcc.not_logged": ", ".join(
            f"{key}: {count} not a finite number" for key, count in sorted(missing.items())
        ) or None,
        "mlflow.source.type": "LOCAL",
        "mlflow.source.name": (environment or {}).get("command"),
        "mlflow.source.git.commit": (environment or {}).get("git_commit"),
        **_flat(cell["runtime"], "cclcc.", "."),
        **_flat(environment or {}, "cclcc.env.", "."),
        **_flat({k: v for k, v in (result or {}).items() if k.endswith("rules")}, "cclcc.", "."),
    }
    params = {**_flat(cell["recipe"], "", "."), **_flat(cell["labeled"], "labeled.", ".")}
    return _Content(
        cell=cell["digest"],
        started=status["started"],
        experiment=f"cclcc/{cell['data']['name']}",
        status=_STATUS[state],
        ended=ended,
        params={key: _text(value)[:6000] for key, value in params.items()},
        tags={key: _text(value)[:5000] for key, value in tags.items() if value is not None},
        records=records,
        results=_result_metrics(result, ended or _milliseconds(status["updated"])),
        dataset=_dataset(cell),
    )


def _flat(nested: Mapping[str, Any], prefix: str, separator: str) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}{separator}", separator)
        else:
            flat[prefix + key] = value
    return flat


def _text(value: Any) -> str:
    """As a recipe writes it: ``true``, ``null``, ``[16, 32]``."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _milliseconds(moment: str) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1000)


def _record_metrics(record: Mapping[str, Any], missing: Counter[str]) -> list[Metric]:
    """One record's finite numbers; the others (MLflow would store inf as 1.8e308) are counted."""
    values = _flat({k: v for k, v in record.items() if k not in ("step", "time")}, "", "/")
    finite = {k: float(v) for k, v in values.items() if v is not None and math.isfinite(v)}
    missing.update(values.keys() - finite.keys())
    moment, step = round(record["time"] * 1000), int(record["step"])
    return [Metric(key, value, moment, step) for key, value in finite.items()]


def _result_metrics(result: Mapping[str, Any] | None, moment: int) -> list[Metric]:
    """The mean scores of the best checkpoint, at its step; ``_own`` is the image's own size."""
    if result is None:
        return []
    values = _flat(result["best"], "best/", "/")
    for split, name in (("val", "best_val"), ("test", "test")):
        for size, suffix in (("working", ""), ("own", "_own")):
            values |= _flat((result[split] or {}).get(size) or {}, f"{name}{suffix}/", "/")
    step = int(result["best"]["step"])
    return [Metric(key, float(value), moment, step) for key, value in values.items()
            if value is not None and math.isfinite(value)]


def _dataset(cell: Mapping[str, Any]) -> Dataset:
    """The data by name and digest alone (MLflow takes 36 characters of it)."""
    data = cell["data"]
    source = json.dumps({"uri": f"cclcc:{data['name']}/{data['size']}", "digest": data["digest"]})
    profile = json.dumps({"size": data["size"], "labeled": cell["labeled"]})
    return Dataset(data["name"], data["digest"][:36], "cclcc", source, profile=profile)


def _content_digest(path: Path) -> str:
    """Of a file, or of the names and bytes of a folder's files."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]
    inside = [f"{p.name} {_content_digest(p)}" for p in sorted(path.iterdir())]
    return hashlib.sha256("\n".join(inside).encode()).hexdigest()[:16]


# --- the tracker ------------------------------------------------------------------------------


@contextmanager
def _talking_to(uri: str) -> Iterator[None]:
    """Turn whatever MLflow raises into a TrackerError; only calls to the tracker stand inside."""
    try:
        yield
    except CclccError:
        raise
    except Exception as error:
        # Stores and artifact stores are plugins over SQL drivers, boto3 and others: no list of
        # what they raise is complete.
        reason = " ".join(str(error).split()).partition(" [SQL:")[0] or type(error).__name__
        cause = re.search(r"\(Caused by (.*)\)", reason)
        reason = (cause[1] if cause else reason)[:300]
        message = f"MLflow at {uri} failed: {reason}; check that it runs and its address"
        raise TrackerError(re.sub(r"://[^@/\s]*@", "://***@", message)) from error


@contextmanager
def _patience() -> Iterator[None]:
    """A server may take long over a large file; a dead one was noticed before."""
    timeout = os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"]
    os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] = str(max(60, int(timeout)))
    try:
        yield
    finally:
        os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] = timeout


def create_database(path: Path) -> None:
    """Make MLflow's SQLite file where there is none; any number of processes may call this.

    Made under another name and renamed: MLflow never repairs a file it was killed in making.
    """
    if path.exists():
        return
    with FileLock(path.with_name(f"{path.name}.lock"), timeout=60):
        if path.exists():
            return
        new = path.with_name(f"{path.name}.new")
        new.unlink(missing_ok=True)
        MlflowClient(f"sqlite:///{new}")
        new.rename(path)


def _connect(uri: str) -> MlflowClient:
    backend = uri.partition(":")[0].partition("+")[0]
    if backend == "sqlite":
        database = sqlalchemy.make_url(uri).database
        if database:
            create_database(Path(database))
    if backend in ("sqlite", "postgresql", "mysql", "mssql"):
        # Ask once: MLflow itself would try ten times, over 100 s.
        limits = {"connect_timeout": 5} if backend in ("postgresql", "mysql") else {}
        engine = sqlalchemy.create_engine(uri, connect_args=limits)
        try:
            sqlalchemy.inspect(engine).get_table_names()
        finally:
            engine.dispose()
    return MlflowClient(uri)


# --- the mirror -------------------------------------------------------------------------------


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
        content, pushed = _read(self.folder, alive), Pushed(self.folder.path)
        with _talking_to(self.uri):
            client = self._client = self._client or _connect(self.uri)
            if self._run_id is None or self._started != content.started:
                self._run_id = _find_or_create(client, content, self.folder.path, pushed)
                history = client.get_metric_history(self._run_id, _STEP_KEY)
                self._steps = {metric.step for metric in history}
                self._started = content.started
            run, pushed.run_id = client.get_run(self._run_id), self._run_id
            _send_words(client, run, content, pushed)
            for steps, metrics in _batches(content.records, self._steps):
                client.log_batch(self._run_id, metrics=metrics, synchronous=True)
                self._steps.update(steps)
                pushed.records += len(steps)
            if content.status != "RUNNING":
                with _patience():
                    pushed.artifacts = _upload(client, run, self.folder.path)
            _send_status(client, run, content, pushed)
        return pushed

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
    client: MlflowClient, content: _Content, path: Path, pushed: Pushed
) -> str:
    """The run of this cell and start; runs of an earlier start (``--fresh``) are deleted."""
    experiment = _experiment(client, content.experiment, path.parent.parent)
    found = client.search_runs([experiment], f"tags.`cclcc.cell` = '{content.cell}'")
    same = [run for run in found if run.data.tags.get("cclcc.started") == content.started][:1]
    for run in found:
        if run not in same:
            client.delete_run(run.info.run_id)
            pushed.replaced += 1
    if same:
        return str(same[0].info.run_id)
    pushed.created = True
    run = client.create_run(
        experiment, _milliseconds(content.started), content.tags, run_name=path.name
    )
    return str(run.info.run_id)


def _experiment(client: MlflowClient, name: str, runs_root: Path) -> str:
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        server = client.tracking_uri.startswith(("http:", "https:", "databricks"))
        place = (runs_root.resolve() / "mlartifacts" / Path(name).name).as_uri()
        try:
            # Without a place MLflow would write into ./mlruns of the current folder.
            return str(client.create_experiment(name, None if server else place))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            return _experiment(client, name, runs_root)  # another process was faster
    if experiment.lifecycle_stage != "active":
        raise TrackerError(
            f"MLflow at {client.tracking_uri}: the experiment {name} was deleted there; restore it "
            f"with 'mlflow experiments restore -x {experiment.experiment_id}'"
        )
    return str(experiment.experiment_id)


def _send_words(client: MlflowClient, run: Run, content: _Content, pushed: Pushed) -> None:
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
    stale = [key for key in data.tags if key.startswith("cclcc.") and key != _UPLOADS_TAG
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


def _upload(client: MlflowClient, run: Run, folder: Path) -> int:
    """Send the files that MLflow lacks or holds in another version; how many there were."""
    run_id, sent = run.info.run_id, 0
    known: dict[str, str] = json.loads(run.data.tags.get(_UPLOADS_TAG, "{}"))
    listed = {file.path for file in client.list_artifacts(run_id)}
    for path in [folder / name for name in _UPLOADED if (folder / name).exists()]:
        digest = _content_digest(path)
        if path.name in listed and known.get(path.name) == digest:
            continue
        if path.is_dir():
            client.log_artifacts(run_id, str(path), path.name)
        else:
            client.log_artifact(run_id, str(path))
        known[path.name] = digest
        sent += 1
    if sent:
        client.set_tag(run_id, _UPLOADS_TAG, json.dumps(known))
    return sent


def _send_status(client: MlflowClient, run: Run, content: _Content, pushed: Pushed) -> None:
    before = (run.info.status, run.info.end_time)
    if content.ended is not None and before != (content.status, content.ended):
        client.set_terminated(run.info.run_id, content.status, content.ended)
        pushed.status = content.status
    elif content.ended is None and run.info.status != "RUNNING":
        client.update_run(run.info.run_id, "RUNNING")
        pushed.status = content.status


# --- the two ways to use it -------------------------------------------------------------------


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
        with _talking_to(self._mirror.uri):
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
    return [_sync_one(folder, uri) for folder in find_runs(runs_root)]


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
    """Whether a living process trains the cell now."""
    if folder.status.get("state") != "running":
        return False
    try:
        with folder.locked():
            return False
    except RunError:
        return True
