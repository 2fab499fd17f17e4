"""Variances of means over images and seeds, and their degrees of freedom; for many tables at once.

Every function takes tables ``(..., S, N)``, seeds by images, and returns ``(...)``: a report asks
for one table, a simulation for thousands. ``report.statistics`` says what the numbers mean.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class MeanSquares:
    """Of the two-way layout of S seeds by N images without replication, each ``(...)``.

    Attributes:
        images: 0 for one image.
        seeds: 0 for one seed.
        rest: 0 where either is single.
    """

    images: Array
    seeds: Array
    rest: Array
    num_seeds: int
    num_images: int

    @property
    def known(self) -> bool:
        """Whether seeds and the rest can be told apart."""
        return self.num_seeds > 1 and self.num_images > 1


@dataclass(frozen=True)
class Noise:
    """Variance of a mean and its degrees of freedom, each ``(...)``; 0 freedom: nothing is known.
    """

    variance: Array
    freedom: Array


def mean_squares(table: Array) -> MeanSquares:
    """Of images, of seeds and of the rest, of tables ``(..., S, N)``."""
    num_seeds, num_images = table.shape[-2:]
    images, seeds = table.mean(axis=-2), table.mean(axis=-1)
    none = np.zeros(table.shape[:-2])
    by_images = num_seeds * images.var(axis=-1, ddof=1) if num_images > 1 else none
    by_seeds = num_images * seeds.var(axis=-1, ddof=1) if num_seeds > 1 else none
    if num_seeds == 1 or num_images == 1:
        return MeanSquares(by_images, by_seeds, none, num_seeds, num_images)
    rest = (table - images[..., None, :] - seeds[..., :, None]
            + table.mean(axis=(-2, -1))[..., None, None])
    by_rest = (rest**2).sum(axis=(-2, -1)) / ((num_seeds - 1) * (num_images - 1))
    return MeanSquares(by_images, by_seeds, by_rest, num_seeds, num_images)


def crossed_noise(squares: MeanSquares) -> Noise:
    """Of the mean over a table: ``(MS_images + max(MS_seeds - MS_rest, 0)) / (S N)``.

    The degrees of freedom are Satterthwaite's, and never fewer than the smallest component's:
    what is subtracted cannot make the rest known worse than the worst of what is added.
    """
    num_seeds, num_images = squares.num_seeds, squares.num_images
    if num_images == 1:
        return Noise(np.zeros_like(squares.images), np.zeros_like(squares.images))
    noisy = (squares.seeds > squares.rest) & (num_seeds > 1)
    total = squares.images + np.where(noisy, squares.seeds - squares.rest, 0.0)
    error = squares.images**2 / (num_images - 1)
    error = error + np.where(noisy, squares.seeds**2 / max(num_seeds - 1, 1), 0.0)
    least = np.where(noisy, min(num_seeds - 1, num_images - 1), num_images - 1)
    freedom = np.maximum(_ratio(total**2, error, num_images - 1.0), least)
    return Noise(total / (num_seeds * num_images), freedom)


def unpaired_noise(tables: Sequence[Array], weights: Sequence[float]) -> Noise:
    """Of a weighted sum of means of groups whose seeds are not shared, on the same N images.

    Images are paired: their part is that of each image's weighted sum of means over seeds. Every
    group's seeds are noise of their own; what the rest adds to both is taken off once.

    Args:
        tables: each ``(..., S, N)``; S may differ.
        weights: of each.
    """
    num_images = tables[0].shape[-1]
    per_image = np.add.reduce([weight * table.mean(axis=-2)
                               for table, weight in zip(tables, weights, strict=True)])
    if num_images == 1:
        return Noise(np.zeros(per_image.shape[:-1]), np.zeros(per_image.shape[:-1]))
    by_images = per_image.var(axis=-1, ddof=1) / num_images
    by_seeds, error, twice = np.zeros_like(by_images), np.zeros_like(by_images), 0.0
    freedoms = [num_images - 1]
    for table, weight in zip(tables, weights, strict=True):
        squares = mean_squares(table)
        if squares.num_seeds == 1:
            continue
        share = weight**2 / (squares.num_seeds * num_images)
        by_seeds = by_seeds + share * squares.seeds
        twice = twice + share * squares.rest
        error = error + (share * squares.seeds) ** 2 / (squares.num_seeds - 1)
        freedoms.append(squares.num_seeds - 1)
    noisy = by_seeds > twice
    variance = by_images + np.where(noisy, by_seeds - twice, 0.0)
    error = by_images**2 / (num_images - 1) + np.where(noisy, error, 0.0)
    least = np.where(noisy, min(freedoms), num_images - 1)
    return Noise(variance, np.maximum(_ratio(variance**2, error, num_images - 1.0), least))


def fold_noise(means: Array, ratio: float) -> Noise:
    """Of the mean over folds, ``(..., K)``, whose training images overlap.

    ``(1 / K + n_test / n_train) s^2`` with K - 1 degrees of freedom (Nadeau and Bengio, Machine
    Learning 52, 2003).

    Args:
        means: of each fold.
        ratio: test images of a fold over its training images.
    """
    count = means.shape[-1]
    variance = means.var(axis=-1, ddof=1) * (1 / count + ratio)
    return Noise(variance, np.full_like(variance, count - 1))


def p_values(mean: Array, noise: Noise) -> Array:
    """Two-sided, by Student's t; 1 where nothing differs or nothing is known."""
    from scipy.special import stdtr

    error = np.sqrt(noise.variance)
    t = _ratio(np.abs(mean), error, np.inf)
    p = 2 * stdtr(np.maximum(noise.freedom, 1.0), -t)
    return np.where((mean == 0) | (noise.freedom == 0), 1.0, p)


