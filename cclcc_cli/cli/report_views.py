"""What ``cclcc report`` shows beside the main table: a command for each view."""

from typing import Annotated

import typer

from cclcc_cli.cli.options import (
    RUNS,
    Across,
    AllMetrics,
    Baseline,
    Bundles,
    Experiments,
    FromMlflow,
    Margin,
    MetricName,
    OnlyAblation,
    ReadRuns,
    ReadUri,
    WhichSplit,
    own_margin,
    primary_metric,
)
from cclcc_cli.cli.report_options import FormatOption, OutFile, ask, open_reading
from cclcc_cli.cli.report_output import choose_format, publish
from cclcc_cli.cli.source import open_source


def ablation(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", show_default="the only one there is",
                                   help="The ablation, as its file names it.")
    ] = None,
    runs: ReadRuns = RUNS,
    bundle: Bundles = None,
    mlflow: FromMlflow = False,
    tracking_uri: ReadUri = None,
    experiment: Experiments = None,
    split: WhichSplit = "test",
    metric: MetricName = "dice",
    all_metrics: AllMetrics = False,
    across: Across = False,
    margin: Margin = None,
    format: FormatOption = None,
    out: OutFile = None,
) -> None:
    """Show the effect of each part of an ablation.

    Variants are compared with the ablation's own baseline.
    """
    chosen = choose_format(format, out)
    primary = primary_metric(metric)
    own = own_margin(margin, primary)
    with open_reading(runs, bundle, mlflow, tracking_uri, experiment, name) as source:
        from cclcc_cli.report.pages.ablation import write_ablation_page

        sheet = write_ablation_page(source.root, name, split, across, all_metrics, primary, own)
        publish(sheet, source, chosen, out)


def costs(
    runs: ReadRuns = RUNS,
    bundle: Bundles = None,
    mlflow: FromMlflow = False,
    tracking_uri: ReadUri = None,
    experiment: Experiments = None,
    ablation: OnlyAblation = None,
    format: FormatOption = None,
    out: OutFile = None,
) -> None:
    """Show what training took: steps, images, time and memory."""
    chosen = choose_format(format, out)
    with open_reading(runs, bundle, mlflow, tracking_uri, experiment, ablation) as source:
        from cclcc_cli.report.pages.comparison import gather
        from cclcc_cli.report.pages.costs import write_cost_page

        publish(write_cost_page(gather(source.root, ablation)), source, chosen, out)


def spread(
    runs: ReadRuns = RUNS,
    bundle: Bundles = None,
    mlflow: FromMlflow = False,
    tracking_uri: ReadUri = None,
    experiment: Experiments = None,
    ablation: OnlyAblation = None,
    split: WhichSplit = "test",
    metric: MetricName = "dice",
    baseline: Baseline = None,
    across: Across = False,
    format: FormatOption = None,
    out: OutFile = None,
) -> None:
    """Show quartiles, failures, the worst tenth, lesions by size."""
    chosen = choose_format(format, out)
    question = ask(split, metric, baseline, across, None, None, ablation)
    with open_reading(runs, bundle, mlflow, tracking_uri, experiment, ablation) as source:
        from cclcc_cli.report.pages.comparison import write_spread_page

        publish(write_spread_page(source.root, question), source, chosen, out)


def ranks(
    runs: ReadRuns = RUNS,
    bundle: Bundles = None,
    mlflow: FromMlflow = False,
    tracking_uri: ReadUri = None,
    experiment: Experiments = None,
    ablation: OnlyAblation = None,
    split: WhichSplit = "test",
    metric: MetricName = "dice",
    baseline: Baseline = None,
    across: Across = False,
    format: FormatOption = None,
    out: OutFile = None,
) -> None:
    """Rank methods over several data sets.

    It says how firm the ranks are, and when there are too few data sets for any.
    """
    chosen = choose_format(format, out)
    question = ask(split, metric, baseline, across, None, None, ablation)
    with open_reading(runs, bundle, mlflow, tracking_uri, experiment, ablation) as source:
        from cclcc_cli.report.pages.comparison import write_rank_page

        publish(write_rank_page(source.root, question), source, chosen, out)


def search(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The search, as its file names it.")],
    runs: ReadRuns = RUNS,
    bundle: Bundles = None,
    format: FormatOption = None,
    out: OutFile = None,
) -> None:
    """Show the best trials of a search and the keys that matter.

    Its scores are of the validation split.
    """
    chosen = choose_format(format, out)
    with open_source(runs, bundle or ()) as source:
        from cclcc_cli.report.pages.search import write_search_page

        publish(write_search_page(source.root, name), source, chosen, out)
