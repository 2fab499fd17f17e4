"""What an import saw and what it decided: kept in the store, shown when ``prepare`` ends."""

from collections.abc import Mapping
from itertools import groupby
from pathlib import Path

from pydantic import ValidationError

from cclcc_cli.data.class_map import IGNORED
from cclcc_cli.data.mask_coding import Coding, MaskHistogram, ranges_text, share_text
from cclcc_cli.data.reading import Reading, ReadOptions, Seen
from cclcc_cli.records import Record

IMPORT = "import.json"
_MOST = 12
"""Values and sizes that are recorded one by one."""


class MaskValue(Record):
    """Neighbouring values of the masks' files that mean the same.

    Attributes:
        value: a grey, greys such as ``250-255``, or a colour as 0xRRGGBB.
        share: of all pixels of all masks, 0 to 1.
        meaning: ``object``, ``background`` or ``ignored``.
    """

    value: str
    share: float
    meaning: str


class ImportRecord(Record):
    """The content of ``import.json``.

    Attributes:
        options: what the user said about reading, by option; empty for nothing.
        image_kinds, mask_kinds: kind of file to how many.
        channels: such as ``RGB`` to how many images.
        sizes: width and height, such as ``576x768``, to how many images; the commonest ones.
        num_sizes: different sizes.
        rules: how images and masks were found to belong together, to how many masks by it.
        mask_values: what values mean, in their order; the first ones of many.
        num_empty: masks without an object.
        num_turned: images with an EXIF turn.
        turned: whether EXIF turns were followed.
        window: greys of 16-bit images that became black and white; None without such images.
        fault: what is wrong with most masks; None for nothing.
    """

    options: dict[str, str]
    image_kinds: dict[str, int]
    mask_kinds: dict[str, int]
    channels: dict[str, int]
    sizes: dict[str, int]
    num_sizes: int
    rules: dict[str, int]
    mask_values: list[MaskValue]
    num_empty: int
    num_turned: int
    turned: bool
    window: list[int] | None
    fault: str | None

    def lines(self) -> dict[str, str]:
        """What was seen and decided, by what it is about; for a terminal."""
        lines = {"files": f"images {_counted(self.image_kinds)}; masks {_counted(self.mask_kinds)}",
                 "pixels": f"{_counted(self.channels)}; {self._sizes()}"}
        if self.rules:
            lines["pairs"] = _counted(self.rules, "by ")
        lines["mask values"] = self._values()
        if self.window:
            lines["16 bits"] = f"{self.window[0]} to {self.window[1]} became 0 to 255"
        if self.num_turned:
            done = "followed" if self.turned else "not followed: pixels as they are stored"
            lines["EXIF turns"] = f"{self.num_turned} images, {done}"
        return lines

    def _sizes(self) -> str:
        if self.num_sizes == 1:
            return next(iter(self.sizes))
        return f"{self.num_sizes} sizes, most often {next(iter(self.sizes))}"

    def _values(self) -> str:
        return "; ".join(f"{one.value} {one.meaning} ({share_text(one.share)})"
                         for one in self.mask_values)


def describe_options(options: ReadOptions) -> dict[str, str]:
    """What a user said about reading, as options and their values."""
    said = {
        "--foreground": options.coding.foreground and ranges_text(options.coding.foreground),
        "--ignore-value": ranges_text(options.coding.ignored),
        "--invert": "yes" * options.coding.invert,
        "--mask-channel": options.channel,
        "--window": options.window and f"{options.window[0]},{options.window[1]}",
        "--exif": options.exif,
    }
    return {option: value for option, value in said.items() if value}


def make_import(
    options: ReadOptions, reading: Reading, seen: Seen, rules: Mapping[str, int]
) -> ImportRecord:
    """The record of an import that has ended."""
    return ImportRecord(
        options=describe_options(options),
        image_kinds=dict(seen.image_kinds.most_common()),
        mask_kinds=dict(seen.mask_kinds.most_common()),
        channels=dict(seen.channels.most_common()),
        sizes={f"{width}x{height}": count
               for (width, height), count in seen.sizes.most_common(_MOST)},
        num_sizes=len(seen.sizes),
        rules=dict(rules),
        mask_values=_mask_values(seen.masks, reading.coding)[:_MOST],
        num_empty=seen.num_empty,
        num_turned=seen.num_turned,
        turned=reading.turn,
        window=None if reading.window is None else list(reading.window),
        fault=seen.fault,
    )


def _mask_values(seen: MaskHistogram, coding: Coding) -> list[MaskValue]:
    values = sorted(seen.pixels)
    meant = zip(values, coding.meanings(values), strict=True)
    runs = [(meaning, [value for value, _ in run])
            for meaning, run in groupby(meant, lambda one: one[1])]
    words = {0: "background", 1: "object", IGNORED: "ignored"}
    return [MaskValue(value=ranges_text([(run[0], run[-1])]), share=seen.share(run),
                      meaning=words[meaning]) for meaning, run in runs]


def load_import(path: Path) -> ImportRecord | None:
    """The record of the store at ``path``; None where an older version, or no import, made it."""
    try:
        return ImportRecord.model_validate_json((path / IMPORT).read_bytes())
    except (OSError, ValidationError):
        return None


def _counted(counts: Mapping[str, int], before: str = "") -> str:
    return ", ".join(f"{count} {before}{what}" for what, count in counts.items())
