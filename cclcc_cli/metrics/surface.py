"""How far the outlines of two masks lie apart, in pixels, and how much of them agrees."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from cclcc_cli.metrics.scores import NSD_TOLERANCE

NSD_RULE = (f"share of both outlines within {NSD_TOLERANCE:.0%} of the image's diagonal, at least "
            "1 pixel, of the other outline; 1 where both masks are empty, 0 where one is")


def tolerance(height: int, width: int) -> float:
    """How many pixels two outlines may lie apart and still agree.

    A fixed number of pixels would mean another strictness at each size: 3 pixels are nothing at
    1,920 and a tenth of a small lesion at 96. So it is 1 % of the diagonal, 1.4 pixels at 96 x 96
    and 4.5 at 320 x 320, which makes working and original size comparable. For a round lesion on
    15 % of the image, an outline that far off all around costs about 6 points of Dice: a
    deviation that one sees but that leaves the lesion found. Below 71 pixels a side, 1 % is less
    than the distance to the next pixel and would forgive nothing: hence at least 1.

    Args:
        height: of the image, in pixels.
        width: of it.
    """
    return max(1.0, NSD_TOLERANCE * math.hypot(height, width))


def surface_scores(mask: NDArray[np.bool_], target: NDArray[np.bool_]) -> dict[str, float]:
    """How far the outline of a prediction lies from the true one.

    An outline is the mask's pixels with a 4-neighbour outside it or outside the image.

    Args:
        mask: the prediction, ``(H, W)`` bool.
        target: the truth, ``(H, W)`` bool.

    Returns:
        ``hd95``, the larger of the two directed 95th percentiles, and ``assd``, the mean over
        both outlines together, in pixels; ``nsd``, the share of both outlines' pixels within
        ``tolerance`` of the other outline (Nikolov et al., JMIR 23(7), 2021), 0 to 1. Both
        empty: distances 0, nsd 1. One empty: the image's diagonal and 0, the worst there is, so
        that every image stays in the mean.
    """
    if not mask.any() or not target.any():
        both = not mask.any() and not target.any()
        distance = 0.0 if both else math.hypot(*mask.shape)
        return {"hd95": distance, "assd": distance, "nsd": float(both)}
    outline, true_outline = _outline(mask), _outline(target)
    to_truth, to_mask = _distances(outline, true_outline), _distances(true_outline, outline)
    hd95 = max(np.percentile(to_truth, 95), np.percentile(to_mask, 95))
    total, near = len(to_truth) + len(to_mask), tolerance(*mask.shape)
    agreeing = int((to_truth <= near).sum() + (to_mask <= near).sum())
    return {"hd95": float(hd95), "assd": float((to_truth.sum() + to_mask.sum()) / total),
            "nsd": agreeing / total}


def _outline(area: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Row and column of each pixel of the outline, ``(n, 2)``, row by row."""
    padded = np.pad(area, 1)  # outside the image everything is background
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return np.argwhere(area & ~inner)


def _distances(outline: NDArray[np.intp], other: NDArray[np.intp]) -> NDArray[np.float64]:
    """From each pixel of an outline to the nearest of the other one.

    Outlines are few of an image's pixels, so they are searched; a distance transform would visit
    all of them. Both are exact, to the last digit.
    """
    tree = KDTree(other, balanced_tree=False, compact_nodes=False)  # pixels lie evenly
    return np.asarray(tree.query(outline)[0], np.float64)
