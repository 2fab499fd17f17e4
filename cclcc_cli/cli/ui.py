"""``cclcc ui``."""

import signal
import time
from contextlib import ExitStack
from typing import Annotated

import typer

from cclcc_cli.cli import console
from cclcc_cli.cli.options import RUNS, RunsDir, TrackingUri


def ui(
    runs: RunsDir = RUNS,
    tracking_uri: TrackingUri = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="MLflow's port; 0 takes any free one.")
    ] = 5000,
    dashboard: Annotated[
        str | None,
        typer.Option(metavar="SEARCH", help="Also serve Optuna's dashboard for this search."),
    ] = None,
    dashboard_port: Annotated[
        int, typer.Option(min=0, max=65535, help="The dashboard's port; 0 takes any free one.")
    ] = 8080,
) -> None:
    """Serve MLflow's pages of the mirrored runs, until Ctrl-C."""
    from cclcc_cli.sweeps.search.dashboard import dashboard_pages
    from cclcc_cli.tracking import ui as pages
    from cclcc_cli.tracking.address import tracking_uri as resolve
    from cclcc_cli.tracking.servers import running

    uri = resolve(runs, tracking_uri)
    servers = []
    if pages.is_server(uri):
        pages.check_server(uri)
    else:
        servers.append(pages.mlflow_pages(uri, host, port))
    if dashboard is not None:
        servers.append(dashboard_pages(runs, dashboard, host, dashboard_port))
    # A service manager's or a shell's request to end is as good as Ctrl-C.
    for number in (signal.SIGINT, signal.SIGTERM):  # also where a shell started it in background
        signal.signal(number, signal.default_int_handler)
    try:
        with ExitStack() as stack:
            opened = []
            for server in servers:
                console.note(f"starting {server.name} ...")
                opened.append(stack.enter_context(running(server)))
                console.show(f"{server.name}: {server.url}")
            if pages.is_server(uri):
                console.show(f"MLflow: {uri}")
            served = uri if pages.is_server(uri) else servers[0].url
            for name, address in pages.comparisons(uri, served).items():
                console.show(f"runs on {name} side by side: {address}")
            if opened:
                console.note("Ctrl-C ends this")
            while opened:
                time.sleep(0.5)
                for one in opened:
                    one.check()
    except KeyboardInterrupt:
        console.note("ended")
