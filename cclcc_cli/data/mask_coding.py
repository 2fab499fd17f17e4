"""What the values of a data set's masks mean, decided once over all of them.

A value is a grey of 0 to 65535, or a colour, ``COLOR | 0xRRGGBB``; a colour whose channels are
equal is a grey. Nothing here reads files: histograms in, a coding or a refusal out.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from cclcc_cli.data.class_map import IGNORED
from cclcc_cli.errors import DataError

COLOR = 1 << 24
"""Added to 0xRRGGBB, so that no colour has the value of a grey."""

MOST_VALUES = 256
"""Distinct colours that one mask may have; a photograph has more."""

BRIGHT_ABOVE = 127
MIDDLE = (32, 224)
MIDDLE_SHARE = 0.02
"""A mask of greys near black and white is refused when more of its pixels lie in MIDDLE.

Kvasir-SEG's JPEG masks, shrunk by a third party, reach 0.0002; its originals and ISIC have none.
"""
_FEW = 16
"""Up to so many values in files without loss are labels; more come from resizing."""
_PEAK_SHARE = 0.2
"""A value with more than this share of all pixels in MIDDLE is a label and no soft edge."""

Range = tuple[int, int]
"""First and last value, both included."""


@dataclass(frozen=True)
class CodingOptions:
    """What a person says about the values of masks.

    Attributes:
        foreground: values of the object; None to decide by the histogram.
        ignored: values of pixels that count in no loss and no score.
        invert: exchange object and background.
    """

    foreground: tuple[Range, ...] | None = None
    ignored: tuple[Range, ...] = ()
    invert: bool = False


@dataclass
class MaskHistogram:
    """All values of a set of masks; of bounded size, as each mask adds few values.

    Attributes:
        pixels: value to how many pixels have it.
        num_masks: files.
        num_lossy: of them JPEG or lossy WebP.
        num_transparent: of them with an alpha channel that varies.
        transparent: the name of one of these.
        num_unit: of them with 1 as their largest value.
        palette: value to its place in the files' palettes, where they have one.
        num_with: value to how many masks have it.
        examples: value to the name of the first mask that has it.
    """

    pixels: Counter[int] = field(default_factory=Counter)
    num_masks: int = 0
    num_lossy: int = 0
    num_transparent: int = 0
    transparent: str = ""
    num_unit: int = 0
    palette: dict[int, int] = field(default_factory=dict)
    num_with: Counter[int] = field(default_factory=Counter)
    examples: dict[int, str] = field(default_factory=dict)

    def add(self, other: "MaskHistogram") -> None:
        """Count another set's masks too."""
        self.pixels.update(other.pixels)
        self.num_masks += other.num_masks
        self.num_lossy += other.num_lossy
        self.num_transparent += other.num_transparent
        self.transparent = self.transparent or other.transparent
        self.num_unit += other.num_unit
        self.palette |= other.palette
        self.num_with.update(other.num_with)
        self.examples = other.examples | self.examples

    def share(self, values: Iterable[int]) -> float:
        """Share of all pixels that have one of the values, 0 to 1."""
        return sum(self.pixels[value] for value in values) / max(self.pixels.total(), 1)


@dataclass(frozen=True)
class Coding:
    """Which values are the object, which are ignored; all others are background.

    Attributes:
        foreground, ignored: ranges of values.
        inverted: what is neither is the object instead.
        soft: values between black and white may stand only on edges: see MIDDLE_SHARE.
        usual: whether a mask is read by it as a mask alone would be: 1 of 0 and 1, or bright.
    """

    foreground: tuple[Range, ...] = ((1, 1),)
    ignored: tuple[Range, ...] = ()
    inverted: bool = False
    soft: bool = False
    usual: bool = True

    def apply(self, values: NDArray[np.integer]) -> NDArray[np.uint8]:
        """Values ``(h, w)`` as 0 background, 1 object, 255 ignored, ``(h, w)`` uint8."""
        if values.dtype == np.uint8:
            table = self._decode(np.arange(256))
            return cv2.LUT(values, table).astype(np.uint8, copy=False)
        return self._decode(values)

    def meanings(self, values: Iterable[int]) -> list[int]:
        """What each value is decoded to."""
        return [int(one) for one in self._decode(np.array([*values], np.int64))]

    def _decode(self, values: NDArray[np.integer]) -> NDArray[np.uint8]:
        foreground = _inside(values, self.foreground) != self.inverted
        decoded = foreground.astype(np.uint8)
        decoded[_inside(values, self.ignored)] = IGNORED
        return np.asarray(decoded, np.uint8)

    def __str__(self) -> str:
        """What is stored in place of a plain file hash where the coding is not the usual one."""
        object_is = f"{'not ' * self.inverted}{ranges_text(self.foreground)}"
        return f"foreground {object_is}" + (
            f", ignored {ranges_text(self.ignored)}" if self.ignored else "")


