"""The folder that ``cclcc predict`` writes.

    predictions.json    the runs and every option that the results follow from
    predictions.csv     a row for each image that is done, written as the work goes on
    masks/              each image's mask at its own size, 0 and 255
    probabilities/      PNG of 16 bits, 65535 being 1, or .npz with ``probs`` as float32
    overlays/           the image with the mask's border
    thumbnails/         small overlays for the contact sheet
    failed.csv          images that could not be read, and why; only where there are some
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from cclcc_cli.data.contact_sheet import CYAN, encode_jpeg
from cclcc_cli.errors import RunError
from cclcc_cli.files import write_atomic
from cclcc_cli.inference.ensemble import Probs
from cclcc_cli.records import Record, load_record, save_record

Probabilities = Literal["none", "png", "npz"]
RECORD, TABLE, FAILED = "predictions.json", "predictions.csv", "failed.csv"
THUMBNAIL_SIDE = 240
_FOLDERS = {"mask": ("masks", ".png"), "png": ("probabilities", ".png"),
            "npz": ("probabilities", ".npz"), "overlay": ("overlays", ".jpg"),
            "thumbnail": ("thumbnails", ".jpg")}


class PredictionsRecord(Record):
    """``predictions.json``: what determines every mask in the folder."""

    runs: tuple[str, ...]
    """Digests."""
    size: int
    threshold: float
    device: str
    precision: str
    flips: bool
    tile: int | None
    fill_holes: bool
    min_area: int
    largest_component: bool


@dataclass(frozen=True)
class ImageRow:
    """A row of ``predictions.csv``.

    Attributes:
        image: its name, and that of its files.
        sha256: of the image's file.
        height, width: in pixels.
        area: of the mask, in pixels.
        share: of the image that the mask covers, 0 to 1.
        components: of the mask, connected over corners.
        confidence: mean probability inside the mask; empty where the mask is.
        entropy: mean over pixels, in bits, 0 to 1.
        disagreement: 1 less the mean Dice of each member's mask with the mask of all; empty where
            a single network saw the image once.
    """

    image: str
    sha256: str
    height: int
    width: int
    area: int
    share: float
    components: int
    confidence: float | None
    entropy: float
    disagreement: float | None


class OutputFolder:
    """Writes and reads the files of one prediction.

    Args:
        path: the folder, made where it is missing.
        record: of this prediction.
        wanted: kinds of files that each image gets.

    Raises:
        RunError: the folder holds something else, or predictions made in another way.
    """

    def __init__(self, path: Path, record: PredictionsRecord, wanted: Sequence[str]) -> None:
        self.path, self._wanted = path, tuple(wanted)
        if path.exists() and not path.is_dir():
            raise RunError(f"--out {path}: is a file; give a folder")
        path.mkdir(parents=True, exist_ok=True)
        there = load_record(PredictionsRecord, path / RECORD, "give another --out")
        if there is None and any(path.iterdir()):
            raise RunError(f"--out {path}: holds files that are no predictions of cclcc; give an "
                           "empty or new folder")
        if there is not None and there.plain() != record.plain():
            before, now = there.plain(), record.plain()
            apart = [f"{key}: {before.get(key)} there, {value} here"
                     for key, value in now.items() if before.get(key) != value]
            raise RunError(f"--out {path}: holds predictions made in another way "
                           f"({'; '.join(apart)}); give another folder")
        for kind in dict.fromkeys(("mask", *self._wanted)):
            (path / _FOLDERS[kind][0]).mkdir(parents=True, exist_ok=True)
        save_record(path / RECORD, record)

    def file(self, kind: str, name: str) -> Path:
        """Where an image's file of a kind lies."""
        folder, ending = _FOLDERS[kind]
        return self.path / folder / f"{name}{ending}"

    def write(self, kind: str, name: str, content: bytes) -> None:
        """Write an image's file, whole or not at all."""
        path = self.file(kind, name)
        if "/" in name:
            path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, content)

    def done(self) -> dict[str, ImageRow]:
        """Rows of the images all of whose files are there, by name; torn rows are left out."""
        return {row.image: row for row in read_rows(self.path)
                if all(self.file(kind, row.image).exists() for kind in ("mask", *self._wanted))}

    def begin(self, rows: Sequence[ImageRow]) -> None:
        """Start the table with rows that are kept."""
        write_atomic(self.path / TABLE, _table(rows))

    def append(self, rows: Sequence[ImageRow]) -> None:
        """Add rows to the table."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(_cells(row) for row in rows)
        with (self.path / TABLE).open("a", encoding="utf-8") as file:
            file.write(text.getvalue())

    def finish(self, rows: Sequence[ImageRow], failures: Sequence[tuple[str, str]]) -> None:
        """Write the table in order, and which images failed."""
        self.begin(rows)
        if not failures:
            (self.path / FAILED).unlink(missing_ok=True)
            return
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([("image", "problem"), *failures])
        write_atomic(self.path / FAILED, text.getvalue().encode())


def read_rows(folder: Path) -> list[ImageRow]:
    """The rows of ``predictions.csv``; none where there is no such file."""
    try:
        text = (folder / TABLE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    whole = text[:text.rfind("\n") + 1]  # a killed process leaves half a line
    rows = []
    for row in csv.DictReader(io.StringIO(whole)):
        try:
            rows.append(ImageRow(
                row["image"], row["sha256"], int(row["height"]), int(row["width"]),
                int(row["area"]), float(row["share"]), int(row["components"]),
                float(row["confidence"]) if row["confidence"] else None,
                float(row["entropy"]),
                float(row["disagreement"]) if row["disagreement"] else None))
        except (KeyError, ValueError, TypeError) as error:
            raise RunError(f"{folder / TABLE}: cannot be read ({error}); remove this file, and "
                           "the same command writes it again") from None
    return rows


def encode_mask(mask: NDArray[np.bool_]) -> bytes:
    """A mask as a grey PNG of 0 and 255."""
    return _png(mask.astype(np.uint8) * 255)


def encode_probs_png(probs: NDArray[np.uint16]) -> bytes:
    """Probabilities, 65535 being 1, as a grey PNG of 16 bits."""
    return _png(probs)


def encode_probs_npz(probs: Probs) -> bytes:
    """Probabilities as a file of ``numpy.load``; the same ones give the same bytes."""
    file = io.BytesIO()
    np.savez_compressed(file, probs=probs)
    return file.getvalue()


def encode_overlay(pixels: NDArray[np.uint8], mask: NDArray[np.bool_]) -> bytes:
    """A JPEG of an image ``(H, W, 3)`` with the border of its mask, as wide as can be seen."""
    canvas = np.ascontiguousarray(pixels).copy()
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    line = max(1, round(max(mask.shape) / 400))
    cv2.drawContours(canvas, outlines, -1, (16, 16, 20), 3 * line)
    cv2.drawContours(canvas, outlines, -1, CYAN, line)
    return encode_jpeg(canvas)


def encode_thumbnail(pixels: NDArray[np.uint8], mask: NDArray[np.bool_]) -> bytes:
    """A small overlay, THUMBNAIL_SIDE pixels along its longer side."""
    height, width = mask.shape
    scale = min(1.0, THUMBNAIL_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(np.ascontiguousarray(pixels), size, interpolation=cv2.INTER_AREA)
    share = cv2.resize(mask.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA)
    return encode_overlay(np.asarray(small, np.uint8), np.asarray(share >= 128))


def _png(pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> bytes:
    done, data = cv2.imencode(".png", pixels)
    assert done
    return data.tobytes()


def _table(rows: Sequence[ImageRow]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(field.name for field in fields(ImageRow))
    writer.writerows(_cells(row) for row in rows)
    return text.getvalue().encode()


def _cells(row: ImageRow) -> list[str]:
    return ["" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
            for value in asdict(row).values()]
