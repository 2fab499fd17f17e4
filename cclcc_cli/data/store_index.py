"""The index of a store: one row per image, and what follows from the rows alone."""

import csv
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

FORMAT = 3
READABLE = (2, FORMAT)
"""Formats that can be read. In 2 every image has a mask without ignored pixels."""
_DIGEST_FORMAT = 2
"""Part of every content digest: what was written in format 2 has the same one today."""
RESIZE = (
    "square, aspect not kept; images by area where no side grows, else linear; "
    "masks binarised first, resized alike as float32, foreground from 0.5"
)
RESIZE_CLASSES = (
    "; ignored where at least half of a pixel is, else the class that most of the rest belongs to"
)
"""The rule's other half, for masks with ignored pixels or several classes."""


@dataclass(frozen=True)
class IndexRow:
    """One image.

    Attributes:
        stem: its name.
        height, width: its own size in pixels.
        image_sha256, mask_sha256: of both files; the second is empty for an image without a mask.
        foreground: the mask's share of the image, 0 to 1; 0 without a mask.
        group: images of the same group stay on one side of a cut; its stem where it is alone.
        ignored: share of the image that counts in no loss and no score; 1 without a mask.
    """

    stem: str
    height: int
    width: int
    image_sha256: str
    mask_sha256: str
    foreground: float
    group: str
    ignored: float = 0.0

    @property
    def has_mask(self) -> bool:
        return bool(self.mask_sha256)


def content_digest(rows: Iterable[IndexRow], size: int, coding: str = "") -> str:
    """SHA-256 (hex) of what the pixels follow from.

    Args:
        rows: their stems, file hashes and ignored shares count.
        size: side of the stored images.
        coding: how mask values were read, in words; empty where that was by the usual rule.
    """
    rows = list(rows)
    files = sorted((row.stem, row.image_sha256, row.mask_sha256) for row in rows)
    told: list[object] = [_DIGEST_FORMAT, RESIZE, size, files]
    ignored = sorted((row.stem, row.ignored) for row in rows if row.has_mask and row.ignored)
    if coding or ignored:
        told += [coding, ignored]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def mean_foreground(rows: Iterable[IndexRow]) -> float:
    """Mean of the mask's share of the image, over the images that have one."""
    shares = [row.foreground for row in rows if row.has_mask]
    return sum(shares) / max(len(shares), 1)


def write_index(path: Path, rows: Iterable[IndexRow]) -> None:
    """Write ``index.csv``."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(field.name for field in fields(IndexRow))
        writer.writerows(tuple(asdict(row).values()) for row in rows)


def read_index(path: Path) -> tuple[IndexRow, ...]:
    """The rows of ``index.csv``.

    Raises:
        OSError, ValueError, TypeError, KeyError, csv.Error: it is missing or damaged.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = tuple(_parse_row(row) for row in csv.DictReader(file, strict=True))
    if [row.stem for row in rows] != sorted({row.stem for row in rows}):
        raise ValueError("not sorted by stem")
    return rows


def _parse_row(row: Mapping[str, str]) -> IndexRow:
    return IndexRow(row["stem"], int(row["height"]), int(row["width"]), row["image_sha256"],
                    row["mask_sha256"], float(row["foreground"]), row["group"],
                    float(row["ignored"]) if "ignored" in row else 0.0)