def _inside(values: NDArray[np.integer], ranges: Sequence[Range]) -> NDArray[np.bool_]:
    found = np.zeros(values.shape, bool)
    for first, last in ranges:
        found |= (values >= first) & (values <= last)
    return found


def parse_values(text: str, option: str) -> tuple[Range, ...]:
    """Values as typed: ``1``, ``1,2``, ``128-255``, ``0x800000`` or ``#800000`` for a colour.

    Raises:
        DataError: it is nothing of that; names the option.
    """
    ranges = []
    for part in text.replace(" ", "").split(","):
        color = re.fullmatch(r"(?:0x|#)([0-9a-fA-F]{6})", part)
        grey = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", part)
        if color:
            value = color_value(*bytes.fromhex(color[1]))
            ranges.append((value, value))
        elif grey and int(grey[1]) <= int(grey[2] or grey[1]):
            ranges.append((int(grey[1]), int(grey[2] or grey[1])))
        else:
            raise DataError(f"{option} {text}: give values such as 1, 1,2 or 128-255, or a colour "
                            f"such as 0x800000")
    return tuple(sorted(ranges))


def color_value(red: int, green: int, blue: int) -> int:
    """The value of a colour with channels of 0 to 255; a grey where they are equal."""
    return red if red == green == blue else COLOR | red << 16 | green << 8 | blue


def value_text(value: int) -> str:
    """A value as ``parse_values`` reads it."""
    return f"0x{value - COLOR:06x}" if value >= COLOR else str(value)


def ranges_text(ranges: Iterable[Range]) -> str:
    """Ranges as ``parse_values`` reads them."""
    return ",".join(value_text(first) if first == last else f"{first}-{last}"
                    for first, last in ranges)


def share_text(share: float) -> str:
    """A share of all pixels as a percentage that is not rounded to nothing."""
    percent = 100 * share
    return f"{percent:.1f}%" if percent >= 0.1 else f"{percent:.1g}%"


def shares_text(seen: MaskHistogram, most: int = 6) -> str:
    """The commonest values with their shares, such as ``0 (89.8%), 255 (10.2%)``.

    A value that few masks have is followed by the name of one of them.
    """
    values = [value for value, _ in seen.pixels.most_common(most)]
    left = len(seen.pixels) - len(values)
    rare = {value: seen.num_with[value] for value in values[1:]
            if 5 * seen.num_with[value] <= 2 * seen.num_masks}
    shown = [f"{value_text(value)} ({share_text(seen.share([value]))})" for value in sorted(values)]
    more = f" and {left} more" if left else ""
    if rare:
        value = min(rare, key=lambda one: (rare[one], one))
        number = rare[value]
        more += (f"; {value_text(value)} is in {number} of {seen.num_masks} masks"
                 f"{', such as' if number > 1 else ':'} {seen.examples[value]}")
    return ", ".join(shown) + more


def decide_coding(seen: MaskHistogram, options: CodingOptions) -> Coding:
    """What the values of all masks together mean.

    Raises:
        DataError: that is not clear; one line with the values, their shares, and the options that
            settle it.
    """
    soft = options.foreground is None and len(_counted(seen, options)) > 2
    coding = Coding(_foreground(seen, options), options.ignored, options.invert, soft)
    return replace(coding, usual=_is_usual(seen, coding))


def check_soft(pixels: Mapping[int, int], coding: Coding) -> None:
    """Refuse one mask whose greys are no soft edges; ``pixels`` are its values.

    Raises:
        DataError: the reason, which lacks the name of the file.
    """
    if not coding.soft:
        return
    meant = zip(pixels.items(), coding.meanings(pixels), strict=True)
    middle = _middle_share({value: count for (value, count), meaning in meant
                            if meaning != IGNORED})
    if middle > MIDDLE_SHARE:
        raise DataError(
            f"the mask is not binary: {middle:.1%} of its pixels are neither near 0 nor near 255; "
            f"save it as 0 and 255, or say which values are the object with --foreground"
        )


def systematic_fault(num_masks: int, num_covering: int, num_framing: int) -> str | None:
    """What most masks have in common that objects in images hardly have; None for nothing.

    Args:
        num_masks: that have an object.
        num_covering: of them with the object on most pixels.
        num_framing: of them with the object on all four edges of the image.
    """
    if 2 * min(num_covering, num_framing) > num_masks:
        return (f"the object covers most pixels in {num_covering} and touches all four edges in "
                f"{num_framing} of {num_masks} masks: they may be inverted; look at cclcc show, "
                f"and prepare with --invert if they are")
    return None


