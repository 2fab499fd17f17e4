"""``cclcc report``."""

import io
import shlex
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cclcc_cli.cli import console
from cclcc_cli.cli.options import DATA, RUNS, DataDir, RunsDir
from cclcc_cli.errors import RunError

if TYPE_CHECKING:
    from cclcc_cli.report.figures.figure import Drawn
    from cclcc_cli.report.gather import Split
    from cclcc_cli.report.page import Page, Question

Format = Literal["table", "markdown", "latex", "csv", "json", "html"]
_FORMAT_OF_SUFFIX: dict[str, Format] = {
    ".md": "markdown", ".tex": "latex", ".csv": "csv", ".json": "json",
    ".html": "html", ".htm": "html",
}


def report(
    runs: RunsDir = RUNS,
    split: Annotated[Literal["test", "val"], typer.Option(help="Which split's scores.")] = "test",
    all_metrics: Annotated[
        bool, typer.Option("--all-metrics", help="Every score, not only Dice and IoU.")
    ] = False,
    costs: Annotated[
        bool, typer.Option("--costs", help="Weights, images through networks, speed, memory.")
    ] = False,
    baseline: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Method, recipe or arm that rows are compared with; "
                     "default: supervised with as many labels."),
    ] = None,
    across: Annotated[
        bool, typer.Option("--across", help="Compare runs whose data or evaluation differ.")
    ] = False,
    layout: Annotated[
        Literal["rows", "grid"],
        typer.Option(help="grid: methods by number of labels, Dice alone."),
    ] = "rows",
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
) -> None:
    """Compare finished runs: scores over seeds, differences from a baseline, what is noise."""
    chosen = _choose_format(format, out)
    grid = layout == "grid"
    if grid and (chosen in ("csv", "json", "html") or all_metrics or costs):
        raise RunError("--layout grid: shows Dice alone, as table, markdown or latex; leave out "
                       "--all-metrics and --costs, or the layout")

    from cclcc_cli.report.page import Question, write_page

    question = Question(split, baseline, across, all_metrics, costs, grid)
    page = write_page(runs, question)
    drawn = _draw(page, split, data) if figures or chosen == "html" else None
    text = io.StringIO()
    with redirect_stdout(text) if out else nullcontext():
        _show(page, chosen, drawn, split, _command(runs, question, out))
    if out:
        _write(out, text.getvalue())
    if figures and drawn:
        _write_figures(drawn, figures)
    if chosen in ("table", "csv"):  # the others hold their notes
        for note in [*(page.sentences if chosen == "csv" else []), *page.notes]:
            console.note(f"note: {note}")
    for note in drawn.notes if drawn and chosen != "html" else ():
        console.note(f"note: {note}")


def _choose_format(format: Format | None, out: Path | None) -> Format:
    """What was asked for, or what the file's name promises."""
    promised = _FORMAT_OF_SUFFIX.get(out.suffix.lower()) if out else None
    if format and promised and format != promised:
        raise RunError(f"--out {out}: would hold a {format}; add --format {promised}")
    return format or promised or "table"


def _command(runs: Path, question: "Question", out: Path | None) -> str:
    """What makes the same report again."""
    words = ["cclcc", "report", "--runs", str(runs), "--split", question.split]
    words += ["--baseline", question.baseline] if question.baseline else []
    words += ["--across"] if question.across else []
    return shlex.join([*words, "--format", "html", *(["--out", str(out)] if out else [])])


def _show(
    page: "Page", format: Format, drawn: "Drawn | None", split: "Split", command: str
) -> None:
    match format:
        case "table":
            console.show_table(page.title, page.layout.columns, page.marked_rows,
                               page.layout.num_keys)
            for sentence in page.sentences:
                console.show(sentence)
        case "markdown":
            console.show(page.markdown().removesuffix("\n"))
        case "latex":
            console.show(page.latex().removesuffix("\n"))
        case "csv":
            console.show(page.csv().removesuffix("\n"))
        case "json":
            console.show(page.json().removesuffix("\n"))
        case "html":
            from cclcc_cli.report.html_page import render_report

            console.show(render_report(
                page, split, command=command, figures=drawn.figures if drawn else (),
                notes=drawn.notes if drawn else ()))


def _draw(page: "Page", split: "Split", data: Path) -> "Drawn":
    from cclcc_cli.report.figures.gallery import draw_figures

    return draw_figures(page.evidence, page.scores, split, data)


def _write_figures(drawn: "Drawn", folder: Path) -> None:
    from cclcc_cli.report.figures.folder import write_figures

    write_figures(drawn, folder)
    console.note(f"drawn: {len(drawn.figures)} figures in {folder}")


def _write(out: Path, text: str) -> None:
    from cclcc_cli.files import write_atomic

    try:
        write_atomic(out, text.encode())
    except OSError as error:
        raise RunError(
            f"--out {out}: cannot be written ({error.strerror}); choose another file"
        ) from None
    console.note(f"written: {out}")
