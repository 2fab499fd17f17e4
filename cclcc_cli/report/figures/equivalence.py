"""How many labels the supervised method would need to score as well as another with few.

A group's score is sought on the supervised curve: the mean over numbers of labels, straight
between what was measured when labels are on a logarithmic axis. It is never sought beyond the
fewest and the most labels that were measured, nor on a curve that gets worse through it or passes
it more than once.

**Interval.** It holds every number of labels at which the 95 % interval of the difference from the
supervised score holds 0. That interval is taken where the supervised method was measured (by the
default comparison of ``report.statistics``, each alone) and goes straight between; the deviation of
a weighted mean of two is at most the weighted mean of their deviations, so it is too wide there,
never too narrow.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from cclcc_cli.metrics.scores import gain
from cclcc_cli.report.evidence.stacks import Stack
from cclcc_cli.report.evidence.weigh import compare_images

Rung = tuple[int, Stack]
"""Labels of a supervised group, and scores of its images."""


@dataclass(frozen=True)
class Equivalence:
    """Where a group's score lies on the supervised curve.

    Attributes:
        labels: that supervised would need; None where ``obstacle`` says why that is not known.
        low: lower end of its 95 % interval; None where it lies below the fewest measured.
        high: upper end; None where it lies above the most measured.
        has_interval: False where one image gives none.
        obstacle: why there is no number.
    """

    labels: float | None
    low: float | None = None
    high: float | None = None
    has_interval: bool = True
    obstacle: str | None = None


def find_equivalence(group: Stack, ladder: Sequence[Rung]) -> Equivalence:
    """Seek a group's score on the supervised curve.

    Args:
        group: scores of its images.
        ladder: the supervised groups from few labels to many, at least two; of the same score.
    """
    labels, metric = [float(count) for count, _ in ladder], group.metric
    differences = [compare_images(group, scores) for _, scores in ladder]
    found = [each for each in differences if each is not None]
    if len(found) < len(differences):
        return Equivalence(None, obstacle="it shares no image with a supervised group")
    means = [gain(each.mean, metric) for each in found]
    crossings = _zeros(labels, means)
    if not crossings:
        beyond = "better" if means[0] > 0 else "worse"
        return Equivalence(None, obstacle=f"it scores {beyond} than all of the supervised curve")
    if len(crossings) > 1 or not means[0] >= 0 >= means[-1]:
        return Equivalence(None, obstacle="the supervised curve does not improve through its "
                           "score once")
    lows, highs = [each.low for each in found], [each.high for each in found]
    if None in lows or None in highs:
        return Equivalence(crossings[0], has_interval=False)
    ends = [sorted((gain(low, metric), gain(high, metric)))
            for low, high in zip(lows, highs, strict=True) if low is not None and high is not None]
    below, above = [low for low, _ in ends], [high for _, high in ends]
    return Equivalence(
        crossings[0],
        low=None if below[0] <= 0 else min(_zeros(labels, below), default=None),
        high=None if above[-1] >= 0 else max(_zeros(labels, above), default=None),
    )


def equivalence_text(
    name: str, labeled: int, of: int, found: Equivalence, ends: tuple[int, int]
) -> str:
    """As ``clcc with 5 % of the labels equals supervised with 12 % (95 % interval 9.1 to 17 %)``.

    Args:
        name: of the group.
        labeled: its labels.
        of: training images.
        found: where its score lies.
        ends: fewest and most labels of the supervised curve.
    """
    start = f"{name} with {_percent(labeled, of)} % of the labels"
    if found.labels is None:
        return f"{start}: no number, {found.obstacle}"
    text = f"{start} equals supervised with {_percent(found.labels, of)} %"
    if not found.has_interval:
        return f"{text} (no interval from one image)"
    low = f"below {_percent(ends[0], of)}" if found.low is None else _percent(found.low, of)
    high = f"above {_percent(ends[1], of)}" if found.high is None else _percent(found.high, of)
    return f"{text} (95 % interval {low} to {high} %)"


def _percent(labels: float, of: int) -> str:
    return f"{100 * labels / of:.3g}"


def _zeros(labels: Sequence[float], values: Sequence[float]) -> list[float]:
    """Where straight lines through values over the logarithm of labels are zero, ascending."""
    found = [labels[n] for n, value in enumerate(values) if value == 0]
    for n, (one, other) in enumerate(pairwise(values)):
        if one * other < 0:
            share = one / (one - other)
            start, end = math.log(labels[n]), math.log(labels[n + 1])
            found.append(math.exp(start + share * (end - start)))
    return sorted(found)
