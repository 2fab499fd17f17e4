"""What scores of images by seeds allow one to say: estimates, differences, and how sure they are.

The scores of a group (runs that differ by seed alone) are an array ``(S, N)``: S seeds, each scored
on the same N images. Images and seeds are crossed: a hard image is hard for every seed, a bad seed
is bad on every image, so the noise of images shrinks with N alone and that of seeds with S alone.

**The default comparison is paired by seeds and by images.** Runs with the same seed share initial
weights and the order of images in every group (and the labelled subset, where the run's seed draws
it), so their scores rise and fall together. On the S common seeds and N common images

    E[s, i] = sum over groups of weight * score[s, i]         (1 and -1 for a plain difference)

with MS_i, MS_s and MS_r for its two-way mean squares of images, seeds and the rest,

    V  = (MS_i + max(MS_s - MS_r, 0)) / (S N)
    df = (V S N)^2 / (MS_i^2 / (N - 1) + [MS_s > MS_r] MS_s^2 / (S - 1))

and df at least that of the smallest component that counts (Satterthwaite, Biometrics Bulletin 2,
1946). ``t = mean(E) / sqrt(V)``; the interval is ``mean +- t_df sqrt(V)``. On balanced data V is
the variance of the effect in a mixed model with crossed random effects of images and seeds, fitted
by REML, where its components are above 0 (``test_mixed_model.py`` shows it). A contrast over
several groups, such as a marginal effect, is treated in the same way: all of them share the axis of
seeds. Seeds are paired because they are shared by design, never because of what a test says.

**Seeds that are not shared** (no seed in common) leave the unpaired comparison: images are
paired, each group's seeds are noise of their own.

**How much is claimed** depends on the number of seeds (the common ones, or the smaller side's):
three or more allow a verdict; two give an estimate and an interval only; one says nothing about
the noise of seeds: interval and p are then over images, about these two trainings and not about
the methods. One image stands for no other: there is no interval, and p is 1.

**Repetitions other than seeds.** L label subsets by T seeds: scores are averaged over T first, and
the subsets take the place of seeds (their part of the noise has L - 1 degrees of freedom). Folds of
one data set: seeds are averaged in each fold, and K fold means, each of the same weight, have the
variance ``(1/K + n_test/n_train) s^2`` with K - 1 degrees of freedom (Nadeau and Bengio, Machine
Learning 52, 2003); n_train counts the fold's training images, labelled or not.

**Groups of images** (patients, videos), where the store knows them: the mean over a group's images
takes the place of an image, and every group weighs the same, however many images it has.

**The smallest detectable gain** is the true difference that a two-sided test at 5 % finds with
80 % power, by the noncentral t: with the noise as it is, and with 5, 10 and 20 seeds if seeds vary
as those at hand do. It does not depend on the difference that was observed.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cclcc_cli.metrics.scores import MAIN, Metric, score_of
from cclcc_cli.report.evidence.findings import (
    FEWEST_SEEDS,
    LEVEL,
    POWER,
    SEEDS_AHEAD,
    Bounds,
    Difference,
    Estimate,
    Pairing,
    interval_within,
)
from cclcc_cli.report.evidence.variance import (
    Noise,
    ahead,
    crossed_noise,
    fold_noise,
    mean_squares,
    p_values,
    smallest_gain,
    unpaired_ahead,
    unpaired_noise,
)

Scores = NDArray[np.float64]


def estimate(scores: Scores, metric: Metric = MAIN) -> Estimate:
    """The mean over images and seeds, with its interval.

    Args:
        scores: ``(S, N)``.
        metric: which score; its range bounds the interval.

    Raises:
        ValueError: not two-dimensional, empty, or not all finite.
    """
    _check(scores)
    squares = mean_squares(scores)
    num_seeds, num_images = scores.shape
    mean = float(scores.mean())
    low, high = interval_within(mean, crossed_noise(squares), LEVEL, _score_bounds(metric))
    known = squares.known
    return Estimate(
        mean, _std(scores.mean(axis=1)), low, high, num_seeds, num_images,
        image_std=(_root((squares.images - squares.rest) / num_seeds)
                   if num_images > 1 else None),
        seed_std=_root((squares.seeds - squares.rest) / num_images) if known else None,
        rest_std=_root(squares.rest) if known else None,
    )


def estimate_folds(
    folds: Sequence[Scores], ratio: float, metric: Metric = MAIN
) -> Estimate:
    """The mean of fold means, two or more, each fold ``(S, N)`` with images of its own.

    Args:
        folds: scores of each.
        ratio: test over training images of a fold.
        metric: which score.

    Raises:
        ValueError: as ``estimate``, of some fold.
    """
    for scores in folds:
        _check(scores)
    means = np.array([scores.mean() for scores in folds])
    mean = float(means.mean())
    low, high = interval_within(mean, fold_noise(means, ratio), LEVEL, _score_bounds(metric))
    return Estimate(mean, _std(means), low, high, len(folds),
                    sum(scores.shape[1] for scores in folds), None, None, None)


def difference(scores: Scores, baseline: Scores, metric: Metric = MAIN) -> Difference:
    """How a group differs from another with the same seeds, on the same images, in the same order.

    Args:
        scores: ``(S, N)``.
        baseline: ``(S, N)``.
        metric: which score.

    Raises:
        ValueError: as ``estimate``, or the shapes differ.
    """
    return contrast((scores, baseline), (1.0, -1.0), metric=metric)


def contrast(
    groups: Sequence[Scores], weights: Sequence[float], pairing: Pairing = "seeds",
    metric: Metric = MAIN,
) -> Difference:
    """A weighted sum of groups with the same seeds and images: the default comparison.

    Args:
        groups: each ``(S, N)``, rows and columns in the same order.
        weights: of each; they sum to 0 for an effect, to 1 for a mean.
        pairing: ``seeds``, or ``label subsets`` where these are the rows.
        metric: which score.

    Raises:
        ValueError: as ``estimate``, or the shapes differ.
    """
    for scores in groups:
        _check(scores)
    if len({scores.shape for scores in groups}) > 1:
        raise ValueError("paired scores need the same seeds and images: "
                         f"{' and '.join(str(scores.shape) for scores in groups)}")
    weighed = [weight * scores for scores, weight in zip(groups, weights, strict=True)]
    table = np.add.reduce(weighed)
    squares = mean_squares(table)
    sides = [[part.mean(axis=1) for part, weight in zip(weighed, weights, strict=True)
              if weight * sign > 0] for sign in (1, -1)]
    return _build_difference(
        table.mean(axis=0), float(table.mean()), crossed_noise(squares),
        _difference_bounds(weights, metric), pairing, len(table),
        correlation=_correlation(*sides) if len(table) >= FEWEST_SEEDS else None,
        future=[_gain(ahead(squares, count)) for count in SEEDS_AHEAD] if squares.known else None)


def unpaired(
    groups: Sequence[Scores], weights: Sequence[float], metric: Metric = MAIN
) -> Difference:
    """A weighted sum of groups that share images but no seeds.

    Args:
        groups: each ``(S, N)``; S may differ. Where one has a single seed, all that is known is
            the noise of images, and p and interval are of that alone.
        weights: of each.
        metric: which score.

    Raises:
        ValueError: as ``estimate``, or the numbers of images differ.
    """
    for scores in groups:
        _check(scores)
    counts = [scores.shape[1] for scores in groups]
    if len(set(counts)) > 1:
        raise ValueError(f"paired scores need the same images: {' and '.join(map(str, counts))}")
    fewest = min(len(scores) for scores in groups)
    per_image = np.add.reduce([weight * scores.mean(axis=0)
                               for scores, weight in zip(groups, weights, strict=True)])
    known = fewest > 1 and counts[0] > 1
    noise = (unpaired_noise(groups, weights) if known
             else crossed_noise(mean_squares(per_image[None])))
    return _build_difference(
        per_image, float(per_image.mean()), noise, _difference_bounds(weights, metric), "none",
        fewest, correlation=None,
        future=[_gain(unpaired_ahead(groups, weights, count)) for count in SEEDS_AHEAD]
        if known else None)


def contrast_folds(
    means: Sequence[float], per_image: Scores, ratio: float, weights: Sequence[float],
    metric: Metric = MAIN,
) -> Difference:
    """A weighted sum of groups over the folds that they share, two or more.

    Args:
        means: of the weighted sum in each fold, over its seeds and images.
        per_image: the weighted sum of each image of each fold, for the tests over images.
        ratio: test over training images of a fold.
        weights: of the groups.
        metric: which score.
    """
    noise = fold_noise(np.array(means), ratio)
    return _build_difference(per_image, float(np.mean(means)), noise,
                  _difference_bounds(weights, metric), "folds", len(means), correlation=None,
                  future=None)


def _build_difference(
    per_image: Scores, mean: float, noise: Noise, bounds: Bounds, pairing: Pairing,
    num_repetitions: int, *, correlation: float | None, future: Sequence[float] | None,
) -> Difference:
    from cclcc_cli.report.evidence.paired_tests import sign_flip_p, wilcoxon_p

    low, high = interval_within(mean, noise, LEVEL, bounds)
    spread = _std(per_image)
    known = num_repetitions > 1 and bool(noise.freedom)
    return Difference(
        mean, low, high, float(p_values(np.array(mean), noise)), _root(noise.variance),
        float(noise.freedom), bounds, wilcoxon_p(per_image), sign_flip_p(per_image),
        effect=mean / spread if spread else (0.0 if mean == 0 else None),
        num_images=len(per_image), pairing=pairing, num_repetitions=num_repetitions,
        correlation=correlation, smallest_gain=_gain(noise) if known else None,
        gains_ahead=(None,) * len(SEEDS_AHEAD) if future is None else tuple(future),
    )


def _check(scores: Scores) -> None:
    if scores.ndim != 2 or not scores.size:
        raise ValueError(f"scores must be seeds by images, not of shape {scores.shape}")
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite numbers")


def _score_bounds(metric: Metric) -> Bounds:
    row = score_of(metric)
    return row.low, row.high


def _difference_bounds(weights: Sequence[float], metric: Metric) -> Bounds:
    """Of a weighted sum of scores; a score without a most leaves both ends open."""
    row = score_of(metric)
    if row.high is None:
        return (None if min(weights) < 0 else sum(weights) * row.low,
                None if max(weights) > 0 else sum(weights) * row.low)
    ends = [sorted((weight * row.low, weight * row.high)) for weight in weights]
    return sum(low for low, _ in ends), sum(high for _, high in ends)


def _gain(noise: Noise) -> float:
    return float(smallest_gain(noise, LEVEL, POWER))


def _correlation(first: Sequence[Scores], second: Sequence[Scores]) -> float | None:
    """Of two sides' sums over groups, seed by seed; the second's weights are below 0."""
    if not first or not second:
        return None
    one, other = np.add.reduce(list(first)), -np.add.reduce(list(second))
    if min(np.ptp(one), np.ptp(other)) < 1e-12:
        return None
    return float(np.corrcoef(one, other)[0, 1])


def _std(values: Scores) -> float | None:
    return float(values.std(ddof=1)) if len(values) > 1 else None


def _root(variance: NDArray[np.float64]) -> float:
    return math.sqrt(max(float(variance), 0.0))
