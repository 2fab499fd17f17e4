"""Methods over several data sets: mean ranks, whether they differ, and how firmly they stand.

A block is what methods are compared within: a data set at a number of labels. Within each, rank 1
is the best and equals share the mean of their ranks.

**Test.** Friedman's, corrected for ties; then Nemenyi's critical difference, by which the mean
ranks of two methods must differ (Demsar, JMLR 7, 2006). Both know blocks alone: with few of them
no difference of ranks can be told from chance, however large the gain in each.

**Stability.** Images are drawn with replacement, the same for all methods and for all blocks of a
data set, which share their test images; what comes out is how often a ranking survives another
choice of images. Seeds stay as they are.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cclcc_cli.metrics.scores import Metric, gain

LEVEL = 0.05
NUM_DRAWS = 2000
_SEED = 20220207
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Block:
    """A data set at a number of labels.

    Attributes:
        data: whose images these are; blocks of the same data hold the same images in one order.
        values: each method's score of each image, averaged over seeds, ``(K, N)``.
    """

    data: str
    labeled: int
    values: Floats


@dataclass(frozen=True)
class RankTest:
    """Whether mean ranks differ.

    Attributes:
        mean_ranks: of each method, ``(K,)``.
        chi_square: Friedman's statistic with K - 1 degrees of freedom; 0 where all always tie.
        p: of it, by its limit for many blocks.
        critical_difference: between two mean ranks, at ``LEVEL``.
        enough_blocks: from so many blocks on the largest possible difference would be critical.
    """

    mean_ranks: Floats
    chi_square: float
    p: float
    critical_difference: float
    enough_blocks: int


@dataclass(frozen=True)
class Stability:
    """How a ranking fares when other images are drawn.

    Attributes:
        first: share of draws in which a method's mean rank is the best; equals share it, ``(K,)``.
        kept: share of draws in which its place among the methods is the one observed, ``(K,)``.
    """

    first: Floats
    kept: Floats


def rank_methods(values: Floats, metric: Metric) -> Floats:
    """Ranks within each row, 1 the best; equals share their mean.

    Args:
        values: means of methods, ``(..., K)``.
        metric: tells which way is better.
    """
    from scipy.stats import rankdata

    ranks: Floats = rankdata(gain(-1, metric) * values, axis=-1)
    return ranks


def compare_ranks(ranks: Floats) -> RankTest:
    """Friedman's test and Nemenyi's critical difference.

    Args:
        ranks: of at least two methods in each block, ``(B, K)``.

    Raises:
        ValueError: fewer than two methods, or no block.
    """
    num_blocks, count = ranks.shape
    if count < 2 or not num_blocks:
        raise ValueError(f"ranks of {count} methods in {num_blocks} blocks compare nothing")
    from scipy.special import chdtrc
    from scipy.stats import studentized_range

    sums = ranks.sum(axis=0)
    spread = 12 / (num_blocks * count * (count + 1)) * float((sums**2).sum())
    chi_square, untied = spread - 3 * num_blocks * (count + 1), _untied_share(ranks)
    chi_square = max(0.0, chi_square / untied) if untied else 0.0
    wide = float(studentized_range.ppf(1 - LEVEL, count, np.inf)) / math.sqrt(2)
    unit = wide * math.sqrt(count * (count + 1) / 6)  # the critical difference with one block
    return RankTest(
        sums / num_blocks, chi_square, float(chdtrc(count - 1, chi_square)),
        unit / math.sqrt(num_blocks), math.floor((unit / (count - 1)) ** 2) + 1)


def _untied_share(ranks: Floats) -> float:
    """1 without ties, 0 where in every block all are equal."""
    num_blocks, count = ranks.shape
    ties = sum(int(size) ** 3 - int(size) for row in ranks
               for size in np.unique(row, return_counts=True)[1])
    return 1.0 - ties / float(num_blocks * (count**3 - count))


def rank_stability(blocks: Sequence[Block], metric: Metric) -> Stability:
    """Rank again on images drawn with replacement.

    Args:
        blocks: with the same methods in the same order.
        metric: which score.
    """
    ranks: list[Floats] = []
    for data in dict.fromkeys(block.data for block in blocks):
        own = [block for block in blocks if block.data == data]
        num_images = own[0].values.shape[1]
        random = np.random.default_rng((_SEED, num_images, len(ranks)))
        drawn = random.multinomial(num_images, np.full(num_images, 1 / num_images), NUM_DRAWS)
        ranks += [rank_methods(np.round(drawn @ block.values.T / num_images, 12), metric)
                  for block in own]
    observed = np.stack([rank_methods(block.values.mean(axis=1), metric) for block in blocks])
    mean_ranks = np.round(np.stack(ranks).mean(axis=0), 9)  # equals stay equal
    best = mean_ranks == mean_ranks.min(axis=1, keepdims=True)
    kept = _places(mean_ranks) == _places(np.round(observed.mean(axis=0), 9))
    return Stability((best / best.sum(axis=1, keepdims=True)).mean(axis=0), kept.mean(axis=0))


def _places(mean_ranks: Floats) -> Floats:
    from scipy.stats import rankdata

    places: Floats = rankdata(mean_ranks, axis=-1)
    return places
