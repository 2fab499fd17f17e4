"""What scores of images by seeds allow one to say: estimates, differences, noise and need.

Scores of an arm are an array ``(S, N)``: S seeds, each of which was judged on the same N images.
Images and seeds are therefore crossed, not nested: a hard image is hard for every seed, and a bad
seed is bad on every image. In a mean over both, the noise of images shrinks with N alone and that
of seeds with S alone. Treating the S x N scores as so many independent ones, or testing over
images only, takes the noise of seeds for zero and finds "significant" differences between
trainings that differ by chance (``tests/report/test_simulation.py`` measures how many).

**Variance.** With MS for the mean squares of the two-way layout without replication, the variance
of the mean is (MS_images + MS_seeds - MS_rest) / (S N); the part of the seeds is never taken as
below zero. Satterthwaite's degrees of freedom turn it into a t distribution, without which three
seeds would be believed like three hundred.

**Interval.** Owen's pigeonhole bootstrap (Annals of Applied Statistics 1, 2007) draws seeds and
images independently, an image drawn being the same for all seeds and for both arms of a
difference. It counts the rest three times and, with few seeds, S - 1 of S parts of their variance,
and its quantiles are a normal's. So it gives the interval its shape, skewness included, while
its width is set to the variance above and its quantiles are widened to that t distribution.

**Pairing.** A difference is taken image by image, after the mean over each arm's seeds. Seeds are
not paired: another method makes something else of the same start, arms may have unequal seeds,
and three pairs would leave 2 degrees of freedom where two times three seeds leave 4. If equal
seeds do vary together the interval is too wide, never too narrow.

**One seed** says nothing about the noise of seeds: intervals and p are then of the images alone,
for this training and not for the method. **One image** stands for no other: there is no interval,
and p is 1.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
Verdict = Literal["better", "worse", "within noise"]

LEVEL = 0.05
"""Of error: intervals hold 95 %, and p below it is a difference."""
POWER = 0.8
"""The chance to find a difference as large as observed, when seeds needed are counted."""
NUM_DRAWS = 4000
MOST_SEEDS = 1000
_SEED = 20220207


@dataclass(frozen=True)
class Estimate:
    """The mean of an arm and what varies about it.

    Attributes:
        mean: over images and seeds.
        std: of the seeds' means, n - 1; None for one seed.
        low: of the 95 % interval; None for one image.
        high: of it.
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
    """An arm less its baseline, on the same images.

    Attributes:
        mean: above 0 where the arm scores higher.
        low: of the 95 % interval; None for one image.
        high: of it.
        p: that such a difference comes from chance in images and seeds; not yet corrected.
        p_wilcoxon: signed ranks over images, the seeds taken as they fell.
        p_sign_flip: permutation of signs over images, the same.
        effect: Cohen's d of the images' differences; None where they do not vary.
        seeds_needed: per arm, to find this difference with 80 % power; None if no number would
            do, or too little is known to say.
        seed_noise_known: both arms have two seeds or more.
    """

    mean: float
    low: float | None
    high: float | None
    p: float
    p_wilcoxon: float
    p_sign_flip: float
    effect: float | None
    num_images: int
    seeds_needed: int | None
    seed_noise_known: bool


def estimate(scores: Scores) -> Estimate:
    """The mean over images and seeds, with its interval.

    Raises:
        ValueError: not two-dimensional, empty, or not all finite.
    """
    _check(scores)
    num_seeds, num_images = scores.shape
    mean, noise = float(scores.mean()), _noise(scores.mean(axis=0), [(scores, 1.0)])
    low, high = _interval(mean, noise, _draws(scores, 1))
    over_images, over_seeds, rest = _mean_squares(scores)
    return Estimate(
        mean, _std(scores.mean(axis=1)), low, high, num_seeds, num_images,
        image_std=_root((over_images - (rest or 0)) / num_seeds) if num_images > 1 else None,
        seed_std=None if rest is None else _root((over_seeds - rest) / num_images),
        rest_std=None if rest is None else _root(rest),
    )


