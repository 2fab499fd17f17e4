"""Image by image against the baseline: where a mean difference comes from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from cclcc_cli.metrics.scores import gain, heading, metric_title, score_of
from cclcc_cli.report.evidence.stacks import share_images, stack_runs
from cclcc_cli.report.evidence.verdicts import Comparison
from cclcc_cli.report.evidence.weigh import Evidence, primary_metric
from cclcc_cli.report.figures.canvas import BLUE, GREY, SKY, VERMILLION, quiet, render
from cclcc_cli.report.figures.figure import Figure
from cclcc_cli.report.figures.names import group_names, images_text, seeds_text, wrap
from cclcc_cli.report.figures.panels import choose_compared, label_shared, panel_grid
from cclcc_cli.report.gather.images import RunScores
from cclcc_cli.report.prose.numbers import verdict_text

_BINS = 31
"""Odd, so that equal images fall into a bin of their own about 0."""
_MANY = 500
"""Points above which a PDF holds a picture of them."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """A score of the same images by a group and by its baseline, means over seeds."""

    name: str
    group: NDArray[np.float64]
    baseline: NDArray[np.float64]
    comparison: Comparison

    @property
    def differences(self) -> NDArray[np.float64]:
        return self.group - self.baseline

    @property
    def counts(self) -> str:
        """On how many images the group is better and worse."""
        up = gain(1, self.comparison.metric)
        better, worse = (int((sign * self.differences > 0).sum()) for sign in (up, -up))
        return f"{better} better, {worse} worse"


def pair_images(
    evidence: Sequence[Evidence], scores: RunScores
) -> list[Pairs]:
    """For each compared group the images, and means over the seeds, that both sides have."""
    everyone = [found.group for found in evidence]
    everyone += [found.comparison.baseline for found in evidence if found.comparison]
    names = group_names(list({group.first.group: group for group in everyone}.values()))
    pairs = []
    for found in evidence:
        if found.comparison is None:
            continue
        sides = [stack_runs(group.runs, scores)
                 for group in (found.group, found.comparison.baseline)]
        own, other = share_images([side for side in sides if side])
        pairs.append(Pairs(names[found.group.first.group], own, other, found.comparison))
    return pairs


def draw_paired(
    evidence: Sequence[Evidence], scores: RunScores, split: str, suffix: str,
    place: str,
) -> list[Figure]:
    """Scatter and histogram of one place's comparisons; none where nothing is compared.

    Args:
        evidence: groups with the same data and labels.
        scores: of images, by run folder.
        split: whose images.
        suffix: of the names, where there are several places.
        place: in words.
    """
    chosen, left_out = choose_compared(evidence)
    if not chosen:
        return []
    pairs = pair_images(chosen, scores)
    baseline = chosen[0].comparison.baseline if chosen[0].comparison else chosen[0].group
    names = group_names([found.group for found in evidence])
    name = names.get(baseline.first.group, baseline.recipe)
    said = (f" ({place}; means over {seeds_text([found.group for found in chosen] + [baseline])}, "
            f"{images_text(chosen, split)})")
    metric = primary_metric(evidence)
    title, side = metric_title(metric), "Above" if score_of(metric).more_is_better else "Below"
    rest = f" Shown: {left_out}." if left_out else ""
    return [
        render(f"paired-scatter{suffix}", "Image by image against the baseline",
               f"{title} of each {split} image by each group against that by {name}{said}. "
               f"{side} the line the group is better.{rest}", lambda: plot_scatter(pairs, name)),
        render(f"paired-differences{suffix}", "Differences by image",
               f"Each {split} image's difference in {title} from {name}{said}, in "
               f"{score_of(metric).difference_unit}. The solid line is the mean, the band its "
               f"interval as in the table, the dashed line no difference."
               f"{rest}", lambda: plot_histogram(pairs, name)),
    ]


def plot_scatter(pairs: Sequence[Pairs], baseline: str) -> Drawing:
    """A point an image, in the score's unit, a panel a group."""
    metric = pairs[0].comparison.metric
    unit = score_of(metric).factor
    drawing, panels = panel_grid(len(pairs), 1.9)
    values = np.concatenate([side for each in pairs for side in (each.group, each.baseline)])
    margin = max(2 / unit, 0.03 * float(np.ptp(values)))
    low, high = unit * (values.min() - margin), unit * (values.max() + margin)
    for axes, each in zip(panels, pairs, strict=True):
        axes.axline((low, low), slope=1, color=GREY, linewidth=0.8, zorder=1)
        axes.plot(unit * each.baseline, unit * each.group, "o", color=BLUE, markersize=2.2,
                  markeredgewidth=0, alpha=0.55, rasterized=len(each.group) > _MANY, gid="images")
        axes.set_title(f"{wrap(each.name, 24)}\n{each.counts}")
        axes.set_aspect("equal")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axes.set_xlim(low, high)
        axes.set_ylim(low, high)
        quiet(axes, "both")
    label_shared(drawing, panels, f"{heading(metric)} of {baseline}",
                 f"{heading(metric)} of the group")
    return drawing


def plot_histogram(pairs: Sequence[Pairs], baseline: str) -> Drawing:
    """How many images differ by how much, a panel a group."""
    metric = pairs[0].comparison.metric
    unit = score_of(metric).factor
    drawing, panels = panel_grid(len(pairs), 1.35)
    widest = max(1.0, *(unit * float(np.abs(each.differences).max()) for each in pairs))
    edges = np.linspace(-widest, widest, _BINS + 1)
    for axes, each in zip(panels, pairs, strict=True):
        counts, _ = np.histogram(unit * each.differences, edges)
        axes.stairs(counts, edges, fill=True, color=SKY, gid="images")
        found, low, high = each.comparison.difference, each.comparison.low, each.comparison.high
        if low is not None and high is not None:
            axes.axvspan(unit * low, unit * high, color=VERMILLION, alpha=0.3,
                         linewidth=0, gid="interval")
        axes.axvline(unit * found.mean, color=VERMILLION, linewidth=1, gid="mean")
        axes.axvline(0, color=GREY, linewidth=0.8, linestyle=(0, (3, 2)))
        axes.set_title(f"{wrap(each.name, 24)}\n{unit * found.mean:+.2f}, "
                       f"{verdict_text(each.comparison)}")
        quiet(axes)
    label_shared(drawing, panels, f"difference in {metric_title(metric)} from {baseline}, "
                 f"{score_of(metric).difference_unit}", "images")
    return drawing
