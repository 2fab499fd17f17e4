"""``cclcc compare``."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cclcc_cli.cli import console
from cclcc_cli.cli.options import RUNS, Json, MarginPoints, RunsDir

if TYPE_CHECKING:
    from cclcc_cli.report.compare import Sides

Side = Annotated[
    str, typer.Argument(help="A run folder; or a method, recipe or arm, with all its seeds.")
]


def compare(
    first: Side,
    second: Side,
    runs: RunsDir = RUNS,
    split: Annotated[Literal["test", "val"], typer.Option(help="Which split's scores.")] = "test",
    across: Annotated[
        bool, typer.Option("--across", help="Compare runs whose data or evaluation differ.")
    ] = False,
    margin: MarginPoints = None,
    json: Json = False,
) -> None:
    """Compare two runs or arms: what differs in their recipes, then their scores by image."""
    from cclcc_cli.report.compare import compare as compare_sides
    from cclcc_cli.report.compare import pair_record
    from cclcc_cli.report.verdicts import DEFAULT_MARGIN

    pair = compare_sides((first, second), runs, split, across,
                         DEFAULT_MARGIN if margin is None else margin / 100)
    if json:
        console.show_json({**pair_record(pair), "split": split, "across": across})
    else:
        _show(pair, split, across)


def _show(pair: "Sides", split: str, across: bool) -> None:
    from cclcc_cli.report.compare import pair_rows, pair_sentences

    if pair.keys:
        console.show_table("keys of the recipes that differ", ["key", *pair.names],
                           [[key, *values] for key, values in pair.keys.items()])
    else:
        console.show("the recipes do not differ")
    title = f"{split} Dice{', ACROSS runs whose conditions differ' if across else ''}"
    console.show_table(title, ["", *pair.names], pair_rows(pair))
    for sentence in pair_sentences(pair):
        console.show(sentence)
    for note in pair.notes:
        console.note(f"note: {note}")
