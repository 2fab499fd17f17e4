"""Pairs of images that show the same thing: copies, other encodings, turns, crops, exposures.

Copies of a file are found by hash. Every other image is cut to its content, compared with all
others as a thumbnail, and only its nearest neighbours are looked at closely: turned alike, laid
over each other by an affine registration, and compared by their *fine detail*; at a glance first,
which nearly all of them fail, then at full detail. Two different lesions can have the same outline
and colour, so thumbnails alone accuse hundreds of innocent pairs; skin texture, hairs and vessels
coincide only in pictures of the same place.

Soft pictures have little detail, and all pictures of one anatomy have some in common. So the bar
is set by the data: by how far the detail of images agrees that have nothing to do with each other.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from cclcc_cli.data.class_map import foreground
from cclcc_cli.data.content import Box, content_box
from cclcc_cli.data.likeness import CENTRES, WINDOW, Likely, Thumbnails
from cclcc_cli.data.overlay import (
    BLOCKS,
    GLANCE,
    MaskAgreement,
    Overlay,
    View,
    enlarge,
    lay_over,
    mask_agreement,
    rough_warp,
    shrink,
)
from cclcc_cli.data.pixel_rows import PixelRows
from cclcc_cli.data.turning import ORIENTATIONS, turn, turn_centre, turned_back
from cclcc_cli.data.workers import in_order, thread_workers

SAME_DETAIL = 0.34
"""Detail score from which two images count as pictures of the same thing, at 128 pixels and more.

At 320 pixels 36 pairs of Kvasir-SEG and ISIC 2017 that are the same to the eye scored 0.36 to 1,
of 23,000 other candidates one scored 0.32, the rest below 0.28. For a smaller side the bar rises
as 1 / side: a block then holds fewer pixels, which are sooner alike by chance.
"""
SMALLEST_SIDE = 64
"""Stores of a smaller size show too little detail: only copies are found in them."""

_SAME_GLANCE = 0.2  # detail score; true pairs: from 0.21, 99 of 100 others less
_SIDE = 128  # pixels per side at full detail
_SAME_PIXELS = 2.0  # mean difference in grey levels that only rounding and encoding make
_COPIES = ((0.0, 0.9), (0.83, 0.65))
"""Score and still blocks of which a copy reaches both, of either pair.

