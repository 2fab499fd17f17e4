"""Verdicts on differences, each by itself or as a declared family."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cclcc_cli.metrics.scores import MAIN, Metric, gain, score_of
from cclcc_cli.report.evidence.findings import LEVEL, Difference
from cclcc_cli.report.gather.groups import Group

Verdict = Literal["better", "worse", "equivalent", "undecided", "estimate only",
                  "these two trainings"]
"""The last two are no verdicts: two seeds (or folds) allow an estimate; one seed says something of
the trainings alone, whichever methods they are of."""

DEFAULT_MARGIN = 2.0
"""Within which a difference counts as none, as it is shown: points of a share, pixels of a
distance."""
EQUIVALENCE_LEVEL = 0.1
"""The 90 % interval must lie within the margin: two one-sided tests at 5 %."""


@dataclass(frozen=True)
class BaselinePair:
    """A group's difference from its baseline, by itself.

    Attributes:
        baseline: what it is compared with.
        difference: on the images and seeds that both have.
        left_over: seeds that only one side has, and that the comparison leaves out.
    """

    baseline: Group
    difference: Difference
    left_over: tuple[int, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """What a group's difference from its baseline amounts to.

    Attributes:
        baseline: as in ``BaselinePair``, like ``difference`` and ``left_over``.
        family: how many comparisons share a correction, this one included; 0: it stands outside
            any family, and p and interval are its own.
        p: corrected by Holm over the family.
        p_wilcoxon: likewise.
        p_sign_flip: likewise.
        low: of the interval that holds with the family's others at once in 95 %: each alone has
            the level 1 - 5 % / family (Bonferroni), at least as wide as Holm's p asks for.
        high: upper end of the same.
        margin: within which a difference counts as none, in the score's own unit (a share of 1,
            or pixels).
        within_margin: the 90 % interval of this comparison alone lies within the margin.
        verdict: significance goes first: a difference that is significant and within the margin
            is better or worse, and both are said.
        metric: which score.
    """

    baseline: Group
    difference: Difference
    left_over: tuple[int, ...]
    family: int
    p: float
    p_wilcoxon: float
    p_sign_flip: float
    low: float | None
    high: float | None
    margin: float
    within_margin: bool
    verdict: Verdict
    metric: Metric = MAIN

    @property
    def significant(self) -> bool:
        """Compared in a family, and beyond chance there."""
        return self.family > 0 and self.verdict in ("better", "worse")


def default_margin(metric: Metric) -> float:
    """In the score's own unit."""
    return DEFAULT_MARGIN / score_of(metric).factor


def reach_verdicts(
    pairs: Sequence[BaselinePair], margin: float | None = None, metric: Metric = MAIN, *,
    declared: bool = True,
) -> list[Comparison]:
    """Verdicts on pairs as one family; with one or two seeds they stand outside, without verdict.

    Args:
        pairs: a baseline and its variants.
        margin: within which a difference counts as none, in the score's own unit; None for the
            default.
        metric: which score.
        declared: they are a family; else each stands by itself.
    """
    members = [n for n, pair in enumerate(pairs) if pair.difference.allows_verdict and declared]
    corrected = {name: dict(zip(members, holm(np.array(
        [getattr(pairs[n].difference, name) for n in members])).tolist(), strict=True))
        for name in ("p", "p_wilcoxon", "p_sign_flip")}
    margin = default_margin(metric) if margin is None else margin
    comparisons = []
    for n, pair in enumerate(pairs):
        found = pair.difference
        family = len(members) if n in members else 0
        p, wilcoxon, sign_flip = (
            own.get(n, getattr(found, name)) for name, own in corrected.items())
        low, high = found.interval(LEVEL / max(family, 1))
        within = _within(found, margin)
        comparisons.append(Comparison(
            pair.baseline, found, pair.left_over, family, p, wilcoxon, sign_flip, low, high,
            margin, within, _verdict(found, p, within, metric), metric))
    return comparisons


def holm(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Holm's correction: below ``LEVEL`` only where no more than that share of families errs.

    Args:
        p_values: of all comparisons that are made, any order, ``(K,)``.
    """
    count = len(p_values)
    order = np.argsort(p_values, kind="stable")
    corrected = np.empty(count)
    corrected[order] = np.maximum.accumulate(p_values[order] * np.arange(count, 0, -1))
    return np.minimum(corrected, 1.0)


def _within(found: Difference, margin: float) -> bool:
    low, high = found.interval(EQUIVALENCE_LEVEL)
    return (found.allows_verdict and low is not None and high is not None
            and -margin < low and high < margin)


def _verdict(found: Difference, p: float, within_margin: bool, metric: Metric) -> Verdict:
    if found.num_repetitions == 1:
        return "these two trainings"
    if not found.allows_verdict:
        return "estimate only"
    if p < LEVEL:
        return "better" if gain(found.mean, metric) > 0 else "worse"
    return "equivalent" if within_margin else "undecided"
