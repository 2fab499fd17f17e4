"""Distances between the outlines of two masks, in pixels."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def surface_scores(mask: NDArray[np.bool_], target: NDArray[np.bool_]) -> dict[str, float]:
    """How far the outline of a prediction lies from the true one.

    An outline is the mask's pixels with a 4-neighbour outside it or outside the image.

    Args:
        mask: the prediction, ``(H, W)`` bool.
        target: the truth, ``(H, W)`` bool.

    Returns:
        ``hd95``, the larger of the two directed 95th percentiles, and ``assd``, the mean over
        both outlines together, in pixels. Both empty: 0. One empty: the image's diagonal, the
        worst there is, so that every image stays in the mean.
    """
    if not mask.any() or not target.any():
        both = not mask.any() and not target.any()
        distance = 0.0 if both else math.hypot(*mask.shape)
        return {"hd95": distance, "assd": distance}
    box = _bounding_box(mask | target)  # the outlines, and so their distances, lie inside it
    outline, true_outline = _outline(mask[box]), _outline(target[box])
    to_truth = _distances(outline, true_outline)
    to_mask = _distances(true_outline, outline)
    hd95 = max(np.percentile(to_truth, 95), np.percentile(to_mask, 95))
    total = len(to_truth) + len(to_mask)
    return {"hd95": float(hd95), "assd": float((to_truth.sum() + to_mask.sum()) / total)}


def _bounding_box(area: NDArray[np.bool_]) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(area.any(axis=1)), np.flatnonzero(area.any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _outline(area: NDArray[np.bool_]) -> NDArray[np.bool_]:
    # Beyond the cut everything is background: the box holds all of both masks.
    inner: NDArray[np.bool_] = ndimage.binary_erosion(area)
    return area & ~inner


def _distances(
    outline: NDArray[np.bool_], other: NDArray[np.bool_]
) -> NDArray[np.float64]:
    distances: NDArray[np.float64] = ndimage.distance_transform_edt(~other)[outline]
    return distances
