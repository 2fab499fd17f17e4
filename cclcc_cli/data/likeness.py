"""Which pictures look alike as thumbnails: whole ones, and windows of one beside whole others.

A thumbnail has 8 x 8 pixels and is looked at in all eight orientations. What it says is a hint:
``duplicates`` looks closely at what is named here.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from cclcc_cli.data.overlay import unit
from cclcc_cli.data.turning import turn

_Pixels = NDArray[np.uint8]
_Field = NDArray[np.float32]

_THUMBNAIL = 8  # pixels per side
_NEIGHBOURS = 6  # the last true pair of Kvasir-SEG and ISIC 2017 appears at 6
_WINDOW_NEIGHBOURS = 3
# Likeness from which a neighbour is looked at: all that is the same to the eye reaches 0.58, crops
# to 0.8 of the side 0.66 by one of their windows.
_SAME_THUMBNAIL, _SAME_WINDOW = 0.55, 0.66
_MANY = 12  # pictures among which one half way down the likeness is another thing
WINDOW = 0.85
"""Side of a window, as a share of the picture's: half way to the smallest crop looked for."""
_AWAY = (1 - WINDOW) / 2
CENTRES = ((0.0, 0.0), (-_AWAY, -_AWAY), (-_AWAY, _AWAY), (_AWAY, -_AWAY), (_AWAY, _AWAY))
"""Middles of the windows (down, right), from the picture's middle, as shares of its side."""


@dataclass(frozen=True, slots=True)
class Likely:
    """Two pictures that may show the same thing.

    Attributes:
        first, second: positions.
        orientation: that makes the first lie like the second.
        window: of the first, by its place in CENTRES, that looks like the second; None: all of it.
    """

    first: int
    second: int
    orientation: int
    window: int | None = None


