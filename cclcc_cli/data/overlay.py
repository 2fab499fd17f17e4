"""Two pictures of one place laid over each other, and how far their fine detail agrees.

The detail score is the correlation of locally normalised detail, taken block by block, of which
the median counts: a sharp border, a black surround or an overlaid text sways few blocks.
"""

from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

GLANCE = 64  # pixels per side
BLOCKS = 8  # per side
_FIRST_LOOK = 48  # pixels per side at which a glance is registered
_GRAIN = 2.0  # pixels; what is finer is detail
_FEWEST_BLOCKS = 16  # that must show tissue in both images
_MASK_PLAY = 0.025  # share of the side by which masks of the same thing may lie apart
_DARK = 24  # grey levels; below lies the surround of a lens, not tissue

_Pixels = NDArray[np.uint8]
_Field = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class View:
    """An image ready to be laid over another: luminance and mask, ``(side, side)``, 0 to 255."""

    grey: _Pixels
    mask: _Pixels | None


@dataclass(frozen=True)
class Overlay:
    """One picture laid over another.

    Attributes:
        score: how far their detail agrees, -1 to 1, each block shifted by a pixel where that helps.
        still: share of the blocks that agree best where they lie, 0 to 1: all of a copy's, few
            where tissue or camera moved.
        masks: how their masks agree where both pictures show something; None without both.
    """

    score: float
    still: float
    masks: "MaskAgreement | None"


@dataclass(frozen=True)
class MaskAgreement:
    """Two masks of the same thing.

    Attributes:
        iou: intersection over union, 0 to 1; 1 where both are empty.
        close: share of both masks' pixels that the other one covers, or misses by no more than
            two hands or a rough registration do; 1 where both are empty.
    """

    iou: float
    close: float


def shrink(picture: _Pixels, side: int) -> _Pixels:
    """By area, to ``(side, side)``."""
    return np.asarray(cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def rough_warp(
    one: _Pixels, two: _Pixels, length: float = 1.0, centre: tuple[float, float] = (0.0, 0.0)
) -> tuple[float, _Field]:
    """The detail score of two small pictures and the warp between them; -1 where none is found.

    Args:
        one, two: ``(GLANCE, GLANCE)``.
        length: of the window of the first that may show the second, as a share of its side.
        centre: of that window (down, right) from the middle, as shares of the side.
    """
    middle = (_FIRST_LOOK - 1) / 2 * (1 - length)
    down, right = (middle + _FIRST_LOOK * away for away in centre)
    begin = np.array([[length, 0, right], [0, length, down]], np.float32)
    warp = _register(shrink(one, _FIRST_LOOK), shrink(two, _FIRST_LOOK), begin, blur=3, steps=8)
    if warp is None:
        return -1.0, begin
    warp = enlarge(warp, GLANCE / _FIRST_LOOK)
    return _detail_score(one, two, warp)[0], warp


def lay_over(one: View, two: View, warp: _Field) -> Overlay:
    """The first laid over the second by a warp, or by what a finer registration makes of it.

    Whatever scores better counts.
    """
    score = _detail_score(one.grey, two.grey, warp, play=1)
    finer = _register(one.grey, two.grey, warp, blur=3, steps=30)
    if finer is not None:
        better = _detail_score(one.grey, two.grey, finer, play=1)
        score, warp = max((score, warp), (better, finer), key=lambda scored: scored[0][0])
    if one.mask is None or two.mask is None:
        return Overlay(*score, None)
    inside = _inside(warp, len(two.mask))
    moved = _warp(one.mask.astype(np.float32), warp, cv2.INTER_LINEAR)
    return Overlay(*score, mask_agreement((moved >= 128) & inside, (two.mask >= 128) & inside))


def mask_agreement(one: NDArray[np.bool_], two: NDArray[np.bool_]) -> MaskAgreement:
    """How two masks ``(side, side)`` in the same place agree."""
    area = int(np.count_nonzero(one)) + int(np.count_nonzero(two))
    if not area:
        return MaskAgreement(1.0, 1.0)
    shared = int(np.count_nonzero(one & two))
    reach = 2 * round(_MASK_PLAY * len(one)) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    close = sum(int(np.count_nonzero(part & (cv2.dilate(other.astype(np.uint8), disc) > 0)))
                for part, other in ((one, two), (two, one)))
    return MaskAgreement(shared / (area - shared), close / area)


def _register(one: _Pixels, two: _Pixels, warp: _Field, blur: int, steps: int) -> _Field | None:
    """The affine warp from the second's place to the first's, None where none is found.

    Args:
        one, two: ``(side, side)``.
        warp: to begin with.
        blur: pixels over which both are smoothed.
        steps: at most.
    """
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, steps, 1e-4)
    everywhere = np.full(two.shape, 255, np.uint8)
    try:
        _, found = cv2.findTransformECC(
            two, one, warp.copy(), cv2.MOTION_AFFINE, stop, everywhere, blur)
    except cv2.error:  # it did not converge: these two have little in common
        return None
    return np.asarray(found, np.float32) if np.isfinite(found).all() else None


