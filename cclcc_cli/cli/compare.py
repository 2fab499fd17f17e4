"""``cclcc compare``."""

from typing import TYPE_CHECKING, Annotated

import typer

from cclcc_cli.cli import console
from cclcc_cli.cli.options import (
    RUNS,
    Across,
    Bundles,
    Json,
    Margin,
    MetricName,
    ReadRuns,
    WhichSplit,
    own_margin,
    primary_metric,
)
from cclcc_cli.cli.source import open_source

if TYPE_CHECKING:
    from cclcc_cli.report.pages.compare import Sides

_SIDE = "A run folder; or a method, recipe or group with all its seeds."


def compare(
    first: Annotated[str, typer.Argument(metavar="FIRST", help=_SIDE)],
    second: Annotated[str, typer.Argument(metavar="SECOND", help="What it is compared with.")],
    runs: ReadRuns = RUNS,
    bundle: Bundles = None,
    split: WhichSplit = "test",
    metric: MetricName = "dice",
    margin: Margin = None,
    across: Across = False,
    json: Json = False,
) -> None:
    """Compare two runs or groups, image by image.

    The keys in which their recipes differ come first.
    """
    from dataclasses import replace

    from cclcc_cli.report.pages.compare import compare as compare_sides
    from cclcc_cli.report.pages.compare import pair_record

    primary = primary_metric(metric)
    with open_source(runs, bundle or ()) as source:
        found = compare_sides((source.find(first), source.find(second)), source.root, split,
                              across, primary, own_margin(margin, primary))
        pair = replace(found, names=(first, second), notes=source.all_notes(found.notes))
    if json:
        console.show_json({**pair_record(pair), "split": split, "across": across})
    else:
        _show(pair, split, across)


def _show(pair: "Sides", split: str, across: bool) -> None:
    from cclcc_cli.metrics.scores import metric_title
    from cclcc_cli.report.pages.compare import build_pair, pair_sentences
    from cclcc_cli.report.render.terminal import transposed

    if pair.keys:
        console.show_table("keys of the recipes that differ", ["key", *pair.names],
                           [[key, *values] for key, values in pair.keys.items()])
    else:
        console.show("the recipes do not differ")
    title = (f"{split} {metric_title(pair.comparison.metric)}"
             f"{', ACROSS runs whose conditions differ' if across else ''}")
    sides = transposed(build_pair(pair, title))
    console.show_table(sides.title, sides.columns, sides.rows)
    for sentence in pair_sentences(pair):
        console.show(sentence)
    for note in pair.notes:
        console.note(f"note: {note}")
