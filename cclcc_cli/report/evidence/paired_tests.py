"""Tests of paired differences over images, for trainings taken as they fell.

They ask whether *these* trained networks would differ on other images. Whether the methods do
depends on the noise of seeds as well, which no test over images sees; nor can seeds be permuted
instead: three against three can be dealt in 20 ways, and no p is then below 0.1.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

NUM_FLIPS = 9999
_ALL_FLIPS_TO = 13
"""Images up to which every flip of signs is tried: 8,192 of them."""
_SEED = 20220207


def wilcoxon_p(differences: NDArray[np.float64]) -> float:
    """Two-sided, by the signed ranks; images without a difference do not count.

    Exact for up to 50 images without ties, normal otherwise, as scipy does. 1 where no image
    differs.
    """
    if not differences.any():
        return 1.0
    from scipy.stats import wilcoxon

    # What the mean over seeds leaves of equal scores is not a difference.
    rounded = np.round(differences, 12)
    if not rounded.any():
        return 1.0
    return float(wilcoxon(rounded).pvalue)


def sign_flip_p(differences: NDArray[np.float64]) -> float:
    """Two-sided: the share of random signs whose sum is as far from 0 as the observed one.

    The observed signs count as one of the draws, so that p is never 0.
    """
    observed = abs(float(differences.sum()))
    sums = np.abs(_signs(len(differences)) @ differences)
    as_far = int((sums >= observed - 1e-9 * np.abs(differences).sum()).sum())
    if len(differences) <= _ALL_FLIPS_TO:
        return as_far / len(sums)
    return (1 + as_far) / (1 + len(sums))


@lru_cache(maxsize=2)
def _signs(count: int) -> NDArray[np.float64]:
    """Rows of -1 and 1: all of them, or ``NUM_FLIPS`` at random."""
    if count <= _ALL_FLIPS_TO:
        places = np.arange(2**count)[:, None] >> np.arange(count)
    else:
        places = np.random.default_rng((_SEED, count)).integers(0, 2, (NUM_FLIPS, count))
    return np.where(places & 1, -1.0, 1.0)
