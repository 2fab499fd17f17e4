"""What the numbers of a mask mean: 0 background, 1 and up its classes, 255 not to be counted.

A binary mask has the one class 1. Ignored pixels belong to no class and to no background: they
count in no loss and in no score.
"""

import numpy as np
from numpy.typing import NDArray

IGNORED = 255
"""The value of a pixel that does not count."""


def foreground(mask: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where a mask of any shape shows an object, of whatever class."""
    return mask > 0 if int(mask.max(initial=0)) < IGNORED else (mask > 0) & (mask != IGNORED)


def ignored(mask: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where a mask of any shape does not count."""
    return np.asarray(mask == IGNORED)


def num_classes(mask: NDArray[np.uint8]) -> int:
    """The highest class of a mask, or 1 where there is none higher."""
    highest = int(mask.max(initial=1))
    return highest if highest < IGNORED else int(mask.max(initial=1, where=mask != IGNORED))
