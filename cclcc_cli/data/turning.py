"""The eight ways a square picture can lie."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

ORIENTATIONS = ("as it is", "mirrored", "turned 90°", "turned 90° and mirrored", "turned 180°",
                "turned 180° and mirrored", "turned 270°", "turned 270° and mirrored")
"""Turned counter-clockwise, then mirrored left to right."""

_Number = TypeVar("_Number", bound=np.generic)


def turn(pixels: NDArray[_Number], orientation: int) -> NDArray[_Number]:
    """A square picture ``(S, S, ...)`` brought into one of ORIENTATIONS, by its index."""
    turned = np.rot90(pixels, orientation // 2)
    return np.ascontiguousarray(turned[:, ::-1] if orientation % 2 else turned)


def turned_back(orientation: int) -> int:
    """The orientation that undoes another: mirrored ones undo themselves."""
    return orientation if orientation % 2 else -orientation % len(ORIENTATIONS)


def turn_centre(down: float, right: float, orientation: int) -> tuple[float, float]:
    """Where a place, given from the picture's middle, comes to lie once the picture is turned."""
    for _ in range(orientation // 2):
        down, right = -right, down
    return down, -right if orientation % 2 else right
