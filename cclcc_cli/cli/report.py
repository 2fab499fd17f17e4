"""``cclcc report``."""

import io
import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cclcc_cli.cli import console
from cclcc_cli.cli.options import DATA, RUNS, DataDir, RunsDir, TrackingUri
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
    ablation: Annotated[
        str | None, typer.Option(metavar="NAME", help="The runs of this ablation alone.")
    ] = None,
    mlflow: Annotated[
        bool, typer.Option("--mlflow", help="Read the runs from an MLflow server or database.")
    ] = False,
    tracking_uri: TrackingUri = None,
    experiment: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="With --mlflow: of this experiment; may be repeated. "
                     "Default: all of cclcc's."),
    ] = None,
) -> None:
    """Compare finished runs: scores over seeds, differences from a baseline, what is noise."""
    chosen = _choose_format(format, out)
    grid = layout == "grid"
    if grid and (chosen in ("csv", "json", "html") or all_metrics or costs):
        raise RunError("--layout grid: shows Dice alone, as table, markdown or latex; leave out "
                       "--all-metrics and --costs, or the layout")

    if not mlflow and (tracking_uri or experiment):
        raise RunError("--tracking-uri and --experiment say where --mlflow reads; add --mlflow")

    from cclcc_cli.report.page import Question

    question = Question(split, baseline, across, all_metrics, costs, grid, ablation)
    source = _Mlflow(tracking_uri, experiment or ()) if mlflow else None
    with _run_folders(runs, source, ablation) as (root, left_out):
        _report(root, question, chosen, out, figures, data, left_out,
                _command(runs, source, question, out))


@dataclass(frozen=True)
class _Mlflow:
    """Where runs are read from, where that is no folder."""

    uri: str | None
    experiments: Sequence[str]


@contextmanager
def _run_folders(
    runs: Path, source: _Mlflow | None, ablation: str | None
) -> Iterator[tuple[Path, Sequence[str] | None]]:
    """Where run folders lie while this is open; from a server also what could not be laid there."""
    if source is None:
        yield runs, None
        return
    from cclcc_cli.experiments.mlflow_fetch import fetch_runs
    from cclcc_cli.experiments.mlflow_tracker import tracking_uri

    uri = tracking_uri(runs, source.uri)
    with TemporaryDirectory(prefix="cclcc-report-") as place:
        yield Path(place), fetch_runs(uri, Path(place), experiments=source.experiments,
                                      ablation=ablation)


def _report(
    root: Path, question: "Question", format: Format, out: Path | None, figures: Path | None,
    data: Path, left_out: Sequence[str] | None, command: str,
) -> None:
    from cclcc_cli.report.page import write_page

    page = write_page(root, question)
    # Where runs came from a server, a path is told as it was there.
    notes = [note.replace(f"{root}/", "") if left_out is not None else note
             for note in (*page.notes, *(left_out or ()))]
    page = replace(page, notes=notes)
    drawn = _draw(page, question.split, data) if figures or format == "html" else None
    text = io.StringIO()
    with redirect_stdout(text) if out else nullcontext():
        _show(page, format, drawn, question.split, command)
    if out:
        _write(out, text.getvalue())
    if figures and drawn:
        _write_figures(drawn, figures)
    if format in ("table", "csv"):  # the others hold their notes
        for note in [*(page.sentences if format == "csv" else []), *page.notes]:
            console.note(f"note: {note}")
    for note in drawn.notes if drawn and format != "html" else ():
        console.note(f"note: {note}")


def _choose_format(format: Format | None, out: Path | None) -> Format:
    """What was asked for, or what the file's name promises."""
    promised = _FORMAT_OF_SUFFIX.get(out.suffix.lower()) if out else None
    if format and promised and format != promised:
        raise RunError(f"--out {out}: would hold a {format}; add --format {promised}")
    return format or promised or "table"


def _command(
    runs: Path, source: _Mlflow | None, question: "Question", out: Path | None
) -> str:
    """What makes the same report again; an address comes without its password."""
    words = ["cclcc", "report"]
    if source is None:
        words += ["--runs", str(runs)]
    else:
        words += ["--mlflow"]
        words += ["--tracking-uri", re.sub(r"://[^/@\s]+@", "://...@", source.uri)] \
            if source.uri else []
        words += [word for name in source.experiments for word in ("--experiment", name)]
    words += ["--ablation", question.ablation] if question.ablation else []
    words += ["--split", question.split]
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
