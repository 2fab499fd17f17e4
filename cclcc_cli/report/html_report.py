"""A report as one HTML file, figures drawn: from run folders to text."""

from collections.abc import Sequence
from pathlib import Path

from cclcc_cli.report.figures.gallery import draw_figures
from cclcc_cli.report.html_page import Section, render_report
from cclcc_cli.report.page import Question, write_page


def write_html(
    root: Path,
    question: Question,
    data_root: Path,
    command: str,
    *,
    sections: Sequence[Section] = (),
) -> str:
    """Judge runs, draw what they show and put both into one file's text.

    Args:
        root: holds ``<data set>/<run>/``.
        question: what is asked.
        data_root: where stores lie, for pictures of cases.
        command: that makes the same again.
        sections: further tables.

    Raises:
        RunError: there is nothing to report, or it must not be compared.
    """
    page = write_page(root, question)
    drawn = draw_figures(page.evidence, page.scores, question.split, data_root)
    return render_report(page, question.split, command=command, sections=sections,
                         figures=drawn.figures, notes=drawn.notes)
