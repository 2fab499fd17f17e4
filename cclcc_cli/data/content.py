"""Where a picture has content: the black or white borders around it are cut off.

A copy is often flipped or turned inside its border, or has another border or none.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

_DARK, _BRIGHT = 20, 250  # grey levels up to and from which a pixel may be of a border
_BORDER = 0.95  # share of such pixels in a line of the border: lettering may stand there
_SMALLEST = 0.25  # share of each side that content fills at least, or all is taken as content

Box = tuple[slice, slice]


def content_box(grey: NDArray[np.uint8]) -> Box:
    """Rows and columns of a luminance ``(H, W)`` without uniform borders, black or white."""
    marks = [cv2.inRange(grey, low, high) for low, high in ((0, _DARK), (_BRIGHT, 255))]
    box = []
    for axis, side in ((1, grey.shape[0]), (0, grey.shape[1])):
        shares = [cv2.reduce(mark, axis, cv2.REDUCE_AVG, dtype=cv2.CV_32F).ravel() / 255
                  for mark in marks]
        kept = np.flatnonzero(np.maximum(*shares) < _BORDER)
        first, last = (int(kept[0]), int(kept[-1]) + 1) if len(kept) else (0, side)
        if last - first < _SMALLEST * side:
            first, last = 0, side
        box.append(slice(first, last))
    return box[0], box[1]
