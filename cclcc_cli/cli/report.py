"""``cclcc report``."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cclcc_cli.cli import console
from cclcc_cli.cli.options import (
    DATA,
    RUNS,
    Bundles,
    DataDir,
    Margin,
    MetricName,
    RunsDir,
    TrackingUri,
    judged_metric,
    own_margin,
)
from cclcc_cli.cli.report_output import (
    Format,
    choose_format,
    publish,
    report_command,
    write_figures,
    write_out,
)
from cclcc_cli.cli.source import Mlflow, Source, open_source
from cclcc_cli.errors import RunError

if TYPE_CHECKING:
    from cclcc_cli.report.pages.comparison import Question

Layout = Literal["rows", "grid", "spread", "ranks", "ablation", "costs"]


def report(
    runs: RunsDir = RUNS,
    bundle: Bundles = None,
    split: Annotated[Literal["test", "val"], typer.Option(help="Which split's scores.")] = "test",
    metric: MetricName = "dice",
    all_metrics: Annotated[
        bool, typer.Option("--all-metrics", help="Every score, not only the main ones.")
    ] = False,
    costs: Annotated[
        bool, typer.Option("--costs", help="Weights, images through networks, speed, memory.")
    ] = False,
    baseline: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Method, recipe or group that rows are compared with; "
                     "default: supervised with as many labels."),
    ] = None,
    across: Annotated[
        bool, typer.Option("--across", help="Compare runs whose data or evaluation differ.")
    ] = False,
    margin: Margin = None,
    layout: Annotated[
        Layout | None,
        typer.Option(help="rows: a group each (the default); grid: methods by number of labels, "
                     "the judged score alone; spread: quartiles, failures, the worst tenth, and "
                     "lesions by size; ranks: methods over data sets; ablation: the effect of "
                     "each part (the default with --ablation); costs: time, steps, images, "
                     "memory."),
    ] = None,
    ablation: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The runs of this ablation alone, and what each of its "
                     "parts does."),
    ] = None,
    search: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Instead: the best trials of this search, and what "
                     "mattered."),
    ] = None,
    quoted: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Figures that others published, shown below the rows "
                     "and marked; repeatable."),
    ] = None,
    format: Annotated[
        Format | None,
        typer.Option(help="csv and json hold numbers unrounded, scores as shares of 1; html is "
                     "one file with all there is. Default: what --out ends with, else table."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write there instead of to stdout.")
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option("--figures", metavar="DIR",
                     help="Also draw what the table says, as PNG and PDF with captions."),
    ] = None,
    data: DataDir = DATA,
    mlflow: Annotated[
        bool, typer.Option("--mlflow", help="Read the runs from an MLflow server or database.")
    ] = False,
    tracking_uri: TrackingUri = None,
    experiment: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="With --mlflow: of this experiment; repeatable. "
                     "Default: all of cclcc's."),
    ] = None,
) -> None:
    """Compare finished runs: scores over seeds, differences from a baseline, verdicts."""
    chosen = choose_format(format, out)
    if search:
        if (layout or ablation or baseline or figures or quoted or all_metrics or costs or across
                or margin or mlflow or chosen == "html" or split != "test" or metric != "dice"):
            raise RunError("--search: stands alone beside --runs or --bundle, --out and any "
                           "--format but html; its scores are of the validation split")
        _report_search(runs, bundle or (), search, chosen, out)
        return
    if layout is None:
        layout = "ablation" if ablation and chosen != "html" else "rows"
    if not mlflow and (tracking_uri or experiment):
        raise RunError("--tracking-uri and --experiment say where --mlflow reads; add --mlflow")
    _check_options(
        layout, chosen,
        {"--metric": metric != "dice", "--baseline": baseline, "--all-metrics": all_metrics,
         "--costs": costs, "--figures": figures, "--quoted": quoted, "--margin": margin})

    from cclcc_cli.config.quoted import load_quoted
    from cclcc_cli.report.pages.comparison import Question

    if figures and figures.exists() and not figures.is_dir():
        raise RunError(f"--figures {figures}: is a file; give a folder")
    others = [load_quoted(path) for path in quoted or ()]
    judged = judged_metric(metric)
    question = Question(split, judged, baseline, across, all_metrics, costs, layout == "grid",
                        ablation, others, own_margin(margin, judged))
    server = Mlflow(tracking_uri, experiment or ()) if mlflow else None
    with open_source(runs, bundle or (), server, ablation) as source:
        if chosen == "html":
            _write_page(source, question, data, out, figures,
                        report_command(runs, bundle or (), server, question, quoted or (), out))
        elif layout == "ablation":
            _report_ablation(source, question, chosen, out)
        elif layout in ("spread", "ranks"):
            _report_tables(source, question, chosen, out, layout)
        elif layout == "costs":
            _report_costs(source, question, chosen, out)
        else:
            _report_rows(source, question, chosen, out, data, figures)


def _check_options(layout: Layout, format: Format, options: dict[str, object]) -> None:
    """Refuse what a layout or a format does not show.

    Raises:
        RunError: there is something of that kind.
    """
    given = [name for name, value in options.items() if value]

    def refuse(names: tuple[str, ...], what: str, way_out: str) -> None:
        if any(name in given for name in names):
            raise RunError(f"{what}; leave out {' and '.join((', '.join(names[:-1]), names[-1]))}, "
                           f"or {way_out}")

    if format == "html":
        if layout != "rows":
            raise RunError(f"--layout {layout}: an html page shows every layout; leave it out")
        return
    if layout == "grid":
        if format in ("csv", "json"):
            raise RunError("--layout grid: shows the judged score alone, as table, markdown or "
                           "latex; give one of these formats, or leave out the layout")
        refuse(("--all-metrics", "--costs"), "--layout grid: shows the judged score alone",
               "leave out the layout")
    if layout in ("spread", "ranks"):
        refuse(("--all-metrics", "--costs", "--figures", "--quoted", "--margin"),
               f"--layout {layout}: shows the judged score alone, without verdicts",
               "leave out the layout")
    if layout == "ablation":
        refuse(("--baseline", "--costs", "--figures", "--quoted"),
               "--layout ablation: its baseline is the ablation's own, and it has neither costs, "
               "figures nor what others did", "add --layout rows")
    if layout == "costs":
        refuse(("--baseline", "--metric", "--all-metrics", "--figures", "--quoted", "--margin"),
               "--layout costs: shows no scores", "add --costs to another layout")


def _report_search(
    runs: Path, bundles: Sequence[Path], search: str, format: Format, out: Path | None
) -> None:
    from cclcc_cli.report.pages.search import write_search_page

    with open_source(runs, bundles) as source:
        publish(write_search_page(source.root, search), source, format, out)


def _report_rows(
    source: Source, question: "Question", format: Format, out: Path | None, data: Path,
    figures: Path | None,
) -> None:
    from cclcc_cli.report.pages.comparison import write_page

    page = write_page(source.root, question)
    publish(page.sheet, source, format, out)
    if figures:
        from cclcc_cli.report.figures.gallery import draw_figures

        drawn = draw_figures(page.evidence, page.scores, question.split, data)
        write_figures(drawn, source, figures)
        for note in drawn.notes:
            console.note(f"note: {source.told(note)}")


def _report_ablation(
    source: Source, question: "Question", format: Format, out: Path | None
) -> None:
    from cclcc_cli.report.pages.ablation import write_ablation_page

    sheet = write_ablation_page(source.root, question.ablation, question.split, question.across,
                                question.all_metrics, question.metric, question.margin)
    publish(sheet, source, format, out)


def _report_tables(
    source: Source, question: "Question", format: Format, out: Path | None, layout: Layout
) -> None:
    """Another view of the evidence than a row per group."""
    from cclcc_cli.report.pages.comparison import write_rank_page, write_spread_page

    write = write_rank_page if layout == "ranks" else write_spread_page
    publish(write(source.root, question), source, format, out)


def _report_costs(
    source: Source, question: "Question", format: Format, out: Path | None
) -> None:
    from cclcc_cli.report.pages.comparison import gather
    from cclcc_cli.report.pages.costs import write_cost_page

    publish(write_cost_page(gather(source.root, question.ablation)), source, format, out)


def _write_page(
    source: Source, question: "Question", data: Path, out: Path | None, figures: Path | None,
    command: str,
) -> None:
    from cclcc_cli.report.pages.report import write_html

    made = write_html(source.root, question, data, command, source.notes)
    text = source.told(made.text)
    if out:
        write_out(out, text)
    else:
        console.show(text.removesuffix("\n"))
    if figures:
        write_figures(made.drawn, source, figures)
