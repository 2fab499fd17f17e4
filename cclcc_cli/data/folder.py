"""A person's two folders: which image belongs to which mask, and what is wrong with them."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from cclcc_cli.data.image_file import decode_image, decode_mask, read_bytes
from cclcc_cli.data.image_header import read_header
from cclcc_cli.data.members import BinaryFile
from cclcc_cli.data.store_writer import Pair, Sample, fit_pair
from cclcc_cli.data.workers import MemoryBudget
from cclcc_cli.errors import DataError

EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff"})
_Read = TypeVar("_Read")

_MASK_SUFFIX = re.compile(
    r"[-_](segmentation|seg|masks?|gt|ground[-_]?truth|labels?|annotation)$", re.IGNORECASE
)


_BYTES_PER_PIXEL = 8
"""Held at the most while a pair is decoded and resized: RGB, mask, and the mask as float."""


@dataclass(frozen=True)
class PairFiles:
    """Where an image and its mask lie: files, or members of an archive."""

    stem: str
    image: BinaryFile
    mask: BinaryFile


@dataclass(frozen=True)
class FolderScan:
    """What two folders hold.

    Attributes:
        pairs: complete pairs, sorted by stem.
        image_stems: of every image, paired or not.
        problems: one line for each file or stem that cannot be used.
        ignored: names of files that are no images, sorted.
    """

    pairs: tuple[PairFiles, ...]
    image_stems: frozenset[str]
    problems: tuple[str, ...]
    ignored: tuple[str, ...]


@dataclass(frozen=True)
class Checked:
    """What became of one pair: its sample, or its problems; and what is worth counting."""

    sample: Sample | None
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def scan_folders(images: Path, masks: Path) -> FolderScan:
    """Pair the files of two folders by stem; a mask's stem may end in ``_mask`` and the like.

    Raises:
        DataError: a folder is missing, is the same as the other, or holds no images.
    """
    image_files, image_ignored = _list_files(images, "--images")
    mask_files, mask_ignored = _list_files(masks, "--masks")
    if images.samefile(masks):
        raise DataError(f"{images}: --images and --masks are the same folder; give two folders")
    by_stem = _group(image_files, lambda stem: stem)
    masks_by_stem = _group(mask_files, lambda stem: _image_stem(stem, by_stem))
    problems: list[str] = []
    pairs = []
    for stem in sorted({*by_stem, *masks_by_stem}):
        found, theirs = by_stem.get(stem, []), masks_by_stem.get(stem, [])
        flaws = _stem_problems(stem, found, theirs, images, masks)
        problems += flaws
        if not flaws:
            pairs.append(PairFiles(stem, found[0], theirs[0]))
    ignored = tuple(sorted(str(path) for path in (*image_ignored, *mask_ignored)))
    return FolderScan(tuple(pairs), frozenset(by_stem), tuple(problems), ignored)


def check_pair(files: PairFiles, size: int, memory: MemoryBudget) -> Checked:
    """Read an image and its mask, check them and resize them; nothing is raised for a bad file.

    Notes are among ``grey image``, ``opaque alpha channel`` and ``empty mask``.

    Args:
        files: of the pair.
        size: side of the sample in pixels.
        memory: what all threads together may hold.
    """
    problems: list[str] = []
    image_data = _tried(read_bytes, problems, files.image)
    mask_data = _tried(read_bytes, problems, files.mask)
    if image_data is None or mask_data is None:
        return Checked(None, tuple(problems), ())
    pixels = max(read_header(data).num_pixels for data in (image_data, mask_data))
    with memory.hold(_BYTES_PER_PIXEL * pixels):
        image = _tried(decode_image, problems, image_data, files.image)
        mask = _tried(decode_mask, problems, mask_data, files.mask)
        if image is None or mask is None:
            return Checked(None, tuple(problems), ())
        (height, width), theirs = mask.pixels.shape, image.pixels.shape[:2]
        if (height, width) != theirs:
            flaw = (f"{files.mask}: the mask is {width}x{height} pixels, "
                    f"its image {theirs[1]}x{theirs[0]}")
            return Checked(None, (flaw,), ())
        notes = {"grey image": image.was_grey, "opaque alpha channel": image.had_alpha,
                 "empty mask": not mask.pixels.any()}
        pair = Pair(files.stem, image.pixels, mask.pixels, image.sha256, mask.sha256)
        told = tuple(note for note, holds in notes.items() if holds)
        return Checked(fit_pair(pair, size), (), told)


def _tried(
    read: Callable[..., _Read], problems: list[str], *arguments: object
) -> _Read | None:
    try:
        return read(*arguments)
    except DataError as error:
        problems.append(str(error))
        return None


def _list_files(folder: Path, option: str) -> tuple[list[Path], list[Path]]:
    """Image files and other files of a folder; hidden ones and folders are passed over."""
    if not folder.is_dir():
        state = "is not a folder" if folder.exists() else "no such folder"
        raise DataError(f"{folder}: {state}; give {option} a folder of image files")
    try:
        entries = sorted(p for p in folder.iterdir() if not p.name.startswith("."))
    except OSError as error:
        raise DataError(f"{folder}: cannot be read ({error.strerror})") from None
    files = [path for path in entries if not path.is_dir()]
    found = [path for path in files if path.suffix.lower() in EXTENSIONS]
    if not found:
        inside = [path.name for path in entries if path.is_dir()]
        hint = f"; it has folders inside: {', '.join(inside[:5])}" if inside else ""
        raise DataError(f"{folder}: holds no jpg, png, bmp or tif files{hint}")
    return found, [path for path in files if path not in set(found)]


def _group(files: Iterable[Path], key: Callable[[str], str]) -> dict[str, list[Path]]:
    groups: dict[str, list[Path]] = defaultdict(list)
    for path in files:
        groups[key(path.stem)].append(path)
    return dict(groups)


def _image_stem(mask_stem: str, images: Container[str]) -> str:
    """The stem of the image that a mask belongs to, or the mask's own where there is none."""
    if mask_stem in images:
        return mask_stem
    shorter = _MASK_SUFFIX.sub("", mask_stem)
    return shorter if shorter in images else mask_stem


def _stem_problems(
    stem: str, image_files: Sequence[Path], mask_files: Sequence[Path], images: Path, masks: Path
) -> list[str]:
    """Why the files of one stem make no pair."""
    if not image_files:
        return [f"{path}: this mask has no image in {images}" for path in mask_files]
    problems = []
    flaw = _stem_flaw(stem)
    if flaw:
        problems.append(f"{images}: the name {stem!a} {flaw}; rename it and its mask")
    for folder, files, kind in ((images, image_files, "images"), (masks, mask_files, "masks")):
        if len(files) > 1:
            names = ", ".join(path.name for path in files)
            problems.append(f"{folder}: several {kind} for {stem} ({names}); keep one")
    if not mask_files:
        problems += [f"{path}: this image has no mask in {masks}" for path in image_files]
    return problems


def _stem_flaw(stem: str) -> str | None:
    """Why a stem could not stand on a line of its own in a list, where it could not."""
    if stem.startswith("#"):
        return "starts with #, which marks a comment in lists"
    if stem != stem.strip():
        return "starts or ends with a space"
    if any(unicodedata.category(letter) in ("Cc", "Zl", "Zp") for letter in stem):
        return "holds a line break or another control character"
    if any(unicodedata.category(letter) == "Cs" for letter in stem):
        return "is not valid UTF-8"
    return None
