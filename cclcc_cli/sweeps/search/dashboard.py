"""Optuna's dashboard for a search's journal."""

import importlib.util
import sys
from pathlib import Path

from cclcc_cli.errors import RunError
from cclcc_cli.sweeps.search.storage import journal_path
from cclcc_cli.tracking.servers import Server, choose_port
from cclcc_cli.tracking.ui import shown_address
from cclcc_cli.wording import instead


def dashboard_pages(runs_root: Path, name: str, host: str, port: int) -> Server:
    """Optuna's dashboard for a search's journal.

    Raises:
        RunError: there is no such search, the dashboard is not installed, or the port is taken.
    """
    journal = journal_path(runs_root, name)
    if not journal.exists():
        there = sorted(path.parent.name for path in journal_path(runs_root, "*").parent.parent
                       .glob(f"*/{journal.name}"))
        raise RunError(f"--dashboard {name}: no such search below {runs_root}; "
                       f"{instead(name, there)} (cclcc search starts one)")
    if importlib.util.find_spec("optuna_dashboard") is None:
        raise RunError("optuna-dashboard is not installed; pip install 'cclcc[dashboard]'")
    port = choose_port(host, port)
    command = [sys.executable, "-c", "from optuna_dashboard._cli import main; main()",
               str(journal.resolve()), "--storage-class", "JournalFileStorage",
               "--host", host, "--port", str(port), "--server", "wsgiref"]
    return Server("Optuna's dashboard", command, f"{shown_address(host, port)}/dashboard", {})