def _foreground(seen: MaskHistogram, options: CodingOptions) -> tuple[Range, ...]:
    for option, ranges in (("--foreground", options.foreground or ()),
                           ("--ignore-value", options.ignored)):
        for one in ranges:
            if not any(one[0] <= value <= one[1] for value in seen.pixels):
                raise DataError(f"{option} {ranges_text([one])}: no mask has that value; there "
                                f"are {shares_text(seen)}")
    if options.foreground is not None:
        return options.foreground
    if seen.num_transparent:
        raise DataError(
            f"{seen.num_transparent} of {seen.num_masks} masks are partly transparent, such as "
            f"{seen.transparent}: the object may be in their alpha channel or in their colours; "
            f"say which: --mask-channel alpha or --mask-channel grey"
        )
    values = _counted(seen, options)
    if not values or values[-1] <= 1:
        return ((1, 1),)
    if len(values) <= 2:
        return _of_two(seen, values)
    return _of_many(seen, values)


def _counted(seen: MaskHistogram, options: CodingOptions) -> list[int]:
    """The values that are not ignored, sorted."""
    return sorted(value for value in seen.pixels
                  if not any(first <= value <= last for first, last in options.ignored))


def _of_two(seen: MaskHistogram, values: Sequence[int]) -> tuple[Range, ...]:
    low, high = values[0], values[-1]
    place = seen.palette
    if low in place and high in place and low != high and place[low] > place[high]:
        raise _ambiguous(seen, (
            f"in their palette {value_text(high)} comes first, as background does; say which is "
            f"the object: --foreground {value_text(low)} or --foreground {value_text(high)}"))
    clear = low == 0 or (low < MIDDLE[0] and high >= MIDDLE[1])
    if (len(values) == 1 and high < MIDDLE[1]) or (len(values) == 2 and not clear):
        raise _ambiguous(seen, f"say which is the object, such as {_choice(values[-1:])}")
    return ((BRIGHT_ABOVE + 1, 255),) if BRIGHT_ABOVE < high <= 255 else ((high, high),)


def _of_many(seen: MaskHistogram, values: Sequence[int]) -> tuple[Range, ...]:
    labels = _labels(seen, values)
    if values[-1] >= COLOR or values[-1] > 255 or labels:
        objects = [value for value in (labels or values) if value]
        raise _ambiguous(seen, f"say which are the object: {_choice(objects)}")
    if values[-1] <= BRIGHT_ABOVE:
        raise _ambiguous(seen, f"the largest value is {values[-1]}; say which are the object with "
                               f"--foreground")
    middle = _middle_share(seen.pixels)
    if middle > MIDDLE_SHARE:
        raise _ambiguous(seen, f"{middle:.1%} of the pixels are neither near 0 nor near 255; say "
                               f"which are the object, such as --foreground 128-255")
    return ((BRIGHT_ABOVE + 1, 255),)


def _labels(seen: MaskHistogram, values: Sequence[int]) -> list[int]:
    """Values that stand for something of their own, where that shows; else none."""
    if not seen.num_lossy and len(values) <= _FEW:
        return [*values]
    # A label that was saved with loss is a hill of values, higher than what lies on both sides.
    greys = np.array([seen.pixels[value] for value in range(256)], np.int64)
    reach = 4 if seen.num_lossy else 0
    hills = np.convolve(greys, np.ones(2 * reach + 1, np.int64), "same")
    middle = int(greys[MIDDLE[0]:MIDDLE[1]].sum())
    step = 2 * reach + 1
    peaks = [value for value in range(MIDDLE[0] + step, MIDDLE[1] - step)
             if hills[value] > max(_PEAK_SHARE * middle, 50)
             and hills[value] > 3 * max(hills[value - step], hills[value + step])
             and greys[value] == greys[value - reach:value + reach + 1].max()]
    return [0, *peaks, 255] if peaks else []


def _choice(objects: Sequence[int]) -> str:
    """Options that would settle it, of which a person takes one."""
    few = [value_text(value) for value in objects[:4]]
    if len(few) < 2:
        return f"--foreground {few[0] if few else 'VALUES'}"
    return (f"--foreground {few[0]} --ignore-value {few[-1]} ({few[-1]} counts in no score), "
            f"--foreground {few[0]}, or --foreground {','.join(few)}")


def _ambiguous(seen: MaskHistogram, advice: str) -> DataError:
    return DataError(f"what the values of the masks mean is not clear: {shares_text(seen)}; "
                     f"{advice}")


def _middle_share(pixels: Mapping[int, int]) -> float:
    middle = sum(count for value, count in pixels.items() if MIDDLE[0] <= value < MIDDLE[1])
    return middle / max(sum(pixels.values()), 1)


def _is_usual(seen: MaskHistogram, coding: Coding) -> bool:
    """Whether each mask, read alone by the plain rule, would come out the same."""
    if coding.ignored or max(seen.pixels, default=0) > 255:
        return False
    values = sorted(seen.pixels)
    top = values[-1] if values else 0
    if top > 1 and seen.num_unit:
        return False  # alone, a mask of 0 and 1 has 1 as its object
    if 1 < top <= BRIGHT_ABOVE:
        return False
    plain = [int(value > BRIGHT_ABOVE if top > 1 else value) for value in values]
    return coding.meanings(values) == plain
