"""A report as one HTML file: sentences first, then tables that sort, figures, methods, origins.

The file needs nothing else and may ask nobody: its policy forbids every request, and allows the
one script that it holds by that script's digest. What came with the runs is escaped.
"""

import hashlib
import struct
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files

from markupsafe import Markup

from cclcc_cli import __version__
from cclcc_cli.metrics.scores import MAIN, Metric, heading, metric_title
from cclcc_cli.report.evidence.ranking import find_ranking
from cclcc_cli.report.figures.figure import Figure
from cclcc_cli.report.gather.details import GroupDetails, read_details
from cclcc_cli.report.pages.comparison import Page, Question
from cclcc_cli.report.prose.methods import write_methods
from cclcc_cli.report.render.html import load_templates
from cclcc_cli.report.tables.columns import shown_metrics
from cclcc_cli.report.tables.costs import build_cost_details
from cclcc_cli.report.tables.grid import build_grid
from cclcc_cli.report.tables.provenance import (
    build_runs,
    build_software,
    build_sources,
    find_origins,
)
from cclcc_cli.report.tables.quoted import add_to_grid, add_to_rows, fitting
from cclcc_cli.report.tables.ranks import build_ranks
from cclcc_cli.report.tables.recipes import build_differences
from cclcc_cli.report.tables.rows import build_rows
from cclcc_cli.report.tables.spread import build_spread
from cclcc_cli.report.tables.statistics import build_statistics
from cclcc_cli.report.tables.strata import build_strata
from cclcc_cli.report.tables.table import Table

_DOTS = 150
"""Pixels of a figure to an inch of the page, fewer than it has, for screens with small ones."""
_WIDE = 720
"""Width on the page from which a figure has a row of its own."""
_BESIDE: tuple[Metric, ...] = (MAIN, ("working", "iou"))
"""So few beside the primary score that the verdict is seen."""
_LEGEND = ("Best in bold, second best underlined, among groups with the same data and labels; * "
           "better, † worse than the baseline after Holm's correction; neither where fewer than "
           "three seeds are shared. Click a heading to sort.")


@dataclass(frozen=True)
class _Picture:
    title: str
    caption: str
    width: int
    height: int
    wide: bool
    address: str


def render_report(
    page: Page,
    question: Question,
    *,
    command: str,
    sections: Sequence[Table] = (),
    figures: Sequence[Figure] = (),
    notes: Sequence[str] = (),
) -> str:
    """The file as text.

    Args:
        page: what is compared and said.
        question: that it answers.
        command: that makes this file again.
        sections: further tables, between scores and figures.
        figures: in their order.
        notes: further ones, such as why a figure is missing.
    """
    evidence, split = page.evidence, question.split
    groups, problems = read_details([found.group for found in evidence])
    script = files("cclcc_cli.report").joinpath("templates/sort_tables.js").read_text("utf-8")
    before = [*_main_tables(page, question), *sections]
    after = _detail_tables(page, question)
    return load_templates().get_template("report_page.html.j2").render(
        title=page.table.title, heading=_heading(groups), headline=_headline(page, groups),
        sentences=page.table.sentences, notes=[*page.notes, *notes, *problems],
        contents=_contents(before, figures, after), before=before, after=after,
        figures=[_picture(figure) for figure in figures],
        methods=write_methods(groups, split, [
            found.comparison for found in evidence if found.comparison], question.metric),
        differences=build_differences(groups), anchor=_anchor,
        provenance=[build_sources(groups), build_software(groups), build_runs(groups)],
        origins=find_origins(groups), version=__version__, command=command,
        script=Markup(script), script_digest=_digest(script),
    )


def _digest(script: str) -> str:
    return b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _heading(groups: Sequence[GroupDetails]) -> str:
    data = list(dict.fromkeys(group.group.first.data for group in groups))
    more = f" and {len(data) - 3} more" if len(data) > 3 else ""
    return f"Segmentation on {', '.join(data[:3])}{more}"


def _headline(page: Page, groups: Sequence[GroupDetails]) -> list[tuple[str, str]]:
    runs = [run for group in groups for run in group.runs]
    images = sorted({found.estimate.num_images for found in page.evidence if found.estimate})
    seeds = sorted({len(group.group.seeds) for group in groups})
    return [
        (f"{len(groups)}", "groups"), (f"{len(runs):,}", "finished runs"),
        (_span(seeds), "seeds per group"), (_span(images), "images evaluated"),
        (f"{sum(found.comparison is not None for found in page.evidence)}",
         "comparisons with a baseline"),
    ]


def _span(counts: Sequence[int]) -> str:
    """The smallest and the largest of sorted counts."""
    if not counts:
        return "none"
    ends = dict.fromkeys((counts[0], counts[-1]))
    return "\N{EN DASH}".join(map(str, ends))


def _main_tables(page: Page, question: Question) -> list[Table]:
    evidence, split = page.evidence, question.split
    groups = [found.group for found in evidence]
    quoted = fitting(question.quoted, groups)
    metrics = tuple(dict.fromkeys((question.metric, *_BESIDE)))
    tables = [add_to_rows(build_rows(evidence, split, metrics, "Scores", sentences=[
        f"{page.table.title}. {_LEGEND}"]), quoted)]
    if len({group.place for group in groups}) > 1:
        tables.append(add_to_grid(build_grid(
            evidence, split, f"{metric_title(question.metric)} by labels",
            [f"{heading(question.metric)}, a column for each number of labels."]), quoted, groups))
    return tables


def _detail_tables(page: Page, question: Question) -> list[Table]:
    """All scores, then what stands behind verdicts and beside means, where there is such."""
    evidence, split = page.evidence, question.split
    tables = [
        build_rows(evidence, split, shown_metrics(question.metric, every=True), "All scores",
                   sentences=["Shares in %, distances in pixels."]),
        build_statistics(evidence),
        replace(build_spread(evidence, page.scores, page.dice, split), title="Beside the mean")]
    strata = build_strata(evidence, page.scores, split)
    if strata:
        tables.append(replace(strata, title="By lesion size"))
    ranking = find_ranking(evidence, page.scores)
    if ranking and len(ranking.blocks) > 1:
        tables.append(replace(build_ranks(evidence, page.scores, split),
                              title="Ranks over data sets"))
    return [*tables, build_cost_details([found.group for found in evidence])]


def _anchor(table: Table) -> str:
    return "".join(sign if sign.isalnum() else "-" for sign in table.title.lower())


def _contents(
    before: Sequence[Table], figures: Sequence[Figure], after: Sequence[Table]
) -> list[tuple[str, str]]:
    return [
        *((_anchor(table), table.title) for table in before),
        *([("figures", "Figures")] if figures else []),
        *((_anchor(table), table.title) for table in after),
        ("methods", "Methods"), ("provenance", "Provenance"),
    ]


def _picture(figure: Figure) -> _Picture:
    width, height = struct.unpack(">II", figure.png[16:24])  # of a PNG's header
    scale = 96 / _DOTS
    return _Picture(
        figure.title.rstrip("."), figure.caption, round(width * scale), round(height * scale),
        width * scale >= _WIDE, f"data:image/png;base64,{b64encode(figure.png).decode()}",
    )
