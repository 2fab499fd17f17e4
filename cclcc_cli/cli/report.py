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
    from cclcc_cli.report.sheet import Sheet

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
        Literal["rows", "grid", "ablation", "costs"] | None,
        typer.Option(help="rows: an arm each (the default); grid: methods by number of labels, "
                     "Dice alone; ablation: the effect of each part (the default with "
                     "--ablation); costs: time, steps, images, memory."),
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
    grid = layout == "grid"
    if grid and (format in ("csv", "json") or all_metrics or costs):
        raise RunError("--layout grid: shows Dice alone, as table, markdown or latex; leave out "
                       "--all-metrics and --costs, or the layout")

    if search:
        if (layout or ablation or baseline or figures or quoted or all_metrics or costs or across
                or split != "test"):
            raise RunError("--search: stands alone beside --runs, --format and --out; its scores "
                           "are of the validation split")
        from cclcc_cli.report.search_page import write_search_page

        _publish(write_search_page(runs, search), format, out)
        return

    if (ablation and layout is None) or layout == "ablation":
        if baseline or costs or figures or quoted:
            raise RunError("--layout ablation: its baseline is the ablation's own, and it has "
                           "neither costs, figures nor what others did; leave out --baseline, "
                           "--costs, --figures and --quoted, or add --layout rows")
        from cclcc_cli.report.ablation_page import write_ablation_page

        _publish(write_ablation_page(runs, ablation, split, across, all_metrics), format, out)
        return

    if layout == "costs":
        if baseline or all_metrics or figures or quoted:
            raise RunError("--layout costs: shows no scores; leave out --baseline, --all-metrics, "
                           "--figures and --quoted, or add --costs to another layout")
        from cclcc_cli.report.cost_page import write_cost_page
        from cclcc_cli.report.page import gather

        _publish(write_cost_page(gather(runs, ablation)), format, out)
        return

    from cclcc_cli.config.quoted import load_quoted
    from cclcc_cli.report.page import Question, write_page

    others = [load_quoted(path) for path in quoted or ()]
    page = write_page(
        runs, Question(split, baseline, across, all_metrics, costs, grid, ablation, others))
    _publish(page.sheet, format, out)
    drawn_notes = _draw(page, split, data, figures) if figures else []
    for note in drawn_notes:
        console.note(f"note: {note}")


def _publish(sheet: "Sheet", format: Format, out: Path | None) -> None:
    """Show it, or write it; notes that the format does not hold go to stderr."""
    text = io.StringIO()
    with redirect_stdout(text) if out else nullcontext():
        _show(sheet, format)
    if out:
        _write(out, text.getvalue())
    if format in ("table", "csv"):  # the others hold their notes
        for note in [*(sheet.sentences if format == "csv" else []), *sheet.notes]:
            console.note(f"note: {note}")


def _show(sheet: "Sheet", format: Format) -> None:
    match format:
        case "table":
            for table in sheet.tables:
                console.show_table(table.title, table.layout.columns, table.marked_rows,
                                   table.layout.num_keys)
                for sentence in table.sentences:
                    console.show(sentence)
        case "markdown":
            console.show(sheet.markdown().removesuffix("\n"))
        case "latex":
            console.show(sheet.latex().removesuffix("\n"))
        case "csv":
            console.show(sheet.csv().removesuffix("\n"))
        case "json":
            console.show(sheet.json().removesuffix("\n"))


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
