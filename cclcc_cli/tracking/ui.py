"""MLflow's pages on the store that runs are mirrored to."""

import sys

from cclcc_cli.errors import RunError
from cclcc_cli.tracking.servers import Server, answers, choose_port
from cclcc_cli.tracking.tracker import (
    TrackerError,
    database_file,
    open_tracker,
    our_experiments,
)
from cclcc_cli.tracking.view import has_view, view_url


def is_server(uri: str) -> bool:
    """Whether a tracking address is a server's, which serves its own pages."""
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
    if (file := database_file(uri)) is not None and not file.exists():
        raise RunError(f"{file}: no MLflow store there yet; cclcc train creates it, and cclcc sync "
                       "creates it from run folders")
    with open_tracker(uri) as client:
        client.search_experiments(max_results=1)
    port = choose_port(host, port)
    command = [sys.executable, "-m", "mlflow", "server", "--host", host, "--port", str(port),
               "--workers", "1"]
    environment = {
        "MLFLOW_BACKEND_STORE_URI": uri,  # not in the command: it may hold a password
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    return Server("MLflow", command, shown_address(host, port), environment)


def comparisons(uri: str, pages: str) -> dict[str, str]:
    """For each data set, the page that compares its runs.

    Args:
        uri: of the tracker.
        pages: the address that serves its pages.

    Raises:
        TrackerError: MLflow failed.
    """
    with open_tracker(uri) as client:
        return {one.name.removeprefix("cclcc/"): view_url(pages, one.experiment_id)
                for one in our_experiments(client) if has_view(one)}


def shown_address(host: str, port: int) -> str:
    """The address to open in a browser on this machine."""
    shown = "127.0.0.1" if host in ("0.0.0.0", "") else f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"
