"""MLflow's pages on the store that runs are mirrored to."""

import sys
from pathlib import Path

import sqlalchemy

from cclcc_cli.errors import RunError
from cclcc_cli.tracking.servers import Server, answers, choose_port
from cclcc_cli.tracking.tracker import (
    TrackerError,
    connect,
    our_experiments,
    talking_to,
)
from cclcc_cli.tracking.view import has_view, view_url


def is_server(uri: str) -> bool:
    """Whether a tracking address is that of a server, which has pages already."""
    return uri.startswith(("http://", "https://"))


def check_server(uri: str) -> None:
    """Raise unless a tracking server answers.

    Raises:
        TrackerError: nothing answers there.
    """
    if not answers(uri):
        raise TrackerError(f"no MLflow server answers at {uri}; start it, or leave out "
                           "--tracking-uri (and MLFLOW_TRACKING_URI) for the store below --runs")


def mlflow_pages(uri: str, host: str, port: int) -> Server:
    """MLflow's server on a store.

    Raises:
        RunError: there is no store yet, or the port is taken.
        TrackerError: the store cannot be read.
    """
    if uri.startswith("sqlite"):
        database = sqlalchemy.make_url(uri).database
        if database and not Path(database).exists():
            raise RunError(f"{database}: no MLflow store there yet; cclcc train makes it, and "
                           "cclcc sync makes it from run folders")
    with talking_to(uri):
        connect(uri).search_experiments(max_results=1)
    port = choose_port(host, port)
    command = [sys.executable, "-m", "mlflow", "server", "--host", host, "--port", str(port),
               "--workers", "1"]
    environment = {
        "MLFLOW_BACKEND_STORE_URI": uri,  # not in the command: an address may hold a password
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    return Server("MLflow", command, shown_address(host, port), environment)


def comparisons(uri: str, pages: str) -> dict[str, str]:
    """Where the runs of each data set stand side by side, by its name.

    Args:
        uri: of the tracker.
        pages: where its pages are served.

    Raises:
        TrackerError: MLflow failed.
    """
    with talking_to(uri):
        return {one.name.removeprefix("cclcc/"): view_url(pages, one.experiment_id)
                for one in our_experiments(connect(uri)) if has_view(one)}


def shown_address(host: str, port: int) -> str:
    """What to open in a browser on this machine."""
    shown = "127.0.0.1" if host in ("0.0.0.0", "") else f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"
