"""``cclcc report``."""

import io
from collections.abc import Sequence
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cclcc_cli.cli import console
from cclcc_cli.cli.options import DATA, RUNS, DataDir, RunsDir
from cclcc_cli.errors import RunError

if TYPE_CHECKING:
    from cclcc_cli.report.gather import Split
    from cclcc_cli.report.page import Page

Format = Literal["table", "markdown", "latex", "csv", "json"]
_FORMAT_OF_SUFFIX: dict[str, Format] = {
    ".md": "markdown", ".tex": "latex", ".csv": "csv", ".json": "json",
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
        Format, typer.Option(help="csv and json hold numbers unrounded, scores as shares of 1.")
    ] = "table",
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
    if out:
        fitting = _FORMAT_OF_SUFFIX.get(out.suffix, format)
        if fitting != format:
            raise RunError(f"--out {out}: would hold a {format}; add --format {fitting}")
    if figures and figures.exists() and not figures.is_dir():
        raise RunError(f"--figures {figures}: is a file; give a folder")
    grid = layout == "grid"
    if grid and (format in ("csv", "json") or all_metrics or costs):
        raise RunError("--layout grid: shows Dice alone, as table, markdown or latex; leave out "
                       "--all-metrics and --costs, or the layout")

    from cclcc_cli.report.page import Question, write_page

    page = write_page(runs, Question(split, baseline, across, all_metrics, costs, grid))
    text = io.StringIO()
    with redirect_stdout(text) if out else nullcontext():
        _show(page, format)
    if out:
        _write(out, text.getvalue())
    drawn_notes = _draw(page, split, data, figures) if figures else []
    if format in ("table", "csv"):  # the others hold their notes
        for note in [*(page.sentences if format == "csv" else []), *page.notes]:
            console.note(f"note: {note}")
    for note in drawn_notes:
        console.note(f"note: {note}")


def _show(page: "Page", format: Format) -> None:
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


def _draw(page: "Page", split: "Split", data: Path, folder: Path) -> Sequence[str]:
    from cclcc_cli.report.figures.folder import write_figures
    from cclcc_cli.report.figures.gallery import draw_figures

    drawn = draw_figures(page.evidence, page.scores, split, data)
    write_figures(drawn, folder)
    console.note(f"drawn: {len(drawn.figures)} figures in {folder}")
    return drawn.notes


def _write(out: Path, text: str) -> None:
    from cclcc_cli.files import write_atomic

    try:
        write_atomic(out, text.encode())
    except OSError as error:
        raise RunError(
            f"--out {out}: cannot be written ({error.strerror}); choose another file"
        ) from None
    console.note(f"written: {out}")
