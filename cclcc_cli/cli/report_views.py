"""What ``cclcc report`` shows beside the main table: a command for each view."""

from typing import Annotated

import typer

from cclcc_cli.cli.option_groups import with_groups
from cclcc_cli.cli.options import (
    RUNS,
    Across,
    AllMetrics,
    Bundles,
    Margin,
    MetricName,
    OnlyAblation,
    ReadRuns,
    WhichSplit,
    own_margin,
    primary_metric,
)
from cclcc_cli.cli.report_options import Comparing, Reading, Writing, ask
from cclcc_cli.cli.report_output import choose_format, publish
from cclcc_cli.cli.source import open_source


@with_groups
def ablation(
    reading: Reading,
    writing: Writing,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", show_default="the only one there is",
                                   help="The ablation, as its file names it.")
    ] = None,
    split: WhichSplit = "test",
    metric: MetricName = "dice",
    all_metrics: AllMetrics = False,
    across: Across = False,
    margin: Margin = None,
) -> None:
    """Show the effect of each part of an ablation.

    Variants are compared with the ablation's own baseline.
    """
    chosen = choose_format(writing.format, writing.out)
    primary = primary_metric(metric)
    own = own_margin(margin, primary)
    with reading.open(name) as source:
        from cclcc_cli.report.pages.ablation import write_ablation_page

        sheet = write_ablation_page(source.root, name, split, across, all_metrics, primary, own)
        publish(sheet, source, chosen, writing.out)


@with_groups
def costs(reading: Reading, writing: Writing, ablation: OnlyAblation = None) -> None:
    """Show what training took: steps, images, time and memory."""
    chosen = choose_format(writing.format, writing.out)
    with reading.open(ablation) as source:
        from cclcc_cli.report.pages.comparison import gather
        from cclcc_cli.report.pages.costs import write_cost_page

        publish(write_cost_page(gather(source.root, ablation)), source, chosen, writing.out)


@with_groups
def spread(
    reading: Reading, comparing: Comparing, writing: Writing, ablation: OnlyAblation = None
) -> None:
    """Show quartiles, failures, the worst tenth, lesions by size."""
    chosen = choose_format(writing.format, writing.out)
    question = ask(comparing, ablation)
    with reading.open(ablation) as source:
        from cclcc_cli.report.pages.comparison import write_spread_page

        publish(write_spread_page(source.root, question), source, chosen, writing.out)


@with_groups
def ranks(
    reading: Reading, comparing: Comparing, writing: Writing, ablation: OnlyAblation = None
) -> None:
    """Rank methods over several data sets.

    It says how firm the ranks are, and when there are too few data sets for any.
    """
    chosen = choose_format(writing.format, writing.out)
    question = ask(comparing, ablation)
    with reading.open(ablation) as source:
        from cclcc_cli.report.pages.comparison import write_rank_page

        publish(write_rank_page(source.root, question), source, chosen, writing.out)


@with_groups
def search(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The search, as its file names it.")],
    writing: Writing,
    runs: ReadRuns = RUNS,
    bundle: Bundles = None,
) -> None:
    """Show the best trials of a search and the keys that matter.

    Its scores are of the validation split.
    """
    chosen = choose_format(writing.format, writing.out)
    with open_source(runs, bundle or ()) as source:
        from cclcc_cli.report.pages.search import write_search_page

        publish(write_search_page(source.root, name), source, chosen, writing.out)
