"""Reading the files of one pair: seen, checked, decoded as was decided for all, and resized."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from cclcc_cli.data.class_map import foreground
from cclcc_cli.data.folder import PairFiles
from cclcc_cli.data.image_file import (
    MaskFile,
    RawImage,
    decode_mask,
    decode_raw,
    file_sha256,
    read_bytes,
    turned,
)
from cclcc_cli.data.image_header import read_header
from cclcc_cli.data.mask_coding import check_soft
from cclcc_cli.data.members import BinaryFile
from cclcc_cli.data.reading import Reading, Seen
from cclcc_cli.data.store_writer import Pair, Sample, fit_pair
from cclcc_cli.data.workers import MemoryBudget
from cclcc_cli.errors import DataError

_Read = TypeVar("_Read")

_BYTES_PER_PIXEL = 8
"""Held at the most while a pair is decoded and resized: RGB, mask, and the mask as float."""


@dataclass(frozen=True)
class Outcome:
    """What became of one pair; picklable.

    Attributes:
        sample: as a store holds it; None where there is a problem.
        problems: a line each.
        notes: what is worth counting: ``grey image``, ``opaque alpha channel``, ``empty mask``.
        seen: what there is in its files.
    """

    sample: Sample | None
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seen: Seen | None = None


def read_pair(
    files: PairFiles, size: int, memory: MemoryBudget, reading: Reading
) -> Outcome:
    """Read an image and its mask, check them and resize them; nothing is raised for a bad file.

    Args:
        files: of the pair.
        size: side of the sample in pixels.
        memory: what all threads together may hold.
        reading: what was decided for all files.
    """
    problems: list[str] = []
    paths = (files.image, *files.masks)
    data = [one for path in paths if (one := _tried(read_bytes, problems, path)) is not None]
    if len(data) < len(paths):
        return Outcome(None, tuple(problems))
    with memory.hold(_BYTES_PER_PIXEL * max(read_header(one).num_pixels for one in data)):
        image = _tried(decode_raw, problems, data[0], files.image)
        masks = [mask for one, path in zip(data[1:], paths[1:], strict=True)
                 if (mask := _tried(decode_mask, problems, one, path, reading.channel)) is not None]
        if image is None or len(masks) < len(paths) - 1:
            return Outcome(None, tuple(problems))
        return _as_decided(files, image, masks, size, reading)


def read_masks(
    paths: Sequence[BinaryFile], shape: tuple[int, int], reading: Reading
) -> tuple[NDArray[np.uint8] | None, str, tuple[str, ...]]:
    """The masks of one image as one class map ``shape``, their hash, and what is wrong with them.

    Args:
        paths: of at least one mask.
        shape: height and width of the image.
        reading: what was decided for all files.
    """
    problems: list[str] = []
    files = [_tried(lambda path: decode_mask(read_bytes(path), path, reading.channel), problems,
                    path) for path in paths]
    masks = [mask for mask in files if mask is not None]
    merged = _merge(masks, paths, shape, reading, problems) if len(masks) == len(paths) else None
    return merged, _joined([mask.sha256 for mask in masks]), tuple(problems)


def pair_hashes(files: PairFiles) -> tuple[str, str]:
    """The hashes of a pair's image and mask, as its sample has them; empty without a mask."""
    masks = [file_sha256(path) for path in files.masks]
    return file_sha256(files.image), _joined(masks)


def _as_decided(
    files: PairFiles, image: RawImage, masks: Sequence[MaskFile], size: int, reading: Reading
) -> Outcome:
    seen = Seen()
    seen.add_image(image, str(files.image))
    for mask in masks:
        seen.add_mask(mask)
    if masks:
        seen.add_turn(image, masks[0])
    if image.num_bits == 16 and reading.window is None:
        return Outcome(None, seen=seen)  # what is black and white is not decided yet
    pixels = image.to_8_bit(reading.window)
    if reading.turn:
        pixels = np.asarray(turned(pixels, image.header.turn), np.uint8)
    if not masks:
        alone = Pair(files.stem, pixels, None, image.sha256, "")
        return Outcome(fit_pair(alone, size), (), (), seen)
    problems: list[str] = []
    decoded = _merge(masks, files.masks, pixels.shape[:2], reading, problems)
    if decoded is None:
        return Outcome(None, tuple(problems), seen=seen)
    seen.add_decoded(decoded)
    notes = {"grey image": image.was_grey, "opaque alpha channel": image.had_alpha,
             "empty mask": seen.num_empty > 0}
    pair = Pair(files.stem, pixels, decoded, image.sha256,
                _joined([mask.sha256 for mask in masks]))
    told = tuple(note for note, holds in notes.items() if holds)
    return Outcome(fit_pair(pair, size), (), told, seen)


def _decode(
    mask: MaskFile, path: BinaryFile, shape: tuple[int, int], reading: Reading
) -> NDArray[np.uint8]:
    """A mask as 0, 1 and 255.

    Raises:
        DataError: it is not as large as its image, or has greys that are no soft edges.
    """
    values = turned(mask.values, mask.header.turn) if reading.turn else mask.values
    if values.shape != shape:
        raise DataError(f"{path}: the mask is {values.shape[1]}x{values.shape[0]} pixels, "
                        f"its image {shape[1]}x{shape[0]}")
    try:
        check_soft(mask.seen.pixels, reading.coding)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    return reading.coding.apply(np.asarray(values))


def _merge(
    masks: Sequence[MaskFile], paths: Sequence[BinaryFile], shape: tuple[int, ...],
    reading: Reading, problems: list[str],
) -> NDArray[np.uint8] | None:
    """All masks of an image as one; None where one has a problem, which is added."""
    decoded = [_tried(_decode, problems, mask, path, shape, reading)
               for mask, path in zip(masks, paths, strict=True)]
    maps = [one for one in decoded if one is not None]
    return reduce(_merged, maps) if len(maps) == len(masks) else None


def _merged(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Object where either has it, else ignored where either is."""
    both = np.maximum(one, other)
    both[foreground(one) | foreground(other)] = 1
    return both


def _joined(hashes: Sequence[str]) -> str:
    """One hash for several files; that of a single file is its own, that of none empty."""
    if len(hashes) < 2:
        return "".join(hashes)
    return hashlib.sha256(" ".join(hashes).encode()).hexdigest()


def _tried(
    read: Callable[..., _Read], problems: list[str], *arguments: object
) -> _Read | None:
    try:
        return read(*arguments)
    except DataError as error:
        problems.append(str(error))
        return None
