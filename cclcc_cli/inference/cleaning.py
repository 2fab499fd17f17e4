"""What may be done to a predicted mask: holes filled, specks dropped, one component kept."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Cleaning:
    """Applied in this order, at the image's own size.

    Attributes:
        fill_holes: background that foreground encloses becomes foreground.
        min_area: components of fewer pixels are dropped.
        largest_component: all components but the largest are dropped.
    """

    fill_holes: bool = False
    min_area: int = 0
    largest_component: bool = False


def clean_mask(mask: Mask, rule: Cleaning) -> tuple[Mask, int]:
    """The mask ``(H, W)`` after a rule, and its number of components.

    Foreground is connected over corners, background over edges.
    """
    if rule.fill_holes:
        mask = _fill_holes(mask)
    if rule.min_area <= 1 and not rule.largest_component:  # nothing is dropped: half the work
        return mask, cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[0] - 1
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        mask.astype(np.uint8), connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA]
    kept = areas >= rule.min_area
    if rule.largest_component and kept.any():
        kept &= np.arange(len(areas)) == int(np.argmax(areas))
    if kept.all():
        return mask, count - 1
    keep = np.concatenate([[False], kept])
    return keep[labels], int(kept.sum())


def _fill_holes(mask: Mask) -> Mask:
    background = np.pad(~mask, 1, constant_values=True)  # what touches the border is no hole
    _, labels = cv2.connectedComponents(background.astype(np.uint8), connectivity=4)
    return np.asarray(labels[1:-1, 1:-1] != labels[0, 0])