def enlarge(warp: _Field, factor: float) -> _Field:
    """The same affine map between pictures ``factor`` times as large; pixel centres are kept."""
    larger = warp.copy()
    larger[:, 2] = factor * warp[:, 2] + (warp[:, :2].sum(axis=1) - 1) * (factor - 1) / 2
    return larger


def _detail_score(
    one: _Pixels, two: _Pixels, warp: _Field, play: int = 0
) -> tuple[float, float]:
    """How far the detail of two ``(side, side)`` pictures agrees once the first is warped.

    Args:
        one, two: the pictures.
        warp: from the second's place to the first's.
        play: pixels by which each block may lie off, since tissue does not move as one plate.

    Returns:
        The median correlation over blocks, -1 to 1, -1 where too little tissue is seen in both;
        and the share of blocks that agree best where they lie.
    """
    moved = _warp(one.astype(np.float32), warp, cv2.INTER_CUBIC)
    (fine_one, rough_one), (fine_two, rough_two) = _detail(moved), _detail(two.astype(np.float32))
    tissue = _inside(warp, len(two)) & ~_surround(moved, two) & (rough_one > 1) & (rough_two > 1)
    seen = _blocks(tissue.astype(np.float32))
    used = seen.mean(axis=1) >= 0.5
    if np.count_nonzero(used) < _FEWEST_BLOCKS:
        return -1.0, 0.0
    still = _pattern(_blocks(fine_two)[used], seen[used])
    steps = range(-play, play + 1)
    alike = np.stack([
        np.einsum("bp,bp->b", still, _pattern(_blocks(np.roll(fine_one, by, (0, 1)))[used],
                                              seen[used]))
        for by in product(steps, steps)
    ])
    here = alike.argmax(axis=0) == len(alike) // 2
    return float(np.median(alike.max(axis=0))), float(here.mean())


def _blocks(field: _Field) -> _Field:
    """``(side, side)`` cut into ``(blocks, pixels)``."""
    step = len(field) // BLOCKS
    return field.reshape(BLOCKS, step, BLOCKS, step).swapaxes(1, 2).reshape(BLOCKS**2, step**2)


def _pattern(blocks: _Field, seen: _Field) -> _Field:
    """Each block's seen pixels at mean 0 and length 1: a product of two is their correlation."""
    mean = (blocks * seen).sum(axis=1, keepdims=True) / seen.sum(axis=1, keepdims=True)
    return unit((blocks - mean) * seen)


def _surround(one: _Field, two: _Pixels) -> NDArray[np.bool_]:
    """The dark around a lens in either picture, with the fall of light towards it."""
    dark = ((one < _DARK) | (two < _DARK)).astype(np.uint8)
    wide = cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))  # hairs are thin
    reach = len(two) // 8 | 1
    return np.asarray(cv2.dilate(wide, np.ones((reach, reach), np.uint8)) > 0)


def _detail(picture: _Field) -> tuple[_Field, _Field]:
    """What is finer than the grain, brought to unit strength everywhere; and its variance."""
    fine = picture - cv2.GaussianBlur(picture, (0, 0), _GRAIN)
    variance = cv2.GaussianBlur(fine * fine, (0, 0), 3 * _GRAIN)
    return np.asarray(fine / np.sqrt(variance + 1), np.float32), np.asarray(variance, np.float32)


def _inside(warp: _Field, side: int) -> NDArray[np.bool_]:
    """Where the warped picture has pixels."""
    return _warp(np.ones((side, side), np.float32), warp, cv2.INTER_LINEAR) > 0.99


def _warp(picture: _Field, warp: _Field, how: int) -> _Field:
    side = len(picture)
    moved = cv2.warpAffine(picture, warp, (side, side), flags=how | cv2.WARP_INVERSE_MAP)
    return np.asarray(moved, np.float32)


def unit(vectors: _Field) -> _Field:
    """Each at length 1, unless it is next to nothing."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-3), np.float32)
