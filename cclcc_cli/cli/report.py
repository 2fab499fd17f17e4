"""``cclcc report``: the main table, and a command for each other view of the runs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cclcc_cli.cli import console
from cclcc_cli.cli.help import Command, Group
from cclcc_cli.cli.options import (
    DATA,
    OUTPUT,
    RUNS,
    SCORES,
    Across,
    AllMetrics,
    Baseline,
    Bundles,
    DataDir,
    Experiments,
    FromMlflow,
    Margin,
    MetricName,
    OnlyAblation,
    QuotedFiles,
    ReadRuns,
    ReadUri,
    WhichSplit,
    own_margin,
    primary_metric,
)
from cclcc_cli.cli.report_output import (
    Format,
    GridFormat,
    check_figures,
    choose_format,
    page_command,
    publish,
    write_figures,
    write_out,
)
from cclcc_cli.cli.report_spelling import as_commands
from cclcc_cli.cli.source import Mlflow, Source, open_source
from cclcc_cli.errors import RunError

if TYPE_CHECKING:
    from cclcc_cli.report.page import Page, Question

FormatOption = Annotated[
    Format | None,
    typer.Option("--format", rich_help_panel=OUTPUT, show_default="by the name of --out, or table",
                 help="csv and json hold unrounded numbers, scores as shares of 1."),
]
OutFile = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", rich_help_panel=OUTPUT,
                 help="Write to this file instead of the terminal."),
]
FiguresDir = Annotated[
    Path | None,
    typer.Option("--figures", metavar="DIR", rich_help_panel=OUTPUT,
                 help="Also draw figures, as PNG and PDF with captions, into this directory."),
]


class _ReportGroup(Group):
    """``cclcc report`` without a command is ``cclcc report table``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        first = args[0] if args else ""
        own = first in self.commands or (first and not first.startswith("-"))
        if not own and "--help" not in args and not ctx.resilient_parsing:
            args, is_old = as_commands(args)
            if is_old:
                console.note_new_spelling(["cclcc", "report", *args])
        return super().parse_args(ctx, args)


app = typer.Typer(cls=_ReportGroup, rich_markup_mode=None, epilog="""
Examples:
  cclcc report                             the main table of all runs
  cclcc report table --metric hd95         with another primary score
  cclcc report page report.html            one file that opens offline
  cclcc report ablation NAME               what each part of it does
  cclcc report costs --format markdown
""")


@app.callback()
def report() -> None:
    """Compare finished runs in tables, figures or a page.

    Without a command this prints the main table and takes the options of 'cclcc report table'.
    """


@app.command(cls=Command, epilog="""
Examples:
  cclcc report table --baseline mean_teacher
  cclcc report table --format latex --out table.tex
  cclcc report table --figures figures/
""")
def table(
    runs: ReadRuns = RUNS,
    bundle: Bundles = None,
    mlflow: FromMlflow = False,
    tracking_uri: ReadUri = None,
    experiment: Experiments = None,
    ablation: OnlyAblation = None,
    split: WhichSplit = "test",
    metric: MetricName = "dice",
    all_metrics: AllMetrics = False,
    costs: Annotated[
        bool, typer.Option("--costs", rich_help_panel=SCORES,
                           help="Show weights, images through networks, speed and memory.")
    ] = False,
    baseline: Baseline = None,
    across: Across = False,
    margin: Margin = None,
    quoted: QuotedFiles = None,
    format: FormatOption = None,
    out: OutFile = None,
    figures: FiguresDir = None,
    data: DataDir = DATA,
) -> None:
    """Show the main table, a row for each group of runs.

    A group is the runs that differ by seed alone. Its row has mean and standard deviation over
    seeds, a 95 % interval, the difference from the baseline with its interval, p after Holm's
    correction, and a verdict.
    """
    chosen = choose_format(format, out)
    check_figures(figures)
    question = _ask(split, metric, baseline, across, margin, quoted, ablation,
                    all_metrics=all_metrics, costs=costs)
    with _source(runs, bundle, mlflow, tracking_uri, experiment, ablation) as source:
        _publish_table(source, question, chosen, out, figures, data)


@app.command(cls=Command)
def grid(
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
    margin: Margin = None,
    quoted: QuotedFiles = None,
    format: Annotated[
        GridFormat | None,
        typer.Option("--format", rich_help_panel=OUTPUT,
                     show_default="by the name of --out, or table",
                     help="What to write; 'cclcc report table' has csv and json."),
    ] = None,
    out: OutFile = None,
    figures: FiguresDir = None,
    data: DataDir = DATA,
) -> None:
    """Show the primary score alone: methods by number of labels."""
    chosen = choose_format(format, out)
    if chosen in ("csv", "json"):
        raise RunError(f"--out {out}: a grid is a table, markdown or latex; 'cclcc report table' "
                       f"writes {chosen}")
    check_figures(figures)
    question = _ask(split, metric, baseline, across, margin, quoted, ablation, grid=True)
    with _source(runs, bundle, mlflow, tracking_uri, experiment, ablation) as source:
        _publish_table(source, question, chosen, out, figures, data)


