"""The ``cclcc`` command: wiring, and the one place where errors become exit codes."""

import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from cclcc_cli import __version__
from cclcc_cli.cli import console, recipes, report
from cclcc_cli.cli.ablate import ablate
from cclcc_cli.cli.audit import audit
from cclcc_cli.cli.bundle import bundle, unbundle
from cclcc_cli.cli.check_plugin import check_plugin
from cclcc_cli.cli.compare import compare
from cclcc_cli.cli.datasets import datasets
from cclcc_cli.cli.help import Command, CommandGroup
from cclcc_cli.cli.ls import ls
from cclcc_cli.cli.methods import methods
from cclcc_cli.cli.prepare import prepare
from cclcc_cli.cli.rm import rm
from cclcc_cli.cli.search import search
from cclcc_cli.cli.show import show
from cclcc_cli.cli.splits import splits
from cclcc_cli.cli.sync import sync
from cclcc_cli.cli.train import train
from cclcc_cli.cli.ui import ui
from cclcc_cli.errors import CclccError
from cclcc_cli.processes import own_rank

COMMANDS: tuple[tuple[str, str, Callable[..., None] | typer.Typer, str], ...] = (
    ("Data", "prepare", prepare, """
  cclcc prepare synthetic --count 400 --size 96
  cclcc prepare kvasir-seg
  cclcc prepare kvasir-seg --archive kvasir-seg.zip
  cclcc prepare my-polyps --images DIR --masks DIR
"""),
    ("Data", "datasets", datasets, "  cclcc datasets"),
    ("Data", "audit", audit, "  cclcc audit kvasir-seg"),
    ("Data", "show", show, "  cclcc show kvasir-seg --split test --count 24"),
    ("Data", "splits", splits, "  cclcc splits kvasir-seg --out lists --labels 0.05,0.1"),
    ("Training", "recipes", recipes.app, ""),
    ("Training", "methods", methods, """
  cclcc methods
  cclcc methods unimatch
"""),
    ("Training", "check-plugin", check_plugin, "  cclcc check-plugin PLUGIN.py"),
    ("Training", "train", train, """
  cclcc train quickstart
  cclcc train kvasir --set data.name=my-polyps --seed 1
  cclcc train kvasir --set method=unimatch
  cclcc train kvasir --processes 2
"""),
    ("Training", "ablate", ablate, """
  cclcc ablate small --dry-run --workers 2
  cclcc ablate small --workers 2
  cclcc ablate STUDY.yaml --launcher slurm --workers 8 --slurm partition=gpu
"""),
    ("Training", "search", search, """
  cclcc search small --dry-run
  cclcc search small --workers 2
"""),
    ("Results", "report", report.app, ""),
    ("Results", "compare", compare, """
  cclcc compare clcc supervised
  cclcc compare runs/DATA/RUN_A runs/DATA/RUN_B --metric hd95
"""),
    ("Results", "ls", ls, """
  cclcc ls
  cclcc ls --ablation small --state failed
"""),
    ("Results", "rm", rm, "  cclcc rm runs/synthetic-96/FOLDER"),
    ("Results", "bundle", bundle, """
  cclcc bundle --out all.tar.xz
  cclcc bundle --ablation small --out study.tar.xz
"""),
    ("Results", "unbundle", unbundle, "  cclcc unbundle study.tar.xz --runs runs"),
    ("MLflow", "sync", sync, "  cclcc sync --tracking-uri http://SERVER:5000"),
    ("MLflow", "ui", ui, """
  cclcc ui
  cclcc ui --dashboard small
"""),
)
"""The panel of ``cclcc --help`` that each command stands in, and examples of its use."""


class _Commands(CommandGroup):
    """In the order of the table; typer has commands that hold commands first."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return [name for _, name, _, _ in COMMANDS]


HELP = """Segment medical images with few labels, and find out whether it helps.

CLCC and the methods it is compared with train on the same data, network and budget, and a report
says which differences can be believed.

Start here, with built-in scenes:

\b
  cclcc prepare synthetic --count 400 --size 96
  cclcc train quickstart
  cclcc train quickstart_supervised
  cclcc report

Go on with images of your own:

\b
  cclcc prepare my-polyps --images DIR --masks DIR
  cclcc train kvasir --set data.name=my-polyps
"""

app = typer.Typer(
    name="cclcc",
    cls=_Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help=HELP,
    epilog="'cclcc COMMAND --help' explains a command and shows examples.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        console.show(f"cclcc {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True,
                           help="Show the version and exit.")
    ] = False,
) -> None:
    pass


for panel, name, command, examples in COMMANDS:
    if isinstance(command, typer.Typer):
        app.add_typer(command, name=name, rich_help_panel=panel)
    else:
        text = examples.strip("\n")
        app.command(name, cls=Command, rich_help_panel=panel,
                    epilog=f"Examples:\n{text}")(command)


def main() -> None:
    """Run the command line."""
    # Read as torch loads. On busy cores threads that spin for each other trained 7 to 12 times
    # slower than threads that sleep, on idle ones as fast (benchmarks/threads.py).
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        app()
    except CclccError as error:
        if own_rank().rank == 0:  # of processes that train together, one speaks for all
            console.fail(str(error))
        sys.exit(error.exit_code)
