"""Where ``cclcc report`` writes to."""

import io
import shlex
from collections.abc import Sequence
from contextlib import nullcontext, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cclcc_cli.cli import console
from cclcc_cli.cli.report_spelling import PAGES
from cclcc_cli.cli.source import Mlflow, Source
from cclcc_cli.errors import RunError
from cclcc_cli.wording import counted

if TYPE_CHECKING:
    from cclcc_cli.report.figures.figure import Drawn
    from cclcc_cli.report.pages.comparison import Question
    from cclcc_cli.report.tables.table import Sheet

Format = Literal["table", "markdown", "latex", "csv", "json"]
GridFormat = Literal["table", "markdown", "latex"]
_FORMAT_OF_SUFFIX: dict[str, Format] = {
    ".md": "markdown", ".tex": "latex", ".csv": "csv", ".json": "json",
}


def choose_format(format: Format | None, out: Path | None) -> Format:
    """What was asked for, or what the file's name promises.

    Raises:
        RunError: the two differ, or the name promises a page.
    """
    suffix = out.suffix.lower() if out else ""
    if suffix in PAGES:
        raise RunError(f"--out {out}: this command writes no page; 'cclcc report page {out}' does")
    promised = _FORMAT_OF_SUFFIX.get(suffix)
    if format and promised and format != promised:
        raise RunError(f"--out {out}: would hold a {format}; add --format {promised}")
    return format or promised or "table"


def page_command(
    runs: Path, bundles: Sequence[Path], mlflow: Mlflow | None, question: "Question",
    quoted: Sequence[Path], file: Path,
) -> str:
    """What makes the same page again; an address comes without its password."""
    from cclcc_cli.addresses import without_password
    from cclcc_cli.metrics.scores import MAIN, in_unit, metric_name

    words = ["cclcc", "report", "page", str(file)]
    if mlflow is None:
        words += [word for path in bundles for word in ("--bundle", str(path))] or [
            "--runs", str(runs)]
    else:
        words += ["--mlflow"]
        words += ["--tracking-uri", without_password(mlflow.uri)] if mlflow.uri else []
        words += [word for name in mlflow.experiments for word in ("--experiment", name)]
    words += ["--ablation", question.ablation] if question.ablation else []
    words += ["--split", question.split]
    words += [] if question.metric == MAIN else ["--metric", metric_name(question.metric)]
    words += ["--baseline", question.baseline] if question.baseline else []
    words += ["--across"] if question.across else []
    if question.margin:
        words += ["--margin", f"{in_unit(question.margin, question.metric):g}"]
    words += [word for path in quoted for word in ("--quoted", str(path))]
    return shlex.join(words)


def publish(sheet: "Sheet", source: Source, format: Format, out: Path | None) -> None:
    """Show tables, or write them; notes that the format does not hold go to stderr."""
    sheet = replace(sheet, notes=source.all_notes(sheet.notes))
    text = io.StringIO()
    with redirect_stdout(text) if out else nullcontext():
        _show(sheet, format)
    if out:
        write_out(out, text.getvalue())
    if format in ("table", "csv"):  # the others hold their notes
        for note in [*(sheet.sentences if format == "csv" else []), *sheet.notes]:
            console.note(f"note: {note}")


def _show(sheet: "Sheet", format: Format) -> None:
    if format != "table":
        from cclcc_cli.report.render.formats import FORMATS

        console.show(FORMATS[format](sheet).removesuffix("\n"))
        return
    from cclcc_cli.report.render.condense import condensed
    from cclcc_cli.report.render.terminal import for_terminal

    for table in sheet.tables:
        shown = for_terminal(table)
        if not console.fits(shown.columns, shown.rows):
            shown = for_terminal(condensed(table))
        console.show_table(shown.title, shown.columns, shown.rows, shown.num_keys)
        for sentence in table.sentences:
            console.show(sentence)


def write_figures(drawn: "Drawn", source: Source, folder: Path) -> None:
    """Write figures and say so."""
    from cclcc_cli.report.figures import folder as figures

    readable = replace(drawn, notes=[source.readable(note) for note in drawn.notes])
    figures.write_figures(readable, folder)
    console.note(f"drawn: {counted(len(drawn.figures), 'figure')} in {folder}")


def write_out(out: Path, text: str) -> None:
    """Write a report's text and say so.

    Raises:
        RunError: it cannot be written.
    """
    from cclcc_cli.files import write_atomic

    try:
        write_atomic(out, text.encode())
    except OSError as error:
        raise RunError(
            f"{out}: cannot be written ({error.strerror}); choose another file"
        ) from None
    console.note(f"written: {out}")