def half_width(noise: Noise, level: float) -> Array:
    """Of the interval that misses the truth with probability ``level``; infinite if unknown."""
    from scipy.special import stdtrit

    width = stdtrit(np.maximum(noise.freedom, 1e-9), 1 - level / 2) * np.sqrt(noise.variance)
    return np.where(noise.freedom == 0, np.inf, np.where(noise.variance == 0, 0.0, width))


def smallest_gain(noise: Noise, level: float, power: float) -> Array:
    """The true mean that a two-sided test at ``level`` finds with probability ``power``.

    By the noncentral t; a finding on the wrong side is not counted.
    """
    from scipy.special import nctdtrinc, stdtrit

    freedom = np.maximum(noise.freedom, 1e-9)
    distance = nctdtrinc(freedom, 1 - power, stdtrit(freedom, 1 - level / 2))
    return np.where(noise.variance == 0, 0.0, distance * np.sqrt(noise.variance))


def ahead(squares: MeanSquares, num_seeds: int) -> Noise:
    """What the noise of the mean would be with another number of seeds, images as they are."""
    images = np.maximum(squares.images - squares.rest, 0.0) / squares.num_seeds
    seeds = np.maximum(squares.seeds - squares.rest, 0.0)
    return crossed_noise(MeanSquares(
        num_seeds * images + squares.rest, seeds + squares.rest, squares.rest,
        num_seeds, squares.num_images))


def unpaired_ahead(
    tables: Sequence[Array], weights: Sequence[float], num_seeds: int
) -> Noise:
    """The same for groups whose seeds are not shared, all with that number of seeds."""
    num_images = tables[0].shape[-1]
    per_image = np.add.reduce([weight * table.mean(axis=-2)
                               for table, weight in zip(tables, weights, strict=True)])
    lasting, per_seed, error, rests = per_image.var(axis=-1, ddof=1), 0.0, 0.0, 0.0
    for table, weight in zip(tables, weights, strict=True):
        squares = mean_squares(table)
        lasting = lasting - weight**2 * squares.rest / squares.num_seeds
        part = weight**2 * np.maximum(squares.seeds, squares.rest) / (num_seeds * num_images)
        per_seed, error = per_seed + part, error + part**2 / (num_seeds - 1)
        rests = rests + weight**2 * squares.rest / (num_seeds * num_images)
    images = np.maximum(lasting, 0.0) / num_images + rests
    variance = images + np.maximum(per_seed - rests, 0.0)
    error = images**2 / (num_images - 1) + error
    least = float(min(num_seeds, num_images) - 1)
    return Noise(variance, np.maximum(_ratio(variance**2, error, num_images - 1.0), least))


def _ratio(above: Array, below: Array, otherwise: float) -> Array:
    """``above / below``, and ``otherwise`` where the latter is 0."""
    safe = np.where(below == 0, 1.0, below)
    return np.where(below == 0, otherwise, above / safe)
