"""A report as one HTML file, figures drawn: from run folders to text."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cclcc_cli.errors import RunError
from cclcc_cli.report.figures.figure import Drawn
from cclcc_cli.report.figures.gallery import draw_figures
from cclcc_cli.report.pages.ablation import write_ablation_page
from cclcc_cli.report.pages.comparison import Page, Question, write_page
from cclcc_cli.report.pages.html import render_report
from cclcc_cli.report.tables.table import Table


@dataclass(frozen=True)
class HtmlReport:
    """The file's text, and the figures in it."""

    text: str
    drawn: Drawn


def write_html(
    root: Path, question: Question, data_root: Path, command: str, notes: Sequence[str] = ()
) -> HtmlReport:
    """Compare runs, draw what they show and put all into one file's text.

    Args:
        root: holds ``<data set>/<run>/``.
        question: what is asked; of an ablation, what each of its parts does is shown as well.
        data_root: where stores lie, for pictures of cases.
        command: that makes the same again.
        notes: further ones.

    Raises:
        RunError: there is nothing to report, or it must not be compared.
    """
    sections: Sequence[Table] = ()
    if question.ablation:
        sections = write_ablation_page(
            root, question.ablation, question.split, question.across, all_metrics=False,
            metric=question.metric, margin=question.margin).tables
    page = _write_page(root, question)
    drawn = draw_figures(page.evidence, page.scores, question.split, data_root)
    text = render_report(page, question, command=command, sections=sections,
                         figures=drawn.figures, notes=[*notes, *drawn.notes])
    return HtmlReport(text, drawn)


def _write_page(root: Path, question: Question) -> Page:
    try:
        return write_page(root, question)
    except RunError:
        if not question.ablation:
            raise
        # The ablation's own check has passed: what differs is what it varies. The title says so.
        return write_page(root, replace(question, across=True))