Of planted frames of a moving scene (benchmarks/audit.py) nearly none does.
"""

# Unrelated images of the same set are laid over each other to learn what is chance there.
_STRANGERS = 40  # pairs of them
_FEWEST_STRANGERS = 8  # from which a bar can be learnt
_GLANCE_DEVIATIONS, _DETAIL_DEVIATIONS = 2.5, 7.0  # above the middle of strangers
_HIGHEST_BAR = 0.9  # copies score more in the softest pictures too

_Pixels = NDArray[np.uint8]
Progress = Callable[[int, int], None]
Kind = Literal["file", "pixels", "altered", "scene", "similar"]


@dataclass(frozen=True)
class DuplicatePair:
    """Two images that show the same thing, or seem to.

    Attributes:
        first, second: their positions, first < second.
        kind: ``file`` the same bytes; ``pixels`` the same picture encoded or turned otherwise;
            ``altered`` the same picture in another crop, exposure or sharpness; ``scene`` probably
            the same place at another moment; ``similar`` alike in detail, but no more so than
            unrelated images of this set may be.
        score: of the detail, SAME_DETAIL to 1.
        orientation: of ORIENTATIONS, what makes the first lie like the second.
        masks: how their masks agree once registered; None where one of them has no mask.
    """

    first: int
    second: int
    kind: Kind
    score: float
    orientation: str
    masks: MaskAgreement | None


def find_duplicates(
    images: PixelRows, masks: PixelRows, file_hashes: Sequence[str],
    progress: Progress = lambda _done, _total: None,
    has_mask: Sequence[bool] | None = None, names: Sequence[str] | None = None,
) -> list[DuplicatePair]:
    """Pairs of images that show the same thing, the surest first, in whatever order they come.

    Of several copies of a file, the first forms a pair with each of the others and stands for
    all of them in pairs with other files.

    Args:
        images: ``(n, S, S, 3)`` uint8 RGB; may be a file, it is read image by image.
        masks: ``(n, S, S)`` uint8: 0 background, 255 ignored, else foreground.
        file_hashes: of the files the images came from.
        progress: called with pairs compared and pairs in all.
        has_mask: whether each image has a mask; all of them, where nothing is given.
        names: of the images; those of nearly the same name, such as frames of a video, are
            looked at closely even where their thumbnails differ.
    """
    known = [True] * len(images) if has_mask is None else has_mask
    gallery = _Gallery(images, masks, known)
    positions: defaultdict[str, list[int]] = defaultdict(list)
    for position, digest in enumerate(file_hashes):
        positions[digest].append(position)
    found = [
        DuplicatePair(first, copy, "file", 1.0, ORIENTATIONS[0], gallery.same_place(first, copy))
        for first, *copies in positions.values() for copy in copies
    ]
    if images.shape[1] >= SMALLEST_SIDE and len(positions) > 1:
        # Sorted by hash, so that nothing below depends on the order of the images.
        distinct = [positions[digest][0] for digest in sorted(positions)]
        hints = [] if names is None else _neighbours_by_name([names[at] for at in distinct])
        found += gallery.pairs(distinct, hints, progress)
    return sorted(found, key=lambda pair: (-pair.score, pair.first, pair.second))


@dataclass(frozen=True)
class _Bars:
    """Detail scores to reach: at a glance, and at full detail to be no stranger, or similar."""

    glance: float
    detail: float
    similar: float


class _Gallery:
    """Images and masks, among which those of the same thing are sought.

    Args:
        images, masks, has_mask: as for ``find_duplicates``.
    """

    def __init__(self, images: PixelRows, masks: PixelRows, has_mask: Sequence[bool]) -> None:
        self._images, self._masks, self._has_mask = images, masks, has_mask
        self._side = min(_SIDE, images.shape[1] // BLOCKS * BLOCKS)
        self._positions: Sequence[int] = ()
        self._boxes: dict[int, Box] = {}
        self._glances = np.empty((0, GLANCE, GLANCE), np.uint8)

    def same_place(self, first: int, second: int) -> MaskAgreement | None:
        """How the masks of two copies of a file agree."""
        if not (self._has_mask[first] and self._has_mask[second]):
            return None
        one, two = (foreground(self._masks[position]) for position in (first, second))
        return _rounded(mask_agreement(one, two))

    def pairs(
        self, positions: Sequence[int], hints: Iterable[tuple[int, int]], progress: Progress
    ) -> Iterator[DuplicatePair]:
        """Every pair found; tells how many candidates were compared, of how many.

        Args:
            positions: of pictures of different files.
            hints: pairs among them, by their places in ``positions``, to look at in any case.
            progress: called with pairs compared and pairs in all.
        """
        self._positions = positions
        self._glances = np.empty((len(positions), GLANCE, GLANCE), np.uint8)
        as_stored = np.argsort(positions).tolist()  # a memory map is read fastest in its order
        with thread_workers() as pool:
            for picture, (box, glance) in zip(as_stored, in_order(pool, self._glance, as_stored),
                                              strict=True):
                self._boxes[picture], self._glances[picture] = box, glance
            thumbnails = Thumbnails(self._glances)
            candidates = thumbnails.likely(hints)
            bars = self._learn_bars(thumbnails)
            batches = [candidates[start:start + 32] for start in range(0, len(candidates), 32)]

            def compare(batch: Sequence[Sequence[Likely]]) -> list[DuplicatePair]:
                return [pair for ways in batch if (pair := self._compare(ways, bars)) is not None]

            done = 0
            for batch, found in zip(batches, in_order(pool, compare, batches), strict=True):
                yield from found
                done += len(batch)
                progress(done, len(candidates))

    def _learn_bars(self, thumbnails: Thumbnails) -> _Bars:
        similar = SAME_DETAIL * _SIDE / self._side
        count = len(self._positions)
        pictures = range(0, count, -(-count // _STRANGERS))
        strangers = [(way, rough) for way in map(thumbnails.stranger, pictures)
                     if (rough := self._rough_warp(way))[0] > -1]
        glance = _bar(_SAME_GLANCE, _GLANCE_DEVIATIONS, [rough[0] for _, rough in strangers])
        detail = _bar(similar, _DETAIL_DEVIATIONS, [
            self._lay_over(way, rough[1]).score for way, rough in strangers])
        return _Bars(glance, detail, similar)

    def _compare(self, ways: Sequence[Likely], bars: _Bars) -> DuplicatePair | None:
        for way in ways:
            glance, warp = self._rough_warp(way)
            if glance >= bars.glance:
                break
        else:
            return None
        laid = self._lay_over(way, warp)
        if laid.score < bars.similar:
            return None
        kind: Kind = "scene"
        if laid.score < bars.detail:
            kind = "similar"
        elif any(laid.score >= score and laid.still >= still for score, still in _COPIES):
            one, two = self._view(way.first, way.orientation).grey, self._view(way.second).grey
            same = cv2.norm(one, two, cv2.NORM_L1) / one.size < _SAME_PIXELS
            kind = "pixels" if same else "altered"
        first, second = self._positions[way.first], self._positions[way.second]
        orientation = way.orientation
        if first > second:
            first, second, orientation = second, first, turned_back(orientation)
        return DuplicatePair(first, second, kind, round(laid.score, 3), ORIENTATIONS[orientation],
                             laid.masks and _rounded(laid.masks))

    def _rough_warp(self, way: Likely) -> tuple[float, NDArray[np.float32]]:
        one, two = turn(self._glances[way.first], way.orientation), self._glances[way.second]
        if way.window is None:
            return rough_warp(one, two)
        return rough_warp(one, two, WINDOW, turn_centre(*CENTRES[way.window], way.orientation))

    def _lay_over(self, way: Likely, warp: NDArray[np.float32]) -> Overlay:
        one, two = self._view(way.first, way.orientation), self._view(way.second)
        warp = enlarge(warp, self._side / GLANCE)
        back = np.asarray(cv2.invertAffineTransform(warp), np.float32)
        # Which of two is warped matters, most where one is sharper: the better way counts.
        return max(lay_over(one, two, warp), lay_over(two, one, back), key=lambda laid: laid.score)

    def _glance(self, picture: int) -> tuple[Box, _Pixels]:
        grey = _grey(self._images[self._positions[picture]])
        box = content_box(grey)
        return box, shrink(grey[box], GLANCE)

    def _view(self, picture: int, orientation: int = 0) -> View:
        position, box = self._positions[picture], self._boxes[picture]
        grey = turn(shrink(_grey(self._images[position])[box], self._side), orientation)
        if not self._has_mask[position]:
            return View(grey, None)
        mask = foreground(self._masks[position])[box] * np.uint8(255)
        return View(grey, turn(shrink(mask, self._side), orientation))


def _bar(least: float, deviations: float, strangers: Sequence[float]) -> float:
    """A score that strangers do not reach; their upper half may hold pairs that are none."""
    if len(strangers) < _FEWEST_STRANGERS:
        return least
    low, middle = np.quantile(np.arctanh(np.clip(strangers, -0.99, 0.99)), [0.16, 0.5])
    bar = float(np.tanh(middle + deviations * (middle - low)))
    return max(least, min(bar, _HIGHEST_BAR))


def _neighbours_by_name(names: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Pairs of places that come one after the other by name, read from its start or its end."""
    words = [[(word.zfill(20) if word.isdecimal() else word.casefold())
              for word in re.findall(r"\d+|\D+", name)] for name in names]
    for keys in (words, [each[::-1] for each in words]):
        order = sorted(range(len(names)), key=lambda place: keys[place])
        yield from pairwise(order)


def _rounded(masks: MaskAgreement) -> MaskAgreement:
    return MaskAgreement(round(masks.iou, 3), round(masks.close, 3))


def _grey(image: _Pixels) -> _Pixels:
    """Luminance ``(S, S)`` of an RGB image."""
    return np.asarray(cv2.cvtColor(np.asarray(image), cv2.COLOR_RGB2GRAY), np.uint8)
