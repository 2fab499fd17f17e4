"""What is decided over a whole data set about how its files are read, and from what.

The meaning of a mask's values, whether EXIF turns are followed, and the window of 16-bit images
are seen file by file and decided once, for all files alike.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cclcc_cli.data.class_map import foreground
from cclcc_cli.data.image_file import MaskFile, RawImage, Window, count_greys
from cclcc_cli.data.mask_coding import (
    Coding,
    CodingOptions,
    MaskHistogram,
    decide_coding,
    systematic_fault,
)
from cclcc_cli.errors import DataError

Exif = Literal["turn", "keep"]
DEEP = " of 16 bits"
"""Ends the name of an image's channels."""
_WINDOW_SHARES = (0.005, 0.995)
"""Of all greys of a set of 16-bit images; they become black and white."""


@dataclass(frozen=True)
class ReadOptions:
    """What a person says about how files are to be read; None to have it decided.

    Attributes:
        coding: the meaning of the masks' values.
        channel: of the masks; see ``image_file.CHANNELS``.
        window: of 16-bit images.
        exif: whether images and masks are turned as EXIF says, or taken as they lie.
    """

    coding: CodingOptions = field(default_factory=CodingOptions)
    channel: str | None = None
    window: Window | None = None
    exif: Exif | None = None


@dataclass(frozen=True)
class Reading:
    """How all files of a data set are read."""

    coding: Coding = field(default_factory=Coding)
    channel: str | None = None
    window: Window | None = None
    turn: bool = False

    @property
    def rule(self) -> str:
        """What is done to files beside what each of them alone would show; empty for nothing."""
        rules = ["turned as EXIF says"] * self.turn
        if self.window is not None:
            rules.append(f"16 bits from {self.window[0]} to {self.window[1]}")
        if self.channel is not None:
            rules.append(f"{self.channel} channel of masks")
        if self.channel is not None or not self.coding.usual:
            rules.append(str(self.coding))
        return "; ".join(rules)


@dataclass
class Seen:
    """What there is in a set of pairs; of bounded size.

    Attributes:
        image_kinds, mask_kinds: kind of file to how many.
        sizes: width and height to how many images.
        channels: such as ``RGB`` to how many images.
        masks: all values of the masks.
        greys: how often a 16-bit image has each grey, (65536,) int64; None without such images.
        deep: the name of one of these.
        num_turned: images with an EXIF turn.
        num_agreeing: of them those whose mask has the same one.
        fits: of the others, those whose sizes show that the mask lies as the image is to be
            turned, and those whose sizes show that it does not.
        num_empty, num_covering, num_framing: masks without an object, with it on most pixels, and
            with it on all four edges.
    """

    image_kinds: Counter[str] = field(default_factory=Counter)
    mask_kinds: Counter[str] = field(default_factory=Counter)
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    channels: Counter[str] = field(default_factory=Counter)
    masks: MaskHistogram = field(default_factory=MaskHistogram)
    greys: NDArray[np.int64] | None = None
    deep: str = ""
    num_turned: int = 0
    num_agreeing: int = 0
    fits: Counter[Exif] = field(default_factory=Counter)
    num_empty: int = 0
    num_covering: int = 0
    num_framing: int = 0

    def add(self, other: "Seen") -> None:
        """Count what is in another set too."""
        for mine, theirs in ((self.image_kinds, other.image_kinds),
                             (self.mask_kinds, other.mask_kinds),
                             (self.channels, other.channels)):
            mine.update(theirs)
        self.sizes.update(other.sizes)
        self.fits.update(other.fits)
        self.masks.add(other.masks)
        self.deep = self.deep or other.deep
        if other.greys is not None:
            self.greys = other.greys if self.greys is None else self.greys + other.greys
        self.num_turned += other.num_turned
        self.num_agreeing += other.num_agreeing
        self.num_empty += other.num_empty
        self.num_covering += other.num_covering
        self.num_framing += other.num_framing

    def add_image(self, image: RawImage, name: str) -> None:
        """Count an image, which a message may name."""
        header = image.header
        self.image_kinds[header.kind] += 1
        self.sizes[header.width, header.height] += 1
        colors = "grey" if image.was_grey else "RGB"
        bits = DEEP if image.num_bits == 16 else ""
        self.channels[f"{colors}{' with alpha' * image.had_alpha}{bits}"] += 1
        if image.num_bits == 16:
            self.greys = count_greys(image.pixels)
            self.deep = name

    def add_mask(self, mask: MaskFile) -> None:
        """Count a mask."""
        self.mask_kinds[mask.header.kind] += 1
        self.masks.add(mask.seen)

    def add_turn(self, image: RawImage, mask: MaskFile) -> None:
        """Count what a pair's sizes say about its EXIF turns."""
        turn, own = image.header.turn, mask.header.turn
        if turn == 1 and own == 1:
            return
        self.num_turned += 1
        self.num_agreeing += turn == own
        size, theirs = image.pixels.shape[:2], mask.values.shape[:2]
        if turn != own and size[0] != size[1] and (turn > 4) != (own > 4):
            self.fits["keep" if size == theirs else "turn"] += 1

    def add_decoded(self, mask: NDArray[np.uint8]) -> None:
        """Count a decoded mask ``(h, w)``, 1 where the object is."""
        found = foreground(mask)
        share = int(np.count_nonzero(found)) / found.size
        self.num_empty += share == 0
        self.num_covering += share > 0.5
        self.num_framing += all(bool(edge.any())
                                for edge in (found[0], found[-1], found[:, 0], found[:, -1]))

    @property
    def fault(self) -> str | None:
        """What is wrong with most masks, in words."""
        with_object = self.masks.num_masks - self.num_empty
        return systematic_fault(with_object, self.num_covering, self.num_framing)


