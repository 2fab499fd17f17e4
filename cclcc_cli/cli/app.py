"""The ``cclcc`` command: wiring, and the one place where errors become exit codes."""

import os
import sys
from typing import Annotated

import typer

from cclcc_cli import __version__
from cclcc_cli.cli import console
from cclcc_cli.cli.ablate import ablate
from cclcc_cli.cli.audit import audit
from cclcc_cli.cli.bundle import bundle, unbundle
from cclcc_cli.cli.check_plugin import check_plugin
from cclcc_cli.cli.compare import compare
from cclcc_cli.cli.ls import ls
from cclcc_cli.cli.methods import methods
from cclcc_cli.cli.prepare import prepare
from cclcc_cli.cli.report import report
from cclcc_cli.cli.rm import rm
from cclcc_cli.cli.search import search
from cclcc_cli.cli.show import show
from cclcc_cli.cli.splits import splits
from cclcc_cli.cli.sync import sync
from cclcc_cli.cli.train import train
from cclcc_cli.cli.ui import ui
from cclcc_cli.errors import CclccError
from cclcc_cli.processes import own_place

app = typer.Typer(
    name="cclcc",
    help="Segment medical images with few labels: CLCC, other methods, and honest comparisons.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        console.show(f"cclcc {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Version.")
    ] = False,
) -> None:
    pass


for command in (prepare, audit, show, splits, methods, train, ablate, search, ls, rm, report,
                compare, bundle, unbundle, sync, ui, check_plugin):
    app.command()(command)


def main() -> None:
    """Run the command line."""
    # Read as torch loads. On busy cores threads that spin for each other trained 7 to 12 times
    # slower than threads that sleep, on idle ones as fast (benchmarks/threads.py).
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        app()
    except CclccError as error:
        if own_place().rank == 0:  # of processes that train together, one speaks for all
            console.fail(str(error))
        sys.exit(error.exit_code)