@app.command(cls=Command)
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
    with _source(runs, bundle, mlflow, tracking_uri, experiment, name) as source:
        from cclcc_cli.report.ablation_page import write_ablation_page

        sheet = write_ablation_page(source.root, name, split, across, all_metrics, primary, own)
        publish(sheet, source, chosen, out)


@app.command(cls=Command)
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
    with _source(runs, bundle, mlflow, tracking_uri, experiment, ablation) as source:
        from cclcc_cli.report.cost_page import write_cost_page
        from cclcc_cli.report.page import gather

        publish(write_cost_page(gather(source.root, ablation)), source, chosen, out)


@app.command(cls=Command)
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
    question = _ask(split, metric, baseline, across, None, None, ablation)
    with _source(runs, bundle, mlflow, tracking_uri, experiment, ablation) as source:
        from cclcc_cli.report.sheet import Sheet
        from cclcc_cli.report.spread_page import spread_tables, strata_missing

        page = _page(source, question)
        tables = spread_tables(page.evidence, page.scores, page.dice, split)
        notes = [*page.notes, *strata_missing(page.evidence, page.scores)]
        publish(Sheet(tables, notes), source, chosen, out)


@app.command(cls=Command)
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
    question = _ask(split, metric, baseline, across, None, None, ablation)
    with _source(runs, bundle, mlflow, tracking_uri, experiment, ablation) as source:
        from cclcc_cli.report.rank_page import rank_table
        from cclcc_cli.report.sheet import Sheet

        page = _page(source, question)
        publish(Sheet([rank_table(page.evidence, page.scores, split)], page.notes), source,
                chosen, out)


@app.command(cls=Command)
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
        from cclcc_cli.report.search_page import write_search_page

        publish(write_search_page(source.root, name), source, chosen, out)


@app.command(cls=Command, epilog="""
Examples:
  cclcc report page
  cclcc report page study.html --ablation NAME
""")
def page(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The file to write; - is standard output.")
    ] = Path("report.html"),
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
    margin: Margin = None,
    quoted: QuotedFiles = None,
    figures: FiguresDir = None,
    data: DataDir = DATA,
) -> None:
    """Write one HTML file with every table and figure.

    It opens offline, in any browser.
    """
    check_figures(figures)
    question = _ask(split, metric, baseline, across, margin, quoted, ablation)
    server = Mlflow(tracking_uri, experiment or ()) if mlflow else None
    with _source(runs, bundle, mlflow, tracking_uri, experiment, ablation) as source:
        from cclcc_cli.report.html_report import write_html

        made = write_html(source.root, question, data,
                          page_command(runs, bundle or (), server, question, quoted or (), file),
                          source.notes)
        text = source.readable(made.text)
        if str(file) == "-":
            console.show(text.removesuffix("\n"))
        else:
            write_out(file, text)
        if figures:
            write_figures(made.drawn, source, figures)


@contextmanager
def _source(
    runs: Path, bundles: Sequence[Path] | None, mlflow: bool, uri: str | None,
    experiments: Sequence[str] | None, ablation: str | None,
) -> Iterator[Source]:
    if not mlflow and (uri or experiments):
        raise RunError("--tracking-uri and --experiment say where --mlflow reads; add --mlflow")
    server = Mlflow(uri, experiments or ()) if mlflow else None
    with open_source(runs, bundles or (), server, ablation) as source:
        yield source


def _ask(
    split: Any, metric: str, baseline: str | None, across: bool, margin: float | None,
    quoted: Sequence[Path] | None, ablation: str | None, *, all_metrics: bool = False,
    costs: bool = False, grid: bool = False,
) -> "Question":
    primary = primary_metric(metric)
    own = own_margin(margin, primary)

    from cclcc_cli.config.quoted import load_quoted
    from cclcc_cli.report.page import Question

    return Question(split, primary, baseline, across, all_metrics, costs, grid, ablation,
                    [load_quoted(path) for path in quoted or ()], own)


def _page(source: Source, question: "Question") -> "Page":
    from cclcc_cli.report.page import write_page

    return write_page(source.root, question)


def _publish_table(
    source: Source, question: "Question", format: Format, out: Path | None,
    figures: Path | None, data: Path,
) -> None:
    page = _page(source, question)
    publish(page.sheet, source, format, out)
    if figures:
        from cclcc_cli.report.figures.gallery import draw_figures

        drawn = draw_figures(page.evidence, page.scores, question.split, data)
        write_figures(drawn, source, figures)
        for note in drawn.notes:
            console.note(f"note: {source.readable(note)}")