def decide(seen: Seen, options: ReadOptions) -> tuple[Reading, tuple[str, ...]]:
    """How to read all files, and what keeps that from being clear, a line each."""
    problems: list[str] = []
    coding, turn, window = Coding(), False, None
    try:
        coding = decide_coding(seen.masks, options.coding)
    except DataError as error:
        problems.append(str(error))
    try:
        turn = _decide_turn(seen, options.exif)
    except DataError as error:
        problems.append(str(error))
    deep = sum(count for what, count in seen.channels.items() if what.endswith(DEEP))
    if seen.greys is not None and options.window is None and deep < seen.channels.total():
        problems.append(f"{deep} of {seen.channels.total()} images have 16 bits per channel, such "
                        f"as {seen.deep}, and the others 8; convert them alike, or say which "
                        f"greys are black and white: --window 0,65535")
    elif seen.greys is not None:
        window = options.window or _window(seen.greys)
    elif options.window is not None:
        problems.append("--window does not apply: no image has 16 bits; leave it out")
    return Reading(coding, options.channel, window, turn), tuple(problems)


def _decide_turn(seen: Seen, exif: Exif | None) -> bool:
    if exif is not None:
        if not seen.num_turned:
            raise DataError(f"--exif {exif} does not apply: no image has an EXIF turn; leave it "
                            f"out")
        return exif == "turn"
    if seen.num_agreeing == seen.num_turned:
        return False  # image and mask lie alike
    if bool(seen.fits["turn"]) != bool(seen.fits["keep"]):
        return bool(seen.fits["turn"])
    raise DataError(
        f"{seen.num_turned} images have an EXIF turn, which {seen.num_turned - seen.num_agreeing} "
        f"of their masks lack, and sizes do not show how the masks lie; --exif turn says that they "
        f"were drawn on the images as a viewer shows them, --exif keep that they were drawn on the "
        f"pixels as they are stored"
    )


def _window(greys: NDArray[np.int64]) -> Window:
    below = np.cumsum(greys) / greys.sum()
    low, high = (int(np.searchsorted(below, share)) for share in _WINDOW_SHARES)
    return (low, max(high, low + 1))


def parse_window(text: str) -> Window:
    """``low,high`` as typed.

    Raises:
        DataError: it is not two whole numbers from 0 to 65535, the first one smaller.
    """
    low, comma, high = text.replace(" ", "").partition(",")
    if not (comma and low.isdecimal() and high.isdecimal() and int(low) < int(high) < 2**16):
        raise DataError(f"--window {text}: give two greys from 0 to 65535, such as 0,4095")
    return int(low), int(high)
