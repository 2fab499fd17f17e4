"""A report as one HTML file: sentences first, then tables that sort, figures, methods, origins.

The file needs nothing else and may ask nobody: its policy forbids every request, and allows the
one script that it holds by that script's digest. What came with the runs is escaped.
"""

import hashlib
import struct
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from markupsafe import Markup

from cclcc_cli import __version__
from cclcc_cli.metrics.scores import MAIN, Metric, heading, metric_title, score_of
from cclcc_cli.report.figures.figure import Figure
from cclcc_cli.report.gather.details import GroupDetails, read_details
from cclcc_cli.report.pages.comparison import Page, Question
from cclcc_cli.report.pages.ranks import find_ranking, rank_table
from cclcc_cli.report.pages.spread import lay_out_spread, spread_sentence, strata_table
from cclcc_cli.report.prose.methods import write_methods
from cclcc_cli.report.render.html import Table, build_table
from cclcc_cli.report.render.templating import load_templates
from cclcc_cli.report.tables.details import lay_out_costs, lay_out_statistics
from cclcc_cli.report.tables.layouts import Layout, lay_out_grid, lay_out_rows
from cclcc_cli.report.tables.provenance import (
    find_origins,
    lay_out_runs,
    lay_out_software,
    lay_out_sources,
)
from cclcc_cli.report.tables.quoted import add_to_grid, add_to_rows, fitting
from cclcc_cli.report.tables.recipes import lay_out_differences
from cclcc_cli.report.tables.rows import shown_metrics

_DOTS = 150
"""Pixels of a figure to an inch of the page, fewer than it has, for screens with small ones."""
_WIDE = 720
"""Width on the page from which a figure has a row of its own."""
_BESIDE: tuple[Metric, ...] = (MAIN, ("working", "iou"))
"""So few beside the judged score that the verdict is seen."""
_LEGEND = ("Best in bold, second best underlined, among groups with the same data and labels; * "
           "better, † worse than the baseline after Holm's correction; neither where fewer than "
           "three seeds are shared. Click a heading to sort.")


@dataclass(frozen=True)
class Section:
    """A further table with what it says, such as an ablation's effects."""

    title: str
    layout: Layout
    sentences: Sequence[str] = ()


@dataclass(frozen=True)
class _Shown:
    anchor: str
    title: str
    sentences: Sequence[str]
    table: Table


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
    sections: Sequence[Section] = (),
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
    before = _main_sections(page, question, sections)
    after = _detail_sections(page, groups, question)
    return load_templates().get_template("report_page.html.j2").render(
        title=page.title, heading=_heading(groups), headline=_headline(page, groups),
        sentences=page.sentences, notes=[*page.notes, *notes, *problems],
        contents=_contents(before, figures, after), before=before, after=after,
        figures=[_picture(figure) for figure in figures],
        methods=write_methods(groups, split, [
            found.comparison for found in evidence if found.comparison], question.metric),
        differences=build_table("How recipes differ", lay_out_differences(groups)),
        provenance=[build_table("Data and splits", lay_out_sources(groups)),
                    build_table("Software and machines", lay_out_software(groups)),
                    build_table("Runs", lay_out_runs(groups))],
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
        (_span(seeds), "seeds per group"), (_span(images), "images judged"),
        (f"{sum(found.comparison is not None for found in page.evidence)}",
         "comparisons with a baseline"),
    ]


def _span(counts: Sequence[int]) -> str:
    """The smallest and the largest of sorted counts."""
    if not counts:
        return "none"
    ends = dict.fromkeys((counts[0], counts[-1]))
    return "\N{EN DASH}".join(map(str, ends))


def _main_sections(
    page: Page, question: Question, sections: Sequence[Section]
) -> list[_Shown]:
    evidence, split = page.evidence, question.split
    groups = [found.group for found in evidence]
    quoted = fitting(question.quoted, groups)
    metrics = tuple(dict.fromkeys((question.metric, *_BESIDE)))
    rows = add_to_rows(lay_out_rows(evidence, split, metrics, costs=False), quoted, metrics)
    shown = [Section("Scores", rows,
                     [f"{page.title}. {_LEGEND}"])]
    if len({found.group.place for found in evidence}) > 1:
        shown.append(Section(f"{metric_title(question.metric)} by labels", add_to_grid(
            lay_out_grid(evidence, split), quoted, groups, question.metric),
            [f"{heading(question.metric)}, a column for each number of labels."]))
    return [_show(section) for section in (*shown, *sections)]


def _detail_sections(
    page: Page, groups: Sequence[GroupDetails], question: Question
) -> list[_Shown]:
    evidence, split, metric = page.evidence, question.split, question.metric
    return [_show(section) for section in (
        Section("All scores", lay_out_rows(
            evidence, split, shown_metrics(metric, every=True), costs=False),
                ["Shares in %, distances in pixels."]),
        Section("Behind the verdicts", lay_out_statistics(evidence), [
            f"Spreads are standard deviations in {score_of(metric).difference_unit} of "
            f"{metric_title(metric)}: between images, between seeds, and what is left. "
            "p counts images and seeds; Wilcoxon and sign flips count images alone, before "
            f"correction. Smallest gain, in {score_of(metric).difference_unit}: the true "
            "difference that this design finds four times in five, if it alone is tested, now and "
            "with more seeds."
        ]),
        *_spread_sections(page, question),
        Section("Costs", lay_out_costs(groups), [
            "Per step: whole images through a network with a graph (learnt from) and without "
            "(judged). In all: the former over all steps."]),
    )]


def _spread_sections(page: Page, question: Question) -> list[Section]:
    """Beside the mean, by lesion size, and over data sets, where there are such."""
    evidence, split, metric = page.evidence, question.split, question.metric
    sections = [Section("Beside the mean", lay_out_spread(evidence, page.scores, page.dice),
                        [spread_sentence(metric)])]
    strata = strata_table(evidence, page.scores, split)
    if strata:
        sections.append(Section("By lesion size", strata.layout, strata.sentences))
    ranking = find_ranking(evidence, page.scores)
    if ranking and len(ranking.blocks) > 1:
        ranks = rank_table(evidence, page.scores, split)
        sections.append(Section("Ranks over data sets", ranks.layout, ranks.sentences))
    return sections


def _show(section: Section) -> _Shown:
    anchor = "".join(sign if sign.isalnum() else "-" for sign in section.title.lower())
    return _Shown(anchor, section.title, section.sentences,
                  build_table(section.title, section.layout))


def _contents(
    before: Sequence[_Shown], figures: Sequence[Figure], after: Sequence[_Shown]
) -> list[tuple[str, str]]:
    return [
        *((shown.anchor, shown.title) for shown in before),
        *([("figures", "Figures")] if figures else []),
        *((shown.anchor, shown.title) for shown in after),
        ("methods", "Methods"), ("provenance", "Provenance"),
    ]


def _picture(figure: Figure) -> _Picture:
    width, height = struct.unpack(">II", figure.png[16:24])  # of a PNG's header
    scale = 96 / _DOTS
    return _Picture(
        figure.title.rstrip("."), figure.caption, round(width * scale), round(height * scale),
        width * scale >= _WIDE, f"data:image/png;base64,{b64encode(figure.png).decode()}",
    )
