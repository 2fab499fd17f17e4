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
    """List run folders and how far they have come."""
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
    columns = list(_row(Listed(Path(), "")))
    if not console.fits(columns, [list(row.values()) for row in rows]):
        columns = [column for column in columns if column not in ("labels", "seed")]
    console.show_table(f"{counted(len(listed), 'run')} {source.place}", columns,
                       [[row[column] for column in columns] for row in rows], num_keys=1)
    for row, one in zip(rows, listed, strict=True):
        if one.detail:
            console.show(f"{row['folder']}: {source.readable(one.detail)}")


def _row(one: "Listed") -> dict[str, str]:
    """A run's cells by column; the folder's name says labels and seed as well."""
    known = bool(one.name)
    return {
        "folder": f"{one.folder.parent.name}/{one.folder.name}", "state": one.state,
        "recipe": one.name, "labels": str(one.labeled) if known else "",
        "seed": str(one.seed) if known else "",
        "step": f"{one.step}/{one.steps}" if one.steps else "",
        "val Dice %": "" if one.dice is None else f"{100 * one.dice:.2f}",
    }
