"""The index of a store: one row per image, and what follows from the rows alone."""

import csv
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

FORMAT = 2
RESIZE = (
    "square, aspect not kept; images by area where no side grows, else linear; "
    "masks binarised first, resized alike as float32, foreground from 0.5"
)


@dataclass(frozen=True)
class IndexRow:
    """One image.

    Attributes:
        stem: its name.
        height, width: its own size in pixels.
        image_sha256, mask_sha256: of both files.
        foreground: the mask's share of the image, 0 to 1.
        group: images of the same group stay on one side of a cut; its stem where it is alone.
    """

    stem: str
    height: int
    width: int
    image_sha256: str
    mask_sha256: str
    foreground: float
    group: str


def content_digest(rows: Iterable[IndexRow], size: int) -> str:
    """SHA-256 (hex) of what the pixels follow from: stems, file hashes, size, resize rule."""
    files = sorted((row.stem, row.image_sha256, row.mask_sha256) for row in rows)
    return hashlib.sha256(json.dumps([FORMAT, RESIZE, size, files]).encode()).hexdigest()


def mean_foreground(rows: Sequence[IndexRow]) -> float:
    """Mean over images of the mask's share of the image."""
    return sum(row.foreground for row in rows) / max(len(rows), 1)


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
                    row["mask_sha256"], float(row["foreground"]), row["group"])
