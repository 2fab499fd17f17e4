"""Reaching an MLflow store or server: its address, its patience, its failures in one line."""

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

from cclcc_cli.addresses import without_password
from cclcc_cli.errors import CclccError
from cclcc_cli.tracking.address import LOCK_PATIENCE
from cclcc_cli.tracking.view import save_view


class TrackerError(CclccError):
    """An MLflow server or store that cannot be reached or used."""


class MirrorBusyError(TrackerError):
    """Another process mirrors the same folder now."""


@contextmanager
def talking_to(uri: str) -> Iterator[None]:
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
        raise TrackerError(without_password(message)) from error


@contextmanager
def patience() -> Iterator[None]:
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
    with FileLock(path.with_name(f"{path.name}.lock"), timeout=LOCK_PATIENCE):
        if path.exists():
            return
        new = path.with_name(f"{path.name}.new")
        new.unlink(missing_ok=True)
        MlflowClient(f"sqlite:///{new}")
        new.rename(path)


def connect(uri: str) -> MlflowClient:
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


def our_experiments(client: MlflowClient) -> list[Experiment]:
    """Those that hold a data set's runs of ours."""
    return list(client.search_experiments(filter_string="name LIKE 'cclcc/%'"))


def find_experiment(client: MlflowClient, name: str, runs_root: Path) -> str:
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        server = client.tracking_uri.startswith(("http:", "https:", "databricks"))
        place = (runs_root.resolve() / "mlartifacts" / Path(name).name).as_uri()
        try:
            # Without a place MLflow would write into ./mlruns of the current folder.
            client.create_experiment(name, None if server else place)
        except MlflowException as error:  # another process may be faster
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        return find_experiment(client, name, runs_root)
    if experiment.lifecycle_stage != "active":
        raise TrackerError(
            f"MLflow at {client.tracking_uri}: the experiment {name} was deleted there; restore it "
            f"with 'mlflow experiments restore -x {experiment.experiment_id}'"
        )
    save_view(client, experiment)
    return str(experiment.experiment_id)
