"""MLflow's pages on the store that runs are mirrored to, and Optuna's on a search's journal."""

import importlib.util
import sys
from pathlib import Path

import sqlalchemy

from cclcc_cli.errors import RunError
from cclcc_cli.experiments.search.storage import journal_path
from cclcc_cli.experiments.servers import Server, answers, choose_port
from cclcc_cli.experiments.tracking.tracker import (
    TrackerError,
    connect,
    our_experiments,
    talking_to,
)
from cclcc_cli.experiments.tracking.view import has_view, view_url


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
    return Server("MLflow", command, _url(host, port), environment)


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


def dashboard_pages(runs_root: Path, name: str, host: str, port: int) -> Server:
    """Optuna's dashboard on a search's journal.

    Raises:
        RunError: there is no such search, the dashboard is not installed, or the port is taken.
    """
    journal = journal_path(runs_root, name)
    if not journal.exists():
        there = sorted(path.parent.name for path in journal_path(runs_root, "*").parent.parent
                       .glob(f"*/{journal.name}"))
        known = f"there are: {', '.join(there)}" if there else "there are none"
        raise RunError(f"--dashboard {name}: no such search below {runs_root} ({known}); "
                       "cclcc search makes one")
    if importlib.util.find_spec("optuna_dashboard") is None:
        raise RunError("optuna-dashboard is not installed; pip install 'cclcc[dashboard]'")
    port = choose_port(host, port)
    command = [sys.executable, "-c", "from optuna_dashboard._cli import main; main()",
               str(journal.resolve()), "--storage-class", "JournalFileStorage",
               "--host", host, "--port", str(port), "--server", "wsgiref"]
    return Server("Optuna's dashboard", command, f"{_url(host, port)}/dashboard", {})


def _url(host: str, port: int) -> str:
    shown = "127.0.0.1" if host in ("0.0.0.0", "") else f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"
