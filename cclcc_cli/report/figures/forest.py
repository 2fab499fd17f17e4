"""Effects at a glance: each group's difference from its baseline, its interval and verdict."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure as Drawing
from matplotlib.transforms import blended_transform_factory

from cclcc_cli.metrics.scores import gain, in_unit, metric_title, score_of
from cclcc_cli.report.evidence.verdicts import Comparison, Verdict
from cclcc_cli.report.evidence.weigh import Evidence, primary_metric
from cclcc_cli.report.figures.canvas import (
    BLUE,
    DOUBLE,
    GREY,
    PALE,
    VERMILLION,
    new_drawing,
    quiet,
    render,
)
from cclcc_cli.report.figures.figure import Figure
from cclcc_cli.report.figures.names import group_names, images_text, place_text, seeds_text
from cclcc_cli.report.gather.groups import Group
from cclcc_cli.report.prose.evidence import rules_text
from cclcc_cli.report.prose.numbers import (
    points_text,
    used_p_text,
    verdict_text,
)

MOST_ROWS = 40
_MARKS: dict[Verdict, tuple[str, str, bool]] = {
    "better": ("^", BLUE, True), "worse": ("v", VERMILLION, True),
    "equivalent": ("s", GREY, True), "undecided": ("o", GREY, False),
    "estimate only": ("d", GREY, False), "these two trainings": ("x", GREY, False),
}
"""Marker, colour, and whether it is filled."""


@dataclass(frozen=True)
class ForestRow:
    """One line of the plot: a heading, or a group that was compared."""

    name: str
    comparison: Comparison | None = None


def forest_rows(evidence: Sequence[Evidence]) -> list[ForestRow]:
    """Groups by place and baseline, the largest difference first, below a heading for each."""
    buckets: dict[tuple[tuple[str, int], str], list[tuple[Group, Comparison]]] = {}
    for found in evidence:
        if found.comparison:
            key = (found.group.place, found.comparison.baseline.first.group)
            buckets.setdefault(key, []).append((found.group, found.comparison))
    rows: list[ForestRow] = []
    for (place, _), bucket in buckets.items():
        baseline = bucket[0][1].baseline
        groups = [found.group for found in evidence if found.group.place in (place, baseline.place)]
        names = group_names([group for group in groups if group.first.data == place[0]])
        other = "" if baseline.place == place else f" with {baseline.first.labeled} labels"
        rows.append(ForestRow(
            f"{place_text(place)}, difference from {names[baseline.first.group]}{other}"))
        ordered = sorted(bucket, key=lambda each: -gain(
            each[1].difference.mean, each[1].metric))
        rows += [ForestRow(names[group.first.group], comparison) for group, comparison in ordered]
    return rows


def draw_forest(evidence: Sequence[Evidence], split: str) -> tuple[Figure | None, list[str]]:
    """The figure, or a note on why there is none; a note on rows that have no room as well."""
    compared = [found for found in evidence if found.comparison]
    if not compared:
        return None, ["no forest plot: no group is compared with a baseline"]
    chosen, notes, metric = compared, [], primary_metric(evidence)
    if len(compared) > MOST_ROWS:
        chosen = sorted(compared, key=_size, reverse=True)[:MOST_ROWS]
        notes = [f"the forest plot shows the {MOST_ROWS} largest of {len(compared)} differences"]
    kept = {found.group.first.group for found in chosen}
    rows = forest_rows([found for found in evidence
                        if not found.comparison or found.group.first.group in kept])
    sides = [group for found in chosen if found.comparison
             for group in (found.group, found.comparison.baseline)]
    comparisons = [found.comparison for found in compared if found.comparison]
    caption = " ".join([
        f"Difference in mean {split} {metric_title(metric)} from the baseline, in "
        f"{score_of(metric).difference_unit}, with its interval "
        f"({seeds_text(sides)}, {images_text(chosen, split)}). Triangles up: better, down: worse, "
        "squares: equivalent, circles: undecided, diamonds: estimate only, crosses: these two "
        "trainings. The band is the margin.", *rules_text(comparisons),
        *([f"The {MOST_ROWS} largest of {len(compared)} differences are shown."] if notes else [])])
    figure = render("effects", "Differences from the baseline", caption, lambda: plot_forest(rows))
    return figure, notes


def plot_forest(rows: Sequence[ForestRow]) -> Drawing:
    """Rows from top to bottom, in the score's unit; numbers and verdicts in words beside them."""
    metric = next(row.comparison.metric for row in rows if row.comparison)
    drawing = new_drawing(DOUBLE, 0.6 + 0.17 * len(rows))
    axes = drawing.add_subplot()
    beside = blended_transform_factory(axes.transAxes, axes.transData)
    for height, row in enumerate(rows):
        if row.comparison is None:
            axes.text(0, height, row.name, transform=beside, va="center", ha="left",
                      fontweight="bold", bbox={"color": "white", "pad": 1}, zorder=4)
            continue
        found = row.comparison.difference
        marker, color, filled = _MARKS[row.comparison.verdict]
        low, high = row.comparison.low, row.comparison.high
        if low is not None and high is not None:
            axes.plot([in_unit(low, metric), in_unit(high, metric)], [height] * 2, color=color,
                      solid_capstyle="butt", gid="interval")
        axes.plot([in_unit(found.mean, metric)], [height], marker, color=color, markersize=4.5,
                  markerfacecolor=color if filled else "white", gid="mean")
        p = used_p_text(row.comparison)
        words = [points_text(row.comparison), *([f"p {p}"] if p else []),
                 verdict_text(row.comparison)]
        axes.text(1.01, height, "   ".join(words), transform=beside, va="center", ha="left")
    margin = max(in_unit(row.comparison.margin, metric) for row in rows if row.comparison)
    axes.axvspan(-margin, margin, color=PALE, alpha=0.5, linewidth=0, zorder=0, gid="margin")
    axes.axvline(0, color=GREY, linewidth=0.8, zorder=1)
    for height, row in enumerate(rows):
        if row.comparison is None and height:
            axes.axhline(height - 0.5, color=PALE, linewidth=0.6)
    axes.set_yticks([height for height, row in enumerate(rows) if row.comparison],
                    [row.name for row in rows if row.comparison])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlabel(f"difference in {metric_title(metric)}, {score_of(metric).difference_unit}")
    axes.spines["left"].set_visible(False)
    quiet(axes, "x")
    return drawing


def _size(found: Evidence) -> float:
    return abs(found.comparison.difference.mean) if found.comparison else 0.0
