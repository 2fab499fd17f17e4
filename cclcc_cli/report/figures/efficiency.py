"""Label efficiency: the primary score over the share of labels, and what that saves."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import FixedLocator, NullLocator

from cclcc_cli.metrics.scores import heading, in_unit, metric_title, score_of
from cclcc_cli.report.evidence.stacks import stack_runs
from cclcc_cli.report.evidence.weigh import DEFAULT_BASELINE, Evidence, primary_metric
from cclcc_cli.report.figures.canvas import (
    BASELINE,
    BLUE,
    GREY,
    LOOKS,
    Look,
    quiet,
    render,
)
from cclcc_cli.report.figures.equivalence import (
    Equivalence,
    Rung,
    equivalence_text,
    find_equivalence,
)
from cclcc_cli.report.figures.figure import Figure
from cclcc_cli.report.figures.names import images_text, seeds_text, wrap
from cclcc_cli.report.figures.panels import MOST_PANELS, label_shared, panel_grid, single_plot
from cclcc_cli.report.gather.images import RunScores

_MOST_SENTENCES = 6
_TICK_WIDTH = 0.32
"""Inches, of a number below an axis."""
_DODGE = 0.025
"""How far lines stand aside from each other so that their intervals do not hide, in log labels."""


@dataclass(frozen=True)
class Series:
    """One method over numbers of labels, fewest first.

    Attributes:
        name: what the groups have in common.
        points: a group for each number of labels.
        equals: by number of labels, where the score lies on the supervised curve; empty for it.
    """

    name: str
    points: Sequence[Evidence]
    equals: Mapping[int, Equivalence]

    @property
    def is_supervised(self) -> bool:
        return self.points[0].group.first.method == DEFAULT_BASELINE

    @property
    def shares(self) -> list[float]:
        """Labels in % of the training images."""
        return [100 * p.group.first.labeled / p.group.first.train_images for p in self.points]


def build_series(
    evidence: Sequence[Evidence], scores: RunScores
) -> list[Series]:
    """One data set's groups as lines; the supervised one first.

    Groups of a method are a line where each has another number of labels; else those of a recipe;
    else each stands alone.
    """
    buckets = _lines([found for found in evidence if found.estimate])
    ladders = [points for points in buckets.values()
               if points[0].group.first.method == DEFAULT_BASELINE and len(points) > 1]
    ladder: list[Rung] = []
    if len(ladders) == 1:
        ladder = [(p.group.first.labeled, stack) for p in ladders[0]
                  if (stack := stack_runs(p.group.runs, scores))]
    series = [Series(name, points, _equals(points, ladder, scores))
              for name, points in buckets.items()]
    return sorted(series, key=lambda each: not each.is_supervised)


def statements(series: Sequence[Series]) -> list[str]:
    """For every group how many labels supervised would need, or why that is not known."""
    ends = _ends(series)
    return [equivalence_text(each.name, p.group.first.labeled, p.group.first.train_images,
                             each.equals[p.group.first.labeled], ends)
            for each in series for p in each.points if p.group.first.labeled in each.equals]


def draw_efficiency(
    evidence: Sequence[Evidence], scores: RunScores, split: str, suffix: str
) -> tuple[Figure | None, list[str]]:
    """The curve of one data set, or a note on why there is none.

    Args:
        evidence: groups on the same data.
        scores: of images, by run folder.
        split: whose images.
        suffix: of the name, where there are several data sets.
    """
    data = evidence[0].group.first.data
    series = build_series(evidence, scores)
    curves = [each for each in series if len(each.points) > 1]
    if not curves:
        return None, [f"no label-efficiency curve: {data} has no method with two numbers of "
                      "labels"]
    notes = []
    shown = [each for each in series if len(each.points) > 1 or each.equals]
    if len(shown) > MOST_PANELS:
        notes.append(f"the label-efficiency curve of {data} shows {MOST_PANELS} of {len(shown)} "
                     "methods, those with the most labels counts first")
        shown = sorted(shown, key=lambda s: (not s.is_supervised, -len(s.points)))[:MOST_PANELS]
    said = statements(shown)
    known = [text for text in said if "equals supervised" in text]
    points = [p for each in shown for p in each.points]
    caption = (
        f"{data}: mean {split} {metric_title(primary_metric(evidence))} over the share of training "
        f"images that keep their labels, with 95 % intervals over images and seeds "
        f"({seeds_text([p.group for p in points])}, {images_text(points, split)}). "
        f"{_sentences(known, len(said))}"
    )
    if not said:
        notes.append(f"{data}: how many labels supervised would need is not said: there are not "
                     "two numbers of labels with one supervised group each")
    return render(f"label-efficiency{suffix}", "Label efficiency", caption.strip(),
                  lambda: plot_efficiency(shown)), notes


def plot_efficiency(series: Sequence[Series]) -> Drawing:
    """Lines in one plot while they can be told apart, else a panel a method."""
    metric = primary_metric(series[0].points)
    supervised = [each for each in series if each.is_supervised]
    others = [each for each in series if not each.is_supervised]
    if len(others) <= len(LOOKS) and len(supervised) <= 1:
        drawing, axes, columns = single_plot([each.name for each in series], 2.3)
        looks = iter(LOOKS)
        for n, each in enumerate(series):
            look = BASELINE if each.is_supervised else next(looks)
            _plot(axes, each, look, _DODGE * (n - (len(series) - 1) / 2))
            if len(others) <= 2:
                _mark_equals(axes, each, look)
        axes.set_xlabel("labels, % of training images")
        axes.set_ylabel(heading(metric))
        drawing.legend(loc="outside lower center", ncols=columns, handlelength=3)
        every = [axes]
    else:
        drawing, panels = panel_grid(len(others), 1.45)
        for axes, each in zip(panels, others, strict=True):
            for base in supervised:
                _plot(axes, base, Look(GREY, (0, (3, 2)), ""), 0)
            _plot(axes, each, Look(BLUE, "-", "o"), 0)
            _mark_equals(axes, each, Look(BLUE, "-", "o"))
            axes.set_title(wrap(each.name, 24))
        label_shared(drawing, panels, "labels, % of training images (dashed: supervised)",
                     heading(metric))
        every = list(panels)
    shares = sorted({share for each in series for share in each.shares})
    for axes in every:
        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_locator(FixedLocator(_apart(shares, 2.7 if len(every) == 1 else 1.2)))
        axes.xaxis.set_major_formatter(lambda value, _place: f"{value:.3g}")
        bottom, top = axes.get_ylim()
        row = score_of(metric)
        axes.set_ylim(max(bottom, row.factor * row.low - 2),
                      top if row.high is None else min(top, row.factor * row.high + 2))
        quiet(axes)
    return drawing


def _plot(axes: Axes, series: Series, look: Look, aside: float) -> None:
    estimates = [p.estimate for p in series.points if p.estimate]
    unit = score_of(primary_metric(series.points)).factor
    means = np.array([unit * each.mean for each in estimates])
    reach = [
        [unit * (each.mean - (each.mean if each.low is None else each.low)) for each in estimates],
        [unit * ((each.mean if each.high is None else each.high) - each.mean)
         for each in estimates],
    ]
    axes.errorbar(np.array(series.shares) * np.exp(aside), means, yerr=np.maximum(reach, 0),
                  color=look.color, linestyle=look.dashes, marker=look.marker or None,
                  elinewidth=0.7, capsize=1.5, label=series.name)


def _mark_equals(axes: Axes, series: Series, look: Look) -> None:
    """A thin level line from each point to the supervised curve."""
    for point in series.points:
        found = series.equals.get(point.group.first.labeled)
        if found is None or found.labels is None or point.estimate is None:
            continue
        of = point.group.first.train_images
        axes.plot([100 * point.group.first.labeled / of, 100 * found.labels / of],
                  [in_unit(point.estimate.mean, point.metric)] * 2, color=look.color, linewidth=0.6,
                  linestyle=(0, (1, 1.5)), gid="equals")


def _lines(evidence: Sequence[Evidence]) -> dict[str, list[Evidence]]:
    by_method: defaultdict[str, list[Evidence]] = defaultdict(list)
    for found in evidence:
        by_method[found.group.first.method].append(found)
    lines: dict[str, list[Evidence]] = {}
    for method, bucket in by_method.items():
        if _climbs(bucket):
            lines[method] = bucket
            continue
        by_recipe: defaultdict[str, list[Evidence]] = defaultdict(list)
        for found in bucket:
            recipe = found.group.recipe
            by_recipe[recipe if method in recipe else f"{method} {recipe}"].append(found)
        for name, groups in by_recipe.items():
            if _climbs(groups):
                lines[name] = groups
            else:
                lines |= {f"{name} {found.group.digest}": [found] for found in groups}
    return {name: sorted(points, key=lambda p: p.group.first.labeled)
            for name, points in lines.items()}


def _climbs(bucket: Sequence[Evidence]) -> bool:
    """No number of labels twice."""
    return max(Counter(found.group.first.labeled for found in bucket).values()) == 1


def _equals(
    points: Sequence[Evidence], ladder: Sequence[Rung], scores: RunScores
) -> dict[int, Equivalence]:
    if not ladder or points[0].group.first.method == DEFAULT_BASELINE:
        return {}
    return {p.group.first.labeled: find_equivalence(stack, ladder) for p in points
            if (stack := stack_runs(p.group.runs, scores))}


def _ends(series: Sequence[Series]) -> tuple[int, int]:
    labeled = [p.group.first.labeled for each in series if each.is_supervised for p in each.points]
    return min(labeled, default=0), max(labeled, default=0)


def _sentences(known: Sequence[str], count: int) -> str:
    """As many statements as a caption bears, and how many groups have none."""
    parts = [f"{text}." for text in known[:_MOST_SENTENCES]]
    if len(known) > _MOST_SENTENCES:
        parts.append(f"{len(known) - _MOST_SENTENCES} more equivalences are not written out here.")
    if known:
        parts.append("Interpolated on the supervised curve over the logarithm of labels.")
    if count > len(known):
        parts.append(f"For {count - len(known)} of {count} groups there is no such number: their "
                     "score lies outside the supervised curve, or this does not improve "
                     "through it once.")
    return " ".join(parts)


def _apart(shares: Sequence[float], width: float) -> list[float]:
    """Those of the shares whose labels have room on a logarithmic axis of that many inches."""
    factor = (shares[-1] / shares[0]) ** (_TICK_WIDTH / width)
    kept: list[float] = []
    for share in reversed(shares):
        if not kept or kept[-1] / share >= factor:
            kept.append(share)
    return kept
