"""``cclcc show``."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from cclcc_cli.cli import console
from cclcc_cli.cli.options import DATA, DataDir, Json, PreparedName, StoredSize


def show(
    name: PreparedName,
    size: StoredSize = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", file_okay=False, show_default="runs/show/NAME-SIZE",
                     help="Directory for the page and the sheet."),
    ] = None,
    count: Annotated[int, typer.Option(help="How many images of each split are shown.")] = 12,
    split: Annotated[
        Literal["train", "val", "test", "all"],
        typer.Option(help="Which split's images are shown; the numbers cover all."),
    ] = "all",
    seed: Annotated[int, typer.Option(min=0, help="Seed by which images are chosen.")] = 0,
    data: DataDir = DATA,
    json: Json = False,
) -> None:
    """Show a prepared data set: numbers, and images with masks."""
    from dataclasses import asdict

    from cclcc_cli.data.store import open_store
    from cclcc_cli.report.pages import data as data_page

    store = open_store(data, name, size)
    info = store.info
    folder = Path("runs/show") / f"{info.name}-{info.size}" if out is None else out
    choice = data_page.Choice(split, count, seed)
    done = data_page.write_data_page(store, folder, choice)
    for note in data_page.data_notes(info, done.statistics):
        console.note(f"note: {note}")
    if json:
        console.show_json({"page": str(done.page), "sheet": str(done.sheet),
                           **asdict(done.statistics)})
        return
    title = f"{info.name} at {info.size} pixels"
    console.show_table(title, *data_page.summary_table(done.statistics))
    console.show(f"page   {done.page}")
    console.show(f"sheet  {done.sheet}")
