"""What a mean hides: how scores spread over images, how often a run fails, and on which lesions."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from cclcc_cli.metrics.scores import gain
from cclcc_cli.report.evidence.stacks import Stack
from cclcc_cli.report.gather.images import ImageValues

FAILURE = 0.5
"""Dice below which an image counts as failed."""
WORST = 0.1
"""The share of images, rounded up, whose mean is that of the worst."""
NO_LESION = "no lesion"
STRATA = ("small", "medium", "large")


@dataclass(frozen=True)
class Spread:
    """A group's images beside their mean; each is taken within a run, then averaged over runs.

    Attributes:
        median: over images, in the score's own unit (shares of 1, pixels), as are the others.
        lower: first quartile.
        upper: third quartile.
        worst_tenth: mean of the worst tenth of the images.
        failures: share of images with Dice below ``FAILURE``; None where Dice is not known.
    """

    median: float
    lower: float
    upper: float
    worst_tenth: float
    failures: float | None


@dataclass(frozen=True)
class Strata:
    """A data set's images by the size of their lesion.

    Attributes:
        cuts: the terciles of the lesions' shares of the image; small is up to the first, large
            above the second.
        stems: by stratum, in the order of ``STRATA``; images without a lesion stand apart, last.
    """

    cuts: tuple[float, float]
    stems: Mapping[str, tuple[str, ...]]


def measure_spread(scores: Stack, dice: Stack | None) -> Spread:
    """Spread over images; of several folds the mean of theirs.

    Args:
        scores: the primary score.
        dice: of the same images at the same size.
    """
    spreads = [_of_fold(found.images, dice.folds[fold].images if dice and fold in dice.folds
                        else None) for fold, found in scores.folds.items()]
    failures = [each.failures for each in spreads if each.failures is not None]
    median, lower, upper, worst = (fmean(getattr(each, name) for each in spreads)
                                   for name in ("median", "lower", "upper", "worst_tenth"))
    return Spread(median, lower, upper, worst, fmean(failures) if failures else None)


def _of_fold(scores: ImageValues, dice: ImageValues | None) -> Spread:
    lower, median, upper = np.quantile(scores.values, (0.25, 0.5, 0.75), axis=1).mean(axis=1)
    count = math.ceil(WORST * scores.values.shape[1])
    ordered = np.sort(scores.values, axis=1)
    worst = ordered[:, :count] if gain(1, scores.metric) > 0 else ordered[:, -count:]
    return Spread(float(median), float(lower), float(upper), float(worst.mean()),
                  None if dice is None else float((dice.values < FAILURE).mean()))


def collect_foreground(scores: Sequence[ImageValues]) -> dict[str, float]:
    """Each image's lesion as a share of the image, from whichever table holds it."""
    found: dict[str, float] = {}
    for each in scores:
        if each.foreground is not None:
            found.update(zip(each.stems, each.foreground.tolist(), strict=True))
    return found


def cut_strata(foreground: Mapping[str, float]) -> Strata | None:
    """Terciles of lesion size over images; None where no image has a lesion of known size."""
    sizes = {stem: share for stem, share in foreground.items() if share > 0}
    if not sizes:
        return None
    first, second = (float(cut) for cut in np.quantile(list(sizes.values()), (1 / 3, 2 / 3)))
    stems: dict[str, list[str]] = {name: [] for name in STRATA}
    for stem, share in sizes.items():
        stems["small" if share <= first else "medium" if share <= second else "large"].append(stem)
    without = [stem for stem in foreground if stem not in sizes]
    if without:
        stems[NO_LESION] = without
    return Strata((first, second), {name: tuple(found) for name, found in stems.items()})
