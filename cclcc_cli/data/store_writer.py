"""Writing a store: pairs of any size in, one whole folder out or nothing."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

from cclcc_cli.data.audit import Audit, dump_audit
from cclcc_cli.data.class_map import IGNORED, foreground, ignored, num_classes
from cclcc_cli.data.import_record import IMPORT, ImportRecord
from cclcc_cli.data.pixel_rows import ForegroundRows, PixelRows, open_rows
from cclcc_cli.data.split_set import SplitSet
from cclcc_cli.data.splits import write_splits
from cclcc_cli.data.store import split_folders
from cclcc_cli.data.store_check import file_sums
from cclcc_cli.data.store_index import (
    FORMAT,
    RESIZE,
    RESIZE_CLASSES,
    IndexRow,
    content_digest,
    mean_foreground,
    write_index,
)
from cclcc_cli.data.store_info import StoreInfo, dump_info
from cclcc_cli.data.store_versions import next_version, remove_old
from cclcc_cli.files import sync, temporary_name
from cclcc_cli.records import to_json


@dataclass(frozen=True)
class About:
    """What is told about a data set's origin; empty where nobody said."""

    license: str = ""
    citation: str = ""
    source: str = ""


@dataclass(frozen=True)
class Pair:
    """An image and its mask at their own size.

    Attributes:
        stem: the name they share.
        image: (h, w, 3) uint8 RGB.
        mask: (h, w) uint8 class map (see ``data.class_map``); None where there is none.
        image_sha256, mask_sha256: of the files they came from; the second empty without a mask.
    """

    stem: str
    image: NDArray[np.uint8]
    mask: NDArray[np.uint8] | None
    image_sha256: str
    mask_sha256: str


@dataclass(frozen=True)
class Sample:
    """A pair as a store holds it: resized, and the mask at its own size as a PNG, or nothing."""

    row: IndexRow
    image: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    original_mask: bytes


@dataclass(frozen=True)
class Contents:
    """What is known once all pixels are: the index with its groups, splits, audit and import."""

    rows: tuple[IndexRow, ...]
    splits: SplitSet
    audit: Audit
    imported: ImportRecord | None = None


Arrange = Callable[[Sequence[IndexRow], PixelRows, PixelRows], Contents]
"""Makes the contents from rows, images (n, S, S, 3) and foreground (n, S, S) in {0, 1}."""


def fit_pair(pair: Pair, size: int) -> Sample:
    """Resize a pair to a square of ``size`` pixels, by the rule that ``store_index`` states."""
    height, width = pair.image.shape[:2]
    image = fit_image(pair.image, size)
    row = IndexRow(pair.stem, height, width, pair.image_sha256, pair.mask_sha256, 0.0, pair.stem,
                   1.0)
    alone = Sample(row, image, np.full((size, size), IGNORED, np.uint8), b"")
    return alone if pair.mask is None else with_mask(alone, pair.mask, pair.mask_sha256)


def with_mask(sample: Sample, mask: NDArray[np.uint8], mask_sha256: str) -> Sample:
    """The same image with a mask at its own size, a class map ``(h, w)``."""
    row = replace(sample.row, mask_sha256=mask_sha256, foreground=_share(foreground(mask)),
                  ignored=_share(ignored(mask)))
    return Sample(row, sample.image, fit_mask(mask, len(sample.image)), _encode_mask(mask))


def _share(area: NDArray[np.bool_]) -> float:
    return int(np.count_nonzero(area)) / area.size


