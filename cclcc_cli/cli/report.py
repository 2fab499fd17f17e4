"""``cclcc report``: the main table, and a command for each other view of the runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cclcc_cli.cli import console, report_views
from cclcc_cli.cli.help import Command, CommandGroup
from cclcc_cli.cli.option_groups import with_groups
from cclcc_cli.cli.options import DATA, OUTPUT, AllMetrics, DataDir, OnlyAblation
from cclcc_cli.cli.report_options import FiguresDir, OutFile, Reading, Weighing, Writing, ask
from cclcc_cli.cli.report_output import (
    Format,
    GridFormat,
    choose_format,
    page_command,
    publish,
    write_figures,
    write_out,
)
from cclcc_cli.cli.report_spelling import as_commands
from cclcc_cli.cli.source import Source
from cclcc_cli.errors import RunError

if TYPE_CHECKING:
    from cclcc_cli.report.pages.comparison import Question


class _ReportGroup(CommandGroup):
    """``cclcc report`` without a command is ``cclcc report table``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args[:1] == ["table"] and "--costs" in args:  # 0.1 had them in the main table
            args = args[1:]
        own = bool(args) and not args[0].startswith("-")
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
@with_groups
def table(
    reading: Reading,
    weighing: Weighing,
    writing: Writing,
    ablation: OnlyAblation = None,
    all_metrics: AllMetrics = False,
    figures: FiguresDir = None,
    data: DataDir = DATA,
) -> None:
    """Show the main table, a row for each group of runs.

    A group is the runs that differ by seed alone. Its row has mean and standard deviation over
    seeds, a 95 % interval, the difference from the baseline with its interval, p after Holm's
    correction, and a verdict.
    """
    chosen = choose_format(writing.format, writing.out)
    question = ask(weighing, ablation, all_metrics=all_metrics)
    with reading.open(ablation) as source:
        _publish_table(source, question, chosen, writing.out, figures, data)


@app.command(cls=Command, epilog="""
Examples:
  cclcc report grid --format latex
""")
@with_groups
def grid(
    reading: Reading,
    weighing: Weighing,
    ablation: OnlyAblation = None,
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
    question = ask(weighing, ablation, grid=True)
    with reading.open(ablation) as source:
        _publish_table(source, question, chosen, out, figures, data)


for view, example in (
    (report_views.ablation, "ablation small --metric iou"),
    (report_views.costs, "costs --format csv --out costs.csv"),
    (report_views.spread, "spread --baseline mean_teacher"),
    (report_views.ranks, "ranks --format markdown"),
    (report_views.search, "search small"),
):
    app.command(cls=Command, epilog=f"Examples:\n  cclcc report {example}")(view)


@app.command(cls=Command, epilog="""
Examples:
  cclcc report page
  cclcc report page study.html --ablation NAME
""")
@with_groups
def page(
    reading: Reading,
    weighing: Weighing,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The file to write; - is standard output.")
    ] = Path("report.html"),
    ablation: OnlyAblation = None,
    figures: FiguresDir = None,
    data: DataDir = DATA,
) -> None:
    """Write one HTML file with every table and figure.

    It opens offline, in any browser.
    """
    question = ask(weighing, ablation)
    with reading.open(ablation) as source:
        from cclcc_cli.report.pages.report import write_html

        command = page_command(reading.runs, reading.bundle or (), reading.server, question,
                               weighing.quoted or (), file)
        made = write_html(source.root, question, data, command, source.notes)
        text = source.readable(made.text)
        if str(file) == "-":
            console.show(text.removesuffix("\n"))
        else:
            write_out(file, text)
        if figures:
            write_figures(made.drawn, source, figures)


def _publish_table(
    source: Source, question: "Question", format: Format, out: Path | None,
    figures: Path | None, data: Path,
) -> None:
    from cclcc_cli.report.pages.comparison import write_page

    page = write_page(source.root, question)
    publish(page.sheet, source, format, out)
    if figures:
        from cclcc_cli.report.figures.gallery import draw_figures

        drawn = draw_figures(page.evidence, page.scores, question.split, data)
        write_figures(drawn, source, figures)
        for note in drawn.notes:
            console.note(f"note: {source.readable(note)}")
