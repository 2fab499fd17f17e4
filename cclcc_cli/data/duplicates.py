"""Pairs of images that show the same thing: copies, other encodings, turns, crops, exposures.

Copies of a file are found by hash. Every other image is first compared with all others as a
thumbnail, and only its nearest neighbours are looked at closely: turned alike, laid over each
other by an affine registration, and compared by their *fine detail*; at a glance first, which
nearly all of them fail, then at full detail. Two different lesions can have the same outline and
colour, so thumbnails alone accuse hundreds of innocent pairs; skin texture, hairs and vessels
coincide only in pictures of the same place.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from cclcc_cli.data.overlay import (
    BLOCKS,
    GLANCE,
    View,
    enlarge,
    lay_over,
    overlap,
    rough_warp,
    shrink,
    unit,
)
from cclcc_cli.data.pixel_rows import PixelRows
from cclcc_cli.data.workers import in_order, thread_workers

SAME_DETAIL = 0.34
"""Detail score from which two images count as pictures of the same thing, at 128 pixels and more.

At 320 pixels 36 pairs of Kvasir-SEG and ISIC 2017 that are the same to the eye scored 0.36 to 1,
of 23,000 other candidates one scored 0.32, the rest below 0.28. For a smaller side the bar rises
as 1 / side: a block then holds fewer pixels, which are sooner alike by chance.
"""
SMALLEST_SIDE = 64
"""Stores of a smaller size show too little detail: only copies are found in them."""
ORIENTATIONS = ("as it is", "mirrored", "turned 90°", "turned 90° and mirrored", "turned 180°",
                "turned 180° and mirrored", "turned 270°", "turned 270° and mirrored")
"""Turned counter-clockwise, then mirrored left to right."""

_THUMBNAIL = 8  # pixels per side
_NEIGHBOURS = 6  # the last true pair of Kvasir-SEG and ISIC 2017 appears at 6
_SAME_THUMBNAIL = 0.55  # likeness from which a neighbour is glanced at; true pairs: from 0.63
_SIDE = 128  # pixels per side at full detail
_SAME_PIXELS = 2.0  # mean difference in grey levels that only rounding and encoding make

_Number = TypeVar("_Number", bound=np.generic)
_Pixels = NDArray[np.uint8]
_Field = NDArray[np.float32]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class DuplicatePair:
    """Two images that show the same thing.

    Attributes:
        first, second: their positions, first < second.
        kind: ``file`` the same bytes; ``pixels`` the same picture encoded or turned otherwise;
            ``near`` another crop, exposure, sharpness or moment of the same scene.
        score: of the detail, SAME_DETAIL to 1.
        orientation: of ORIENTATIONS, what makes the first lie like the second.
        mask_iou: overlap of their masks once registered, 0 to 1; 1 where both are empty.
    """

    first: int
    second: int
    kind: Literal["file", "pixels", "near"]
    score: float
    orientation: str
    mask_iou: float


def find_duplicates(
    images: PixelRows, masks: PixelRows, file_hashes: Sequence[str],
    progress: Progress = lambda _done, _total: None,
) -> list[DuplicatePair]:
    """Pairs of images that show the same thing, the surest first, in whatever order they come.

    Of several copies of a file, the first forms a pair with each of the others and stands for
    all of them in pairs with other files.

    Args:
        images: ``(n, S, S, 3)`` uint8 RGB; may be a file, it is read image by image.
        masks: ``(n, S, S)`` uint8 in {0, 1}.
        file_hashes: of the files the images came from.
        progress: called with pairs compared and pairs in all.
    """
    positions: defaultdict[str, list[int]] = defaultdict(list)
    for position, digest in enumerate(file_hashes):
        positions[digest].append(position)
    found = [
        DuplicatePair(first, copy, "file", 1.0, ORIENTATIONS[0],
                      round(overlap(masks[first] > 0, masks[copy] > 0), 3))
        for first, *copies in positions.values() for copy in copies
    ]
    if images.shape[1] >= SMALLEST_SIDE and len(positions) > 1:
        # Sorted by hash, so that nothing below depends on the order of the images.
        distinct = [positions[digest][0] for digest in sorted(positions)]
        found += _Gallery(images, masks, distinct).pairs(progress)
    return sorted(found, key=lambda pair: (-pair.score, pair.first, pair.second))


def turn(pixels: NDArray[_Number], orientation: int) -> NDArray[_Number]:
    """A square picture ``(S, S, ...)`` brought into one of ORIENTATIONS, by its index."""
    turned = np.rot90(pixels, orientation // 2)
    return np.ascontiguousarray(turned[:, ::-1] if orientation % 2 else turned)


def _turned_back(orientation: int) -> int:
    """The orientation that undoes another: mirrored ones undo themselves."""
    return orientation if orientation % 2 else -orientation % len(ORIENTATIONS)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """Two pictures of a gallery, and the orientation that makes the first lie like the second."""

    first: int
    second: int
    orientation: int


class _Gallery:
    """Pictures of different files, among which those of the same thing are sought.

    Args:
        images, masks: as for ``find_duplicates``.
        positions: of the gallery's pictures in them.
    """

    def __init__(self, images: PixelRows, masks: PixelRows, positions: Sequence[int]) -> None:
        self._images, self._masks, self._positions = images, masks, positions
        self._side = min(_SIDE, images.shape[1] // BLOCKS * BLOCKS)
        self._glances = np.empty((len(positions), GLANCE, GLANCE), np.uint8)
        as_stored = np.argsort(positions).tolist()  # a memory map is read fastest in its order
        with thread_workers() as pool:
            for picture, glance in zip(as_stored, in_order(pool, self._glance, as_stored),
                                       strict=True):
                self._glances[picture] = glance

    def pairs(self, progress: Progress) -> Iterator[DuplicatePair]:
        """Every pair found; tells how many candidates were compared, of how many."""
        candidates = _likely_pairs(self._glances)
        batches = [candidates[start:start + 32] for start in range(0, len(candidates), 32)]
        done = 0
        with thread_workers() as pool:
            for batch, found in zip(batches, in_order(pool, self._compare_all, batches),
                                    strict=True):
                yield from found
                done += len(batch)
                progress(done, len(candidates))

    def _compare_all(self, candidates: Sequence[_Candidate]) -> list[DuplicatePair]:
        return [pair for pair in map(self._compare, candidates) if pair is not None]

    def _compare(self, candidate: _Candidate) -> DuplicatePair | None:
        warp = rough_warp(turn(self._glances[candidate.first], candidate.orientation),
                           self._glances[candidate.second])
        if warp is None:
            return None
        one = self._view(candidate.first, candidate.orientation)
        two = self._view(candidate.second)
        warp = enlarge(warp, self._side / GLANCE)
        back = np.asarray(cv2.invertAffineTransform(warp), np.float32)
        # Which of two is warped matters, most where one is sharper: the better way counts.
        score, mask_iou = max(lay_over(one, two, warp), lay_over(two, one, back))
        if score < SAME_DETAIL * _SIDE / self._side:
            return None
        same = cv2.norm(one.grey, two.grey, cv2.NORM_L1) / one.grey.size < _SAME_PIXELS
        first, second = self._positions[candidate.first], self._positions[candidate.second]
        orientation = candidate.orientation
        if first > second:
            first, second, orientation = second, first, _turned_back(orientation)
        return DuplicatePair(first, second, "pixels" if same else "near", round(score, 3),
                             ORIENTATIONS[orientation], round(mask_iou, 3))

    def _glance(self, picture: int) -> _Pixels:
        return _grey(self._images[self._positions[picture]], GLANCE)

    def _view(self, picture: int, orientation: int = 0) -> View:
        position = self._positions[picture]
        mask = np.asarray(self._masks[position]) * np.uint8(255)
        return View(turn(_grey(self._images[position], self._side), orientation),
                     turn(shrink(mask, self._side), orientation))


def _grey(image: _Pixels, side: int) -> _Pixels:
    """Luminance ``(side, side)`` of an RGB image."""
    return shrink(np.asarray(cv2.cvtColor(np.asarray(image), cv2.COLOR_RGB2GRAY), np.uint8), side)


def _likely_pairs(glances: _Pixels) -> list[_Candidate]:
    """Neighbours that look alike as thumbnails, in the orientation in which they do most."""
    lying = _thumbnails(glances)
    likely = []
    for pairs in np.array_split(_neighbours(lying), len(glances) // 500 + 1):
        first, second = pairs.T
        alike = np.einsum("ond,nd->on", lying[:, first], lying[0, second])
        close = alike.max(axis=0) >= _SAME_THUMBNAIL
        likely += [_Candidate(*found) for found in np.stack(
            [first, second, alike.argmax(axis=0)], axis=1)[close].tolist()]
    return likely


def _thumbnails(glances: _Pixels) -> _Field:
    """``(8, n, d)``, each picture in all orientations; a product of two is their likeness.

    What pictures have in common (a bright middle, a dark corner) counts less than what tells them
    apart: along each principal component divided by the root of its deviation over all pictures,
    half way to whitening. All orientations share the components, so turning two pictures alike
    leaves their likeness as it is.
    """
    step = GLANCE // _THUMBNAIL
    blocks = glances.reshape(-1, _THUMBNAIL, step, _THUMBNAIL, step)
    small = np.moveaxis(blocks.mean(axis=(2, 4), dtype=np.float32), 0, -1)
    lying = unit(np.stack([turn(small - small.mean(axis=(0, 1)), orientation)
                            .reshape(-1, len(glances)).T for orientation in range(8)]))
    flat = lying.reshape(-1, _THUMBNAIL**2)
    power, components = np.linalg.eigh((flat.T @ flat / len(flat)).astype(np.float64))
    power = np.maximum(power, 0) + 0.01 * power.max() + 1e-9
    return unit(np.asarray(lying @ (components * power**-0.25).astype(np.float32)))


def _neighbours(lying: _Field) -> NDArray[np.int64]:
    """Pairs ``(m, 2)`` of each picture with the likest ones, as they lie and however turned.

    Turned ones are many more, and so the chance likenesses among them: those that lie as they are
    get places of their own.
    """
    still, found = lying[0], []
    for start in range(0, len(still), 256):
        here = np.arange(start, min(start + 256, len(still)))
        as_it_is = still[here] @ still.T
        as_it_is[here - start, here] = -np.inf
        turned = as_it_is.copy()
        for view in lying[1:, here]:
            np.maximum(turned, view @ still.T, out=turned)
        turned[here - start, here] = -np.inf
        for likeness in (as_it_is, turned):
            there = _largest(likeness, min(_NEIGHBOURS, len(still) - 1))
            found.append(np.stack([np.repeat(here, there.shape[1]), there.ravel()], axis=1))
    return np.unique(np.sort(np.concatenate(found), axis=1), axis=0)


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
