"""``cclcc recipes``."""

from pathlib import Path
from shutil import get_terminal_size
from textwrap import fill
from typing import Annotated

import typer

from cclcc_cli.cli import console
from cclcc_cli.cli.help import Command, CommandGroup
from cclcc_cli.cli.options import Json

app = typer.Typer(cls=CommandGroup, invoke_without_command=True, rich_markup_mode=None, epilog="""
Examples:
  cclcc recipes
  cclcc recipes copy kvasir
  cclcc recipes copy ablations/small --to mine.yaml
  cclcc train kvasir --set data.name=my-polyps
""")
INDENT = " " * 6
KINDS = {
    "recipe": "recipes, for cclcc train NAME",
    "ablation": "ablations, for cclcc ablate NAME",
    "search": "searches, for cclcc search NAME",
    "figures": "published figures, for cclcc report --quoted NAME",
}


@app.callback()
def recipes(ctx: typer.Context, json: Json = False) -> None:
    """List the recipes that come with cclcc, or copy one.

    A name works wherever a recipe's path does.
    """
    if ctx.invoked_subcommand is not None:
        return
    from cclcc_cli.config.library import list_shipped

    shipped = list_shipped()
    if json:
        console.show_json([{"name": one.name, "kind": one.kind, "what": one.what,
                            "time": one.time, "path": str(one.path)} for one in shipped])
        return
    for kind, title in KINDS.items():
        console.show(f"{title}:")
        for one in shipped:
            if one.kind == kind:
                console.show(f"  {one.name}")
                takes = f" Takes {one.time}." if one.time else ""
                console.show(fill(one.what + takes, get_terminal_size().columns,
                                  initial_indent=INDENT, subsequent_indent=INDENT))


@app.command(cls=Command, epilog="""
Examples:
  cclcc recipes copy kvasir
  cclcc recipes copy ablations/small --to mine.yaml
""")
def copy(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A name that 'cclcc recipes' lists.")
    ],
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", dir_okay=False,
                                  show_default="its own name, here",
                                  help="The file to write; it must not exist.")
    ] = None,
) -> None:
    """Copy a recipe into a file of your own, to change it."""
    from cclcc_cli.config.library import copy_shipped

    for path in copy_shipped(name, to):
        console.show(f"written: {path}")
