"""Reaching an MLflow store or server: how it is opened, and its failures in one line."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy
from filelock import FileLock
from mlflow import MlflowClient
from mlflow.entities import Experiment
from mlflow.exceptions import MlflowException

from cclcc_cli.addresses import without_secrets_in
from cclcc_cli.errors import CclccError
from cclcc_cli.tracking.address import LOCK_PATIENCE
from cclcc_cli.tracking.view import view_tags

_TIMEOUT = "MLFLOW_HTTP_REQUEST_TIMEOUT"


class TrackerError(CclccError):
    """An MLflow server or store that cannot be reached or used."""


class MirrorBusyError(TrackerError):
    """Another process mirrors the same folder now."""


@contextmanager
def open_tracker(
    uri: str, client: MlflowClient | None = None, *, patient: bool = False
) -> Iterator[MlflowClient]:
    """A client of MLflow, made where none is given; only calls to MLflow belong inside.

    Args:
        uri: see ``tracking_uri``.
        client: from an earlier block.
        patient: wait longer for answers once the server has been reached, as for large files.

    Raises:
        TrackerError: MLflow failed, at whatever call.
    """
    with tracker_errors(uri):
        client = client or connect(uri)
        if not patient:
            yield client
            return
        with patience():
            yield client


@contextmanager
def tracker_errors(uri: str) -> Iterator[None]:
    """Turn whatever MLflow raises into a TrackerError; only calls to MLflow belong inside."""
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
        message = f"MLflow at {uri} failed: {reason}; check the address and that it is running"
        raise TrackerError(without_secrets_in(message)) from error


@contextmanager
def patience() -> Iterator[None]:
    """Allow a server at least a minute for each answer."""
    timeout = os.environ[_TIMEOUT]
    os.environ[_TIMEOUT] = str(max(60, int(timeout)))
    try:
        yield
    finally:
        os.environ[_TIMEOUT] = timeout


def create_database(path: Path) -> None:
    """Create MLflow's SQLite file where there is none; any number of processes may call this.

    It is created under another name and renamed: MLflow cannot repair a half-made file.
    """
    if path.exists():
        return
    with FileLock(path.with_name(f"{path.name}.lock"), timeout=LOCK_PATIENCE):
        if path.exists():
            return
        new = path.with_name(f"{path.name}.new")
        new.unlink(missing_ok=True)
        MlflowClient(f"sqlite:///{new}")
        new.rename(path)


def database_file(uri: str) -> Path | None:
    """The file of a SQLite store; None for other stores and servers."""
    if not uri.startswith("sqlite"):
        return None
    database = sqlalchemy.make_url(uri).database
    return Path(database) if database else None


def connect(uri: str) -> MlflowClient:
    """A client of MLflow; a SQLite store is created where there is none."""
    if (file := database_file(uri)) is not None:
        create_database(file)
    backend = uri.partition(":")[0].partition("+")[0]
    if backend in ("sqlite", "postgresql", "mysql", "mssql"):
        # One attempt: MLflow itself would make ten, over 100 s.
        limits = {"connect_timeout": 5} if backend in ("postgresql", "mysql") else {}
        engine = sqlalchemy.create_engine(uri, connect_args=limits)
        try:
            sqlalchemy.inspect(engine).get_table_names()
        finally:
            engine.dispose()
    return MlflowClient(uri)


def our_experiments(client: MlflowClient) -> list[Experiment]:
    """The experiments that hold our runs, one for each data set."""
    return list(client.search_experiments(filter_string="name LIKE 'cclcc/%'"))


def find_experiment(client: MlflowClient, name: str, runs_root: Path) -> str:
    """The id of an experiment, created where there is none.

    Raises:
        TrackerError: it was deleted.
    """
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        server = client.tracking_uri.startswith(("http:", "https:", "databricks"))
        artifacts = (runs_root.resolve() / "mlartifacts" / Path(name).name).as_uri()
        try:
            # By default MLflow would write into ./mlruns of the current folder.
            client.create_experiment(name, None if server else artifacts, view_tags())
        except MlflowException as error:  # another process may be faster
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        return find_experiment(client, name, runs_root)
    if experiment.lifecycle_stage != "active":
        raise TrackerError(
            f"MLflow at {client.tracking_uri}: the experiment {name} was deleted there; restore it "
            f"with 'mlflow experiments restore -x {experiment.experiment_id}'"
        )
    return str(experiment.experiment_id)
