"""``cclcc ls``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cclcc_cli.cli import console
from cclcc_cli.cli.options import RUNS, Bundles, Json, OnlyAblation, ReadRuns
from cclcc_cli.cli.source import Source, open_source
from cclcc_cli.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cclcc_cli.runs.listing import Listed


def ls(
    runs: ReadRuns = RUNS,
    bundle: Bundles = None,
    state: Annotated[
        list[str] | None, typer.Option(metavar="STATE", help="Only runs in this state; repeatable.")
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(metavar="METHOD", help="Only runs of this method; repeatable."),
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(metavar="RECIPE", help="Only runs of this recipe; repeatable."),
    ] = None,
    ablation: OnlyAblation = None,
    json: Json = False,
) -> None:
    """List run folders and how far they have come.

    Where the table is wider than the terminal, each run takes two lines.
    """
    from cclcc_cli.runs.listing import list_runs

    with open_source(runs, bundle or ()) as source:
        listed = list_runs(source.root, states=state or (), methods=method or (),
                           names=name or (), ablation=ablation)
        _show(listed, source, json)


def _show(listed: "Sequence[Listed]", source: Source, json: bool) -> None:
    from dataclasses import asdict

    from cclcc_cli.runs.listing import Listed

    for note in source.notes:
        console.note(f"note: {note}")
    if json:
        console.show_json([{**asdict(one), "folder": source.readable(str(one.folder)),
                            "detail": source.readable(one.detail)} for one in listed])
        return
    rows = [_row(one) for one in listed]
    columns, cells = list(_row(Listed(Path(), ""))), [list(row.values()) for row in rows]
    title = f"{counted(len(listed), 'run')} {source.place}"
    wide = console.fits(columns, cells)
    if wide:
        console.show_table(title, columns, cells)
    else:
        console.show(title)
    for row, one in zip(rows, listed, strict=True):
        if not wide:
            console.show(row["folder"])
            said = [one.state, *([f"step {row['step']}"] if one.steps else []),
                    *([f"val Dice {row['val Dice %']} %"] if one.dice is not None else []),
                    *([f"recipe {one.name}"] if one.name else [])]
            console.show(f"    {', '.join(said)}")
        if one.detail:
            start = f"{row['folder']}: " if wide else "    "
            console.show(start + source.readable(one.detail))


def _row(one: "Listed") -> dict[str, str]:
    """A run's cells by column."""
    known = bool(one.name)
    return {
        "folder": f"{one.folder.parent.name}/{one.folder.name}", "state": one.state,
        "recipe": one.name, "labels": str(one.labeled) if known else "",
        "seed": str(one.seed) if known else "",
        "step": f"{one.step}/{one.steps}" if one.steps else "",
        "val Dice %": "" if one.dice is None else f"{100 * one.dice:.2f}",
    }
