"""``cclcc rm``."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from cclcc_cli.cli import console
from cclcc_cli.errors import RunError
from cclcc_cli.wording import counted


def rm(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="FOLDER", help="Run folders, as 'cclcc ls' lists them."),
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Remove run folders for good, unless they are being trained."""
    from cclcc_cli.runs.removal import check_removable, remove_run

    checked = check_removable(folders)
    folders_text = counted(len(checked), "run folder")
    if not yes:
        if not sys.stdin.isatty():
            raise RunError(f"{folders_text} would be removed for good; "
                           "give --yes where nobody can be asked")
        for folder in checked:
            console.note(str(folder.path))
        typer.confirm(f"remove {folders_text} for good?", abort=True, err=True)
    for folder in checked:
        remove_run(folder)
        console.show(f"removed {folder.path}")
    console.note("what MLflow mirrors of them stays there; delete it in MLflow")
