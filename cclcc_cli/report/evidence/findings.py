"""What statistics find: estimates and differences, with their intervals and what they rest on."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from cclcc_cli.report.evidence.variance import Noise, half_width

Pairing = Literal["seeds", "label subsets", "folds", "none"]
"""What the groups of a comparison share and repeat; with ``none`` their images alone."""
LEVEL = 0.05
"""Of error: intervals hold 95 %, and p below it is a difference."""
POWER = 0.8
"""The chance to find the smallest detectable gain."""
SEEDS_AHEAD = (5, 10, 20)
"""Numbers of seeds for which the smallest detectable gain is reported."""
FEWEST_SEEDS = 3
"""That allow a verdict."""
Bounds = tuple[float | None, float | None]
"""The least and the most that something can be; None where nothing bounds it."""


@dataclass(frozen=True)
class Estimate:
    """The mean of a group and what varies about it.

    Attributes:
        mean: over images and seeds.
        std: of the seeds' means, n - 1; None for one seed.
        low: of the 95 % interval, within the score's range; None for one image.
        high: upper end of the same.
        num_seeds: or label subsets, or folds.
        image_std: between images, apart from what seeds make of them; with one seed, all of it.
        seed_std: between seeds, apart from what images add to it; None for one seed or image.
        rest_std: of what is left, as for ``seed_std``.
    """

    mean: float
    std: float | None
    low: float | None
    high: float | None
    num_seeds: int
    num_images: int
    image_std: float | None
    seed_std: float | None
    rest_std: float | None


@dataclass(frozen=True)
class Difference:
    """A weighted sum of groups' means on the same images, such as one less another.

    Attributes:
        mean: above 0 where the first scores higher.
        low: of the 95 % interval of this comparison alone, within the range of what can be;
            None for one image.
        high: upper end of the same.
        p: that such a difference comes from chance; not corrected for a family.
        error: standard error of the mean.
        freedom: its degrees of freedom; 0 for one image.
        bounds: between which a difference of such scores lies.
        p_wilcoxon: signed ranks over images, the seeds taken as they fell.
        p_sign_flip: permutation of signs over images, likewise.
        effect: Cohen's d of the images' differences; None where they do not vary.
        num_images: that all groups share; or groups of images.
        pairing: what is repeated and shared.
        num_repetitions: common seeds, label subsets or folds; unpaired, the smaller side's seeds.
        correlation: of the two sides' means over the common seeds; None below three.
        smallest_gain: that this design finds with 80 % power; None below two repetitions.
        gains_ahead: the same with each of ``SEEDS_AHEAD`` seeds; None where this is not known.
    """

    mean: float
    low: float | None
    high: float | None
    p: float
    error: float
    freedom: float
    bounds: Bounds
    p_wilcoxon: float
    p_sign_flip: float
    effect: float | None
    num_images: int
    pairing: Pairing
    num_repetitions: int
    correlation: float | None
    smallest_gain: float | None
    gains_ahead: tuple[float | None, ...]

    def interval(self, level: float) -> tuple[float | None, float | None]:
        """That misses the truth with probability ``level``; (None, None) for one image."""
        noise = Noise(np.array(self.error**2), np.array(self.freedom))
        return interval_within(self.mean, noise, level, self.bounds)

    @property
    def allows_verdict(self) -> bool:
        return self.num_repetitions >= FEWEST_SEEDS


def interval_within(
    mean: float, noise: Noise, level: float, bounds: Bounds
) -> tuple[float | None, float | None]:
    """An interval cut to what can be; a mean outside of that, which no score has, stays inside."""
    if not noise.freedom:
        return None, None
    width = float(half_width(noise, level))
    low, high = bounds
    return (mean - width if low is None else max(mean - width, min(low, mean)),
            mean + width if high is None else min(mean + width, max(high, mean)))