class Thumbnails:
    """Thumbnails of pictures ``(n, side, side)`` and of their windows, ready to be compared.

    What pictures have in common (a bright middle, a dark corner) counts less than what tells them
    apart: along each principal component divided by the root of its deviation over all pictures,
    half way to whitening. All orientations share the components, so turning two pictures alike
    leaves their likeness as it is.
    """

    def __init__(self, pictures: _Pixels) -> None:
        lying = _turned(_shrunk(pictures, 0, pictures.shape[1]))
        flat = lying.reshape(-1, _THUMBNAIL**2)
        power, components = np.linalg.eigh((flat.T @ flat / max(len(flat), 1)).astype(np.float64))
        power = np.maximum(power, 0) + 0.01 * power.max() + 1e-9
        self._basis = (components * power**-0.25).astype(np.float32)
        self._lying = unit(lying @ self._basis)  # (8, n, d)
        length = round(WINDOW * pictures.shape[1])
        self._windows = np.stack([
            unit(_turned(_shrunk(pictures, corner, length)) @ self._basis)
            for corner in ((round((0.5 + down) * pictures.shape[1] - length / 2),
                            round((0.5 + right) * pictures.shape[1] - length / 2))
                           for down, right in CENTRES)
        ])  # (windows, 8, n, d)

    def likely(self, hints: Iterable[tuple[int, int]] = ()) -> list[list[Likely]]:
        """Pairs worth a close look, each with the ways to lay one over the other, likest first.

        Args:
            hints: pairs to name in any case.
        """
        ways: dict[tuple[int, int], list[tuple[float, Likely]]] = {}
        whole, cropped = self._neighbours()
        for likeness, found in (*self._best(self._lying[None], whole, windows=False),
                                *self._best(self._windows, cropped, windows=True)):
            pair = min(found.first, found.second), max(found.first, found.second)
            ways.setdefault(pair, []).append((likeness, found))
        for first, second in hints:
            pair = min(first, second), max(first, second)
            ways.setdefault(pair, [(0.0, self._as_alike_as_can_be(*pair))])
        return [[found for _, found in sorted(each, key=lambda way: -way[0])]
                for _, each in sorted(ways.items())]

    def stranger(self, picture: int) -> Likely:
        """A picture beside one that is like it as every other one is, and hardly shows the same.

        Where there are few pictures, it is turned, so that not even copies would match.
        """
        likeness = np.array((self._lying[:, picture] @ self._lying[0].T).max(axis=0))
        likeness[picture] = np.inf
        order = np.argsort(-likeness, kind="stable")
        way = self._as_alike_as_can_be(picture, int(order[len(order) // 2]))
        return way if len(order) >= _MANY else replace(way, orientation=(way.orientation + 4) % 8)

    def _as_alike_as_can_be(self, first: int, second: int) -> Likely:
        return Likely(first, second, int((self._lying[:, first] @ self._lying[0, second]).argmax()))

    def _best(
        self, views: _Field, pairs: NDArray[np.int64], windows: bool
    ) -> list[tuple[float, Likely]]:
        found = []
        for some in np.array_split(pairs, len(pairs) // 5000 + 1):
            first, second = some.T
            alike = np.einsum("wond,nd->won", views[:, :, first], self._lying[0, second])
            flat = alike.reshape(-1, len(some))
            best, most = flat.argmax(axis=0), flat.max(axis=0)
            found += [
                (float(likeness), Likely(int(one), int(two), int(way) % 8,
                                         int(way) // 8 if windows else None))
                for one, two, way, likeness in zip(first, second, best, most, strict=True)
                if likeness >= (_SAME_WINDOW if windows else _SAME_THUMBNAIL)
            ]
        return found

    def _neighbours(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Pairs ``(m, 2)`` of each picture with the likest, as it lies and however turned.

        Turned ones are many more, and so the chance likenesses among them: those that lie as they
        are get places of their own. First pairs of whole pictures, then of windows with whole ones.
        """
        still = self._lying[0]
        whole: list[NDArray[np.int64]] = []
        cropped: list[NDArray[np.int64]] = []
        for start in range(0, len(still), 256):
            here = np.arange(start, min(start + 256, len(still)))
            for views, count, into in ((self._lying[None], _NEIGHBOURS, whole),
                                       (self._windows, _WINDOW_NEIGHBOURS, cropped)):
                as_it_is = np.full((len(here), len(still)), -np.inf, np.float32)
                turned = as_it_is.copy()
                for view in views:
                    np.maximum(as_it_is, view[0, here] @ still.T, out=as_it_is)
                    for lying in view[1:, here]:
                        np.maximum(turned, lying @ still.T, out=turned)
                np.maximum(turned, as_it_is, out=turned)
                for likeness in (as_it_is, turned):
                    likeness[here - start, here] = -np.inf
                    there = _largest(likeness, min(count, len(still) - 1))
                    into.append(np.stack([np.repeat(here, there.shape[1]), there.ravel()], axis=1))
        return (np.unique(np.sort(np.concatenate(whole), axis=1), axis=0),
                np.unique(np.concatenate(cropped), axis=0))


def _shrunk(pictures: _Pixels, corner: int | tuple[int, int], length: int) -> _Field:
    """Windows of pictures as thumbnails ``(8, 8, n)``."""
    top, left = corner if isinstance(corner, tuple) else (corner, corner)
    size = (_THUMBNAIL, _THUMBNAIL)
    small = [cv2.resize(picture[top:top + length, left:left + length].astype(np.float32), size,
                        interpolation=cv2.INTER_AREA) for picture in pictures]
    return np.stack(small, axis=-1)


def _turned(small: _Field) -> _Field:
    """Thumbnails ``(8, 8, n)`` in all orientations, ``(8, n, 64)``, without their brightness."""
    plain = small - small.mean(axis=(0, 1))
    return unit(np.stack([turn(plain, orientation).reshape(-1, small.shape[-1]).T
                          for orientation in range(8)]))


def _largest(values: _Field, count: int) -> NDArray[np.int64]:
    """Columns ``(n, count)`` of the largest values in each row, in any order."""
    num_bins = -(-values.shape[1] // 16)
    binned = np.pad(values, [(0, 0), (0, 16 * num_bins - values.shape[1])], constant_values=-np.inf)
    # The largest lie in as many bins, those of the largest maxima: few values need be sorted.
    most = -binned.reshape(len(values), 16, num_bins).max(axis=1)
    bins = np.argpartition(most, min(count, num_bins) - 1)[:, :count]
    columns = (bins[:, None, :] + num_bins * np.arange(16)[:, None]).reshape(len(values), -1)
    order = np.argpartition(-np.take_along_axis(binned, columns, 1), count - 1)[:, :count]
    return np.take_along_axis(columns, order, 1)
