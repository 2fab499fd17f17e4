"""What is doubtful about a data set: images that leak, masks that contradict, odd pictures.

The audit looks at the stored pixels. It changes nothing: what it found is written down with the
store, groups of images that show the same thing are kept on one side of every split that is cut
here, and leaks across a split that was given are told wherever its scores are.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Literal, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from cclcc_cli.data.class_map import foreground
from cclcc_cli.data.duplicates import SMALLEST_SIDE, Progress, find_duplicates
from cclcc_cli.data.groups import join_groups
from cclcc_cli.data.mask_set import MaskLook, SetFinding, findings_of_all, look_at_mask
from cclcc_cli.data.mask_shift import MaskShifts, Shift, fit_by_shift
from cclcc_cli.data.pixel_rows import PixelRows
from cclcc_cli.data.splits import Splits, nested_subset
from cclcc_cli.data.workers import in_order, thread_workers

CONTRADICTION_BELOW = 0.9
"""Share of both masks of the same thing, less what two hands or a rough registration leave, below
which they contradict each other; see ``overlay.MaskAgreement.close``."""
_IOU_CONTRADICTION_BELOW = 0.75
"""The same of their overlap (IoU), which is all that older stores know."""

# Bounds of what is odd. In Kvasir-SEG and ISIC 2017 the flattest image deviates by 6.9, the
# channels of the greyest are 26 apart, and masks cover 0.3 % to 96 %.
_BLANK = 2.0  # grey levels of standard deviation: no more than noise
_TINY = 64  # pixels, the shorter side, or the store's side if that is less: else enlarged
_ODD_SHAPE = 3.0  # times as long as wide: squeezed into a square beyond recognition
_FULL = 0.99  # share of the image
_SPECK = 0.0005  # share of the image: 7 x 7 of 320 x 320 pixels, a slip of the hand
_GREY = 2  # grey levels between channels that encoding makes of a grey picture
_FEW_GREY = 0.5  # share of a data set up to which a grey picture is odd in it

Side = Literal["train", "val", "test"]
_SIDES: tuple[Side, ...] = ("train", "val", "test")  # from the least guarded to the most


@dataclass(frozen=True)
class _Look:
    """What one image's pixels tell.

    Attributes:
        deviation: the channels' largest standard deviation, in grey levels.
        channels_apart: the largest difference between two channels of a pixel.
        fit: ``mask_shift.fit_by_shift``.
        mask: ``mask_set.look_at_mask``; None where there is no mask.
    """

    deviation: float
    channels_apart: int
    fit: NDArray[np.float32] | None
    mask: MaskLook | None


class Row(Protocol):
    """What the audit asks of a store's index."""

    @property
    def stem(self) -> str: ...
    @property
    def height(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def image_sha256(self) -> str: ...
    @property
    def foreground(self) -> float: ...


@dataclass(frozen=True)
class SamePair:
    """Two images that show the same thing; see ``duplicates.DuplicatePair``.

    Attributes:
        first, second: stems.
        kind: as there; older stores say ``near`` for ``altered`` and ``scene``.
        score: of the detail.
        orientation: what makes the first lie like the second.
        mask_iou: overlap of their masks once registered; None where one has no mask.
        masks_close: share of both masks that the other covers or nearly does; None in older stores.
    """

    first: str
    second: str
    kind: str
    score: float
    orientation: str
    mask_iou: float | None
    masks_close: float | None = None

    @property
    def contradicts(self) -> bool:
        """Whether their masks differ by more than two hands would."""
        if self.masks_close is not None:
            return self.masks_close < CONTRADICTION_BELOW
        return self.mask_iou is not None and self.mask_iou < _IOU_CONTRADICTION_BELOW


@dataclass(frozen=True)
class Finding:
    """Something odd about one image.

    Attributes:
        stem: of the image.
        what: ``blank image``, ``grey image``, ``tiny image``, ``odd shape``, ``empty mask``,
            ``full mask``, ``speck`` or ``shifted mask``.
        detail: the numbers behind it.
    """

    stem: str
    what: str
    detail: str


@dataclass(frozen=True)
class Audit:
    """What was found in a data set.

    Attributes:
        pairs: images that show the same thing, the surest first.
        findings: about single images, sorted by what and stem.
        common_shift: where all masks together would fit better.
        near_pairs_sought: False where the stored size shows too little to tell near-duplicates.
        similar: images that are alike, but no more so than unrelated ones of this set may be.
        in_common: what is odd about many masks together.
    """

    pairs: tuple[SamePair, ...]
    findings: tuple[Finding, ...]
    common_shift: Shift | None
    near_pairs_sought: bool
    similar: tuple[SamePair, ...] = ()
    in_common: tuple[SetFinding, ...] = ()


def audit_images(
    rows: Sequence[Row], images: PixelRows, masks: PixelRows,
    progress: Progress = lambda _done, _total: None,
    has_mask: Sequence[bool] | None = None,
) -> Audit:
    """Look at every image, and at every pair of images that look alike.

    Args:
        rows: of the store's index.
        images: ``(n, S, S, 3)`` uint8 RGB; read image by image.
        masks: ``(n, S, S)`` uint8: 0 background, 255 ignored, else foreground.
        progress: called with pairs compared and pairs in all.
        has_mask: of each image; None where all have one. Nothing is said of masks that there are
            not.
    """
    known = [True] * len(rows) if has_mask is None else has_mask
    stems = [row.stem for row in rows]
    pairs = [
        SamePair(stems[pair.first], stems[pair.second], pair.kind, pair.score, pair.orientation,
                 *((pair.masks.iou, pair.masks.close) if pair.masks else (None, None)))
        for pair in find_duplicates(images, masks, [row.image_sha256 for row in rows], progress,
                                    known, stems)
    ]
    findings: list[Finding] = []
    # A store may be meant to be small; drawn scenes are as large as it.
    smallest = min(_TINY, np.asarray(images[0]).shape[0]) if rows else _TINY
    grey: list[str] = []
    shifts = MaskShifts()
    seen: list[MaskLook] = []
    with thread_workers() as pool:
        looks = in_order(pool, partial(_look_at_pixels, images, masks, known), range(len(rows)))
        for row, look in zip(rows, looks, strict=True):
            findings += _look_at_file(row, smallest)
            if look.mask is not None:
                findings += _look_at_mask(row)
                seen.append(look.mask)
            if look.deviation < _BLANK:
                detail = f"grey levels deviate by {look.deviation:.1f}"
                findings.append(Finding(row.stem, "blank image", detail))
            if look.channels_apart <= _GREY:
                grey.append(row.stem)
            if look.fit is not None:
                shifts.add(row.stem, look.fit)
    findings += [Finding(stem, "shifted mask", describe_shift(shift))
                 for stem, shift in shifts.of_each()]
    if len(grey) <= _FEW_GREY * len(rows):
        findings += [Finding(stem, "grey image", "among colour images") for stem in grey]
    findings.sort(key=lambda finding: (finding.what, finding.stem))
    return Audit(tuple(pair for pair in pairs if pair.kind != "similar"), tuple(findings),
                 shifts.of_all(), images.shape[1] >= SMALLEST_SIDE,
                 tuple(pair for pair in pairs if pair.kind == "similar"), findings_of_all(seen))


def describe_shift(shift: Shift) -> str:
    """As ``fits better 3.1 % to the right and 7.8 % up``."""
    parts = [f"{abs(share):.1%} {forward if share > 0 else back}"
             for share, forward, back in ((shift.right, "to the right", "to the left"),
                                          (shift.down, "down", "up")) if share]
    return f"fits better {' and '.join(parts)}".replace("%", " %")


def leaking_pairs(
    pairs: Iterable[SamePair], splits: Splits
) -> list[tuple[SamePair, tuple[Side, Side]]]:
    """Pairs that sit on two sides of a split, with the sides of their first and second image."""
    side = _sides(splits)
    found = []
    for pair in pairs:
        sides = side.get(pair.first), side.get(pair.second)
        if sides[0] is not None and sides[1] is not None and sides[0] != sides[1]:
            found.append((pair, (sides[0], sides[1])))
    return found


def leaked_stems(pairs: Iterable[SamePair], splits: Splits) -> dict[Side, tuple[str, ...]]:
    """For val and test: the images that also train, or choose the checkpoint, in another copy."""
    leaked: dict[Side, set[str]] = {"val": set(), "test": set()}
    for group in _groups(pairs, splits):
        for stem, side in group.items():
            if side != min(group.values(), key=_SIDES.index):
                leaked[side].add(stem)
    return {side: tuple(sorted(stems)) for side, stems in leaked.items()}


def less_guarded(pairs: Iterable[SamePair], splits: Splits) -> set[str]:
    """Images to drop so that nothing leaks: those that train or validate beside a better side."""
    return {
        stem for group in _groups(pairs, splits) for stem, side in group.items()
        if side != max(group.values(), key=_SIDES.index)
    }


def subset_pairs(pairs: Sequence[SamePair], splits: Splits) -> dict[float, tuple[int, int]]:
    """Pairs inside the training images, by labelled share, for the first seed's labels.

    Returns:
        Share to two counts: pairs that are both labelled, pairs of which one is labelled.
    """
    seed = min(splits.label_orders)
    counts = {}
    for share in splits.subset_shares:
        labeled, train = set(nested_subset(splits, share, seed)), set(splits.train)
        inside = [(pair.first in labeled) + (pair.second in labeled) for pair in pairs
                  if pair.first in train and pair.second in train]
        counts[share] = inside.count(2), inside.count(1)
    return counts


def dump_audit(audit: Audit) -> str:
    """The audit as JSON text."""
    return json.dumps(asdict(audit), indent=1, ensure_ascii=False) + "\n"


def parse_audit(raw: Any) -> Audit:
    """The audit that ``dump_audit`` wrote, from its parsed JSON; older ones lack some of it.

    Raises:
        TypeError, KeyError: it is something else.
    """
    shift = raw["common_shift"]
    return Audit(
        tuple(SamePair(**pair) for pair in raw["pairs"]),
        tuple(Finding(**finding) for finding in raw["findings"]),
        None if shift is None else Shift(**shift),
        raw["near_pairs_sought"],
        tuple(SamePair(**pair) for pair in raw.get("similar", ())),
        tuple(SetFinding(**found) for found in raw.get("in_common", ())),
    )


def _sides(splits: Splits) -> dict[str, Side]:
    """The side of each image; those without a mask train as well, where a run draws from them."""
    sides: dict[str, Side] = dict.fromkeys(splits.pool, "train")
    return sides | {stem: name for name in _SIDES for stem in getattr(splits, name)}


def _groups(pairs: Iterable[SamePair], splits: Splits) -> list[dict[str, Side]]:
    """Images of the same thing, each with its side of the split.

    They may be tied by way of others: two copies of an image lie across a split even where each
    forms a pair with the image alone.
    """
    ties = [(pair.first, pair.second) for pair in pairs]
    group_of = join_groups({stem for tie in ties for stem in tie}, {}, ties)
    sides = _sides(splits)
    groups: defaultdict[str, dict[str, Side]] = defaultdict(dict)
    for stem, group in group_of.items():
        if stem in sides:
            groups[group][stem] = sides[stem]
    return list(groups.values())


def _look_at_pixels(
    images: PixelRows, masks: PixelRows, has_mask: Sequence[bool], position: int
) -> _Look:
    image = np.asarray(images[position])
    _, deviation = cv2.meanStdDev(image)
    red, green, blue = cv2.split(image)
    apart = max(int(cv2.absdiff(green, other).max()) for other in (red, blue))
    if not has_mask[position]:
        return _Look(float(deviation.max()), apart, None, None)
    area = foreground(masks[position])
    return _Look(float(deviation.max()), apart, fit_by_shift(image, area),
                 look_at_mask(image, area))


def _look_at_file(row: Row, smallest: int) -> Iterable[Finding]:
    short, long = sorted((row.height, row.width))
    if short < smallest:
        yield Finding(row.stem, "tiny image", f"{row.width}x{row.height} pixels")
    if long > _ODD_SHAPE * short:
        yield Finding(row.stem, "odd shape", f"{row.width}x{row.height} pixels")


def _look_at_mask(row: Row) -> Iterable[Finding]:
    if row.foreground == 0:
        yield Finding(row.stem, "empty mask", "no foreground")
    elif row.foreground >= _FULL:
        yield Finding(row.stem, "full mask", f"{row.foreground:.1%} foreground")
    elif row.foreground < _SPECK:
        yield Finding(row.stem, "speck", f"{row.foreground:.3%} foreground")