def difference(scores: Scores, baseline: Scores) -> Difference:
    """How an arm differs from another on the same images, in the same order.

    Args:
        scores: ``(S, N)``.
        baseline: ``(T, N)``.

    Raises:
        ValueError: as ``estimate``, or the arms have different numbers of images.
    """
    return contrast((scores, baseline), (1.0, -1.0))


def contrast(arms: Sequence[Scores], weights: Sequence[float]) -> Difference:
    """A weighted sum of arms' means on the same images, in the same order.

    Each image's sum is taken after the mean over each arm's seeds, and each arm's seeds are
    noise of their own, so that an effect averaged over several pairs of arms is judged as one.

    Args:
        arms: each ``(S, N)``; S may differ.
        weights: of each; they sum to 0 for an effect, to 1 for a mean.

    Raises:
        ValueError: as ``estimate``, or the arms have different numbers of images.
    """
    for scores in arms:
        _check(scores)
    counts = [scores.shape[1] for scores in arms]
    if len(set(counts)) > 1:
        raise ValueError(f"paired scores need the same images: {' and '.join(map(str, counts))}")
    from cclcc_cli.report.paired_tests import sign_flip_p, wilcoxon_p

    weighed = [(scores, float(weight)) for scores, weight in zip(arms, weights, strict=True)]
    per_image = np.add.reduce([weight * scores.mean(axis=0) for scores, weight in weighed])
    mean, noise = float(per_image.mean()), _noise(per_image, weighed)
    low, high = _interval(mean, noise, np.add.reduce(
        [weight * _draws(scores, stream) for stream, (scores, weight) in enumerate(weighed, 1)]))
    spread = _std(per_image)
    return Difference(
        mean, low, high, _p(mean, noise), wilcoxon_p(per_image), sign_flip_p(per_image),
        effect=mean / spread if spread else (0.0 if mean == 0 else None),
        num_images=len(per_image),
        seeds_needed=_seeds_needed(mean, per_image, weighed),
        seed_noise_known=all(len(scores) > 1 for scores in arms),
    )


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


def verdict(mean_difference: float, corrected_p: float) -> Verdict:
    """In one word, for a score of which more is better."""
    if corrected_p >= LEVEL:
        return "within noise"
    return "better" if mean_difference > 0 else "worse"


@dataclass(frozen=True)
class _Noise:
    """Variance of a mean and its degrees of freedom; with none of these, nothing is known."""

    variance: float
    freedom: float


def _check(scores: Scores) -> None:
    if scores.ndim != 2 or not scores.size:
        raise ValueError(f"scores must be seeds by images, not of shape {scores.shape}")
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite numbers")


def _mean_squares(scores: Scores) -> tuple[float, float, float | None]:
    """Of images, of seeds, and of the rest; 0 for what is single, None for a rest that is."""
    num_seeds, num_images = scores.shape
    images, seeds = scores.mean(axis=0), scores.mean(axis=1)
    over_images = num_seeds * float(images.var(ddof=1)) if num_images > 1 else 0.0
    over_seeds = num_images * float(seeds.var(ddof=1)) if num_seeds > 1 else 0.0
    if num_seeds == 1 or num_images == 1:
        return over_images, over_seeds, None
    rest = scores - images - seeds[:, None] + scores.mean()
    return over_images, over_seeds, float((rest**2).sum()) / (num_seeds - 1) / (num_images - 1)


def _noise(per_image: Scores, arms: Sequence[tuple[Scores, float]]) -> _Noise:
    """Of the mean of ``per_image``, which is the weighted sum of the arms' means over seeds."""
    num_images = len(per_image)
    if num_images == 1:
        return _Noise(0.0, 0.0)
    by_images = float(per_image.var(ddof=1)) / num_images
    squares = [(_mean_squares(arm), weight**2 / (len(arm) * num_images), len(arm))
               for arm, weight in arms]
    by_seeds = [(over_seeds * share, count - 1)
                for (_, over_seeds, _), share, count in squares if count > 1]
    counted_twice = sum((rest or 0.0) * share for (_, _, rest), share, _ in squares)
    seeds_part = sum(part for part, _ in by_seeds) - counted_twice
    parts = [(by_images, num_images - 1), *(by_seeds if seeds_part > 0 else [])]
    variance = by_images + max(seeds_part, 0.0)
    error = sum(part**2 / freedom for part, freedom in parts)
    if not error:
        return _Noise(0.0, num_images - 1.0)
    # What was counted twice and is taken off must not make the rest known worse than its worst.
    return _Noise(variance, max(variance**2 / error, min(freedom for _, freedom in parts)))