def fit_mask(mask: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Resize a class map ``(H, W)`` to ``(size, size)``, whatever its classes."""
    how = _interpolation(mask.shape[0], mask.shape[1], size)

    def share_of(area: NDArray[np.bool_]) -> NDArray[np.float32]:
        resized = cv2.resize(area.astype(np.float32), (size, size), interpolation=how)
        return np.asarray(resized, np.float32)

    if mask.max() <= 1:
        return (share_of(mask > 0) >= 0.5).astype(np.uint8)
    left_out = share_of(ignored(mask))
    shares = [share_of(mask == value) for value in range(num_classes(mask) + 1)]
    # Halves go to the object, as in a binary mask, and to the higher of two classes.
    fitted = len(shares) - 1 - np.argmax(shares[::-1], axis=0)
    return np.where(left_out >= 0.5, IGNORED, fitted).astype(np.uint8)


def _encode_mask(mask: NDArray[np.uint8]) -> bytes:
    binary = int(mask.max()) <= 1
    done, png = cv2.imencode(".png", mask * np.uint8(255) if binary else mask,
                             [cv2.IMWRITE_PNG_BILEVEL, 1] if binary else [])
    assert done
    return png.tobytes()


def fit_image(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Resize an image ``(H, W, 3)`` to ``(size, size, 3)`` by the rule that ``RESIZE`` states."""
    how = _interpolation(image.shape[0], image.shape[1], size)
    return cv2.resize(image, (size, size), interpolation=how).astype(np.uint8, copy=False)


def _interpolation(height: int, width: int, size: int) -> int:
    return cv2.INTER_AREA if size <= min(height, width) else cv2.INTER_LINEAR


def write_store(
    path: Path, samples: Iterable[Sample], num_images: int, about: About,
    files: Mapping[str, str], arrange: Arrange, coding: str = "",
) -> None:
    """Write the next version of the store at ``path`` (``<root>/<name>/<size>``).

    A crash at any moment leaves the old version, or none, and perhaps a hidden folder beside it
    that ``remove_stale`` clears. Only one sample is held at a time. Hold the store's lock.

    Args:
        path: see ``store.store_path``.
        samples: ``num_images`` of them, sorted by stem; an exception from it writes nothing.
        about: the data set's origin.
        files: archive to SHA-256.
        arrange: called once, when all pixels are written.
        coding: see ``StoreInfo``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _new_version(path) as folder:
        rows, classes = _write_samples(folder, int(path.name), samples, num_images)
        with open_rows(folder / "images.npy") as images, open_rows(folder / "masks.npy") as masks:
            contents = arrange(rows, images, ForegroundRows(masks))
        write_index(folder / "index.csv", contents.rows)
        cuts = contents.splits.all
        places = split_folders(folder / "splits", len(cuts) - 1)
        for place, splits in zip(places, cuts, strict=True):
            write_splits(place, splits)
        if contents.imported is not None:
            (folder / IMPORT).write_bytes(to_json(contents.imported.plain()))
        (folder / "audit.json").write_text(dump_audit(contents.audit), encoding="utf-8")
        info = replace(_describe(path, contents, about, files, coding, classes),
                       sums=file_sums(folder))
        (folder / "dataset.json").write_bytes(dump_info(info))


def remove_stale(path: Path) -> None:
    """Remove what killed runs and versions that were in use left; hold the store's lock."""
    for left in path.parent.glob(f".{path.name}.*.tmp"):
        shutil.rmtree(left)
    remove_old(path)


def _write_samples(
    folder: Path, size: int, samples: Iterable[Sample], num_images: int
) -> tuple[list[IndexRow], int]:
    rows: list[IndexRow] = []
    offsets, classes = [0], 1
    # Plain writes, not a memory map: a full disk is then an error and not a SIGBUS.
    with (
        (folder / "images.npy").open("wb") as images,
        (folder / "masks.npy").open("wb") as masks,
        (folder / "original_masks.bin").open("wb") as originals,
    ):
        _write_header(images, (num_images, size, size, 3))
        _write_header(masks, (num_images, size, size))
        for sample in samples:
            images.write(sample.image.tobytes())
            masks.write(sample.mask.tobytes())
            offsets.append(offsets[-1] + originals.write(sample.original_mask))
            rows.append(sample.row)
            classes = max(classes, num_classes(sample.mask))
    np.save(folder / "original_masks_offsets.npy", np.array(offsets, np.int64))
    assert [row.stem for row in rows] == sorted({row.stem for row in rows})
    assert len(rows) == num_images
    return rows, classes


def _write_header(file: BinaryIO, shape: tuple[int, ...]) -> None:
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)


def _describe(
    path: Path, contents: Contents, about: About, files: Mapping[str, str], coding: str,
    classes: int,
) -> StoreInfo:
    rows, splits = contents.rows, contents.splits
    plain = classes == 1 and not any(row.ignored for row in rows if row.has_mask)
    return StoreInfo(
        name=path.parent.name,
        size=int(path.name),
        digest=content_digest(rows, int(path.name), coding),
        num_images=len(rows),
        counts=splits.main.counts,
        foreground_share=mean_foreground(rows),
        license=about.license,
        citation=about.citation,
        source=about.source,
        files=files,
        split_digest=splits.main.digest(),
        fold_digests=tuple(fold.digest() for fold in splits.folds),
        split_rule=splits.rule,
        format=FORMAT,
        resize=RESIZE if plain else RESIZE + RESIZE_CLASSES,
        coding=coding,
        num_classes=classes,
    )


@contextmanager
def _new_version(path: Path) -> Iterator[Path]:
    """A temporary folder that is the store's next version once the block ends well."""
    folder = temporary_name(path)
    folder.mkdir()
    try:
        yield folder
        for part in [*folder.rglob("*"), folder]:
            sync(part)
        folder.rename(next_version(path))
        sync(path.parent)
        remove_old(path)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
