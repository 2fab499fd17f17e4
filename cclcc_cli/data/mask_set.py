"""What all masks of a data set have in common and ought not to.

One mask may touch the border, cover the image or be empty, and be right. Most of them together
speak of a wrong coding (black on white), or of objects that nobody outlined.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_FEWEST = 8  # masks of which anything is said in common
_MOST = 0.5  # share of the masks
# Of Kvasir-SEG's and ISIC 2017's masks at most 0.2 % cover so much of the border, and 3 % and 8 %
# so much of the image.
_BORDER, _COVERED = 0.5, 0.5
_SIDE = 32  # pixels per side of what is compared by colour
_LEVELS, _REACH = 8, 128.0  # of a colour's difference from its image: bins per channel, grey levels
_CHANCE = 0.05  # share of images in which as much of the background looks like an object
_KNOWN = 0.6  # share of objects that must be told from the background by their colours
_FEWEST_SEEN, _SEEN = 3, 0.25  # empty masks beside which objects are seen: number and share

_Field = NDArray[np.float32]


@dataclass(frozen=True)
class SetFinding:
    """Something that many masks of a data set have in common.

    Attributes:
        what: ``masks cover the border``, ``masks cover most of the image`` or ``empty masks beside
            objects``.
        count: masks that do.
        of: masks looked at.
        detail: what it may mean.
    """

    what: str
    count: int
    of: int
    detail: str


@dataclass(frozen=True, eq=False)
class MaskLook:
    """What is kept of one image and its mask.

    Attributes:
        border: share of the border's pixels that are foreground.
        foreground: share of the image.
        bins: of the colours, less the image's own middle, ``(32 * 32,)``.
        inside: which pixels the mask holds for the most part, and which it leaves alone.
    """

    border: float
    foreground: float
    bins: NDArray[np.intp]
    inside: NDArray[np.bool_]
    outside: NDArray[np.bool_]


def look_at_mask(image: NDArray[np.uint8], area: NDArray[np.bool_]) -> MaskLook:
    """Look at an image ``(S, S, 3)`` RGB and its foreground ``(S, S)``."""
    edges = np.concatenate([area[0], area[-1], area[1:-1, 0], area[1:-1, -1]])
    size = (_SIDE, _SIDE)
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    colors = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).reshape(-1, 3).astype(np.float32)
    apart = (colors - np.median(colors, axis=0)) / _REACH * _LEVELS + _LEVELS / 2
    digits = np.clip(apart.astype(np.intp), 0, _LEVELS - 1)
    share = cv2.resize(area.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    around = cv2.dilate(share, np.ones((5, 5), np.uint8))
    return MaskLook(float(edges.mean()), float(area.mean()),
                    np.ravel_multi_index(tuple(digits.T), (_LEVELS,) * 3),
                    share.ravel() > 0.5, around.ravel() == 0)


def findings_of_all(looks: Sequence[MaskLook]) -> tuple[SetFinding, ...]:
    """What many masks have in common, the commonest first."""
    return tuple(sorted(_findings(looks), key=lambda found: -found.count))


def _findings(looks: Sequence[MaskLook]) -> Iterator[SetFinding]:
    filled = [look for look in looks if look.foreground > 0]
    if len(filled) >= _FEWEST:
        inverted = "foreground and background may be exchanged"
        for what, count in (
            ("masks cover the border", sum(look.border > _BORDER for look in filled)),
            ("masks cover most of the image", sum(look.foreground > _COVERED for look in filled)),
        ):
            if count > _MOST * len(filled):
                yield SetFinding(what, count, len(filled), inverted)
    empty = [look for look in looks if look.foreground == 0]
    seen = _objects_seen(filled, empty)
    if seen >= max(_FEWEST_SEEN, _SEEN * len(empty)):
        yield SetFinding("empty masks beside objects", seen, len(empty),
                         "these images have areas of the colours that objects have elsewhere")


def _objects_seen(filled: Sequence[MaskLook], empty: Sequence[MaskLook]) -> int:
    """Images with an empty mask that hold as much of the objects' colours as others do.

    How objects differ in colour is learnt from one half of the other images and tried on the other
    half: where it does not tell objects from their surroundings, nothing is claimed.
    """
    known = [look for look in filled if look.inside.any() and look.outside.any()]
    if len(known) < 2 * _FEWEST or not empty:
        return 0
    inside, outside = (
        np.bincount(np.concatenate(parts), minlength=_LEVELS**3) + 1.0
        for parts in ([look.bins[look.inside] for look in known[::2]],
                      [look.bins[look.outside] for look in known[::2]]))
    odds = np.log(inside / inside.sum()) - np.log(outside / outside.sum())
    background = [_evidence(odds, look, look.outside) for look in known[1::2]]
    bar = float(np.quantile(background, 1 - _CHANCE))
    told = np.mean([_evidence(odds, look, look.inside) > bar for look in known[1::2]])
    if told < _KNOWN:
        return 0
    return sum(_evidence(odds, look, np.ones_like(look.inside)) > bar for look in empty)


def _evidence(odds: NDArray[np.float64], look: MaskLook, part: NDArray[np.bool_]) -> float:
    """How far the likeliest connected area, 3 x 3 small pixels, has the colours of objects."""
    field = np.where(part, odds[look.bins], odds.min()).reshape(_SIDE, _SIDE)
    return float(cv2.blur(field, (3, 3)).max())