def _p(mean: float, noise: _Noise) -> float:
    """Two-sided, by Student's t; 1 where nothing differs or nothing is known."""
    if mean == 0 or not noise.freedom:
        return 1.0
    if not noise.variance:
        return 0.0
    from scipy.special import stdtr

    return float(2 * stdtr(noise.freedom, -abs(mean) / noise.variance**0.5))


def _interval(mean: float, noise: _Noise, draws: Scores) -> tuple[float | None, float | None]:
    """The draws' quantiles about the mean, at the width that the noise asks for."""
    if not noise.freedom:
        return None, None
    spread = float(draws.std())
    if not spread or not noise.variance:
        return mean, mean
    from scipy.special import ndtri, stdtrit

    widening = stdtrit(noise.freedom, 1 - LEVEL / 2) / ndtri(1 - LEVEL / 2)
    scale = float(widening * noise.variance**0.5 / spread)
    low, high = np.quantile(draws, (LEVEL / 2, 1 - LEVEL / 2)) - mean
    return mean + scale * float(low), mean + scale * float(high)


def _draws(scores: Scores, stream: int) -> Scores:
    """Bootstrapped means; the images drawn are the same for all arms, the seeds for none.

    Args:
        scores: of an arm.
        stream: tells arms of one sum apart, from 1 on.
    """
    num_seeds, num_images = scores.shape
    seeds = _weights(num_seeds, stream)
    images = _weights(num_images, 0)
    drawn: Scores = np.einsum("ds,ds->d", images @ scores.T, seeds)
    return drawn


@lru_cache(maxsize=64)
def _weights(count: int, stream: int) -> Scores:
    """How much each of ``count`` weighs in each draw, ``(NUM_DRAWS, count)``, rows sum to 1."""
    random = np.random.default_rng((_SEED, stream, count))
    drawn = random.multinomial(count, np.full(count, 1 / count), size=NUM_DRAWS)
    return drawn / count


def _seeds_needed(
    mean: float, per_image: Scores, arms: Sequence[tuple[Scores, float]]
) -> int | None:
    """Per arm; from what the seeds seen so far vary, with the images as many as they are."""
    num_images = len(per_image)
    squares = [(_mean_squares(arm), weight**2, len(arm)) for arm, weight in arms]
    if mean == 0 or any(rest is None for (_, _, rest), _, _ in squares):
        return None
    from scipy.special import stdtrit

    lasting = float(per_image.var(ddof=1)) - sum(
        weight * (rest or 0.0) / count for (_, _, rest), weight, count in squares)
    per_seed = sum(weight * max(over_seeds, rest or 0.0) / num_images
                   for (_, over_seeds, rest), weight, _ in squares)
    # Arms weigh alike in this: how much each of them varies is known too badly to tell apart.
    weights = np.array([weight for _, weight, _ in squares])
    as_one = float((weights**2).sum() / weights.sum() ** 2)
    counts = np.arange(2, MOST_SEEDS + 1)
    by_images, by_seeds = max(lasting, 0.0) / num_images, per_seed / counts
    variance = by_images + by_seeds
    error = by_images**2 / (num_images - 1) + as_one * by_seeds**2 / (counts - 1)
    if not per_seed and not by_images:
        return 2
    freedom = variance**2 / error
    found = (stdtrit(freedom, 1 - LEVEL / 2) + stdtrit(freedom, POWER)) * variance**0.5
    enough = counts[found <= abs(mean)]
    return int(enough[0]) if len(enough) else None


def _std(values: Scores) -> float | None:
    return float(values.std(ddof=1)) if len(values) > 1 else None


def _root(variance: float) -> float:
    return math.sqrt(max(variance, 0.0))
