"""Writing a store: pairs of any size in, one whole folder out or nothing."""

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

from cclcc_cli.data.audit import Audit, dump_audit
from cclcc_cli.data.pixel_rows import PixelRows, open_rows
from cclcc_cli.data.split_set import SplitSet
from cclcc_cli.data.splits import write_splits
from cclcc_cli.data.store import StoreInfo, dump_info, split_folders
from cclcc_cli.data.store_index import (
    FORMAT,
    RESIZE,
    IndexRow,
    content_digest,
    mean_foreground,
    write_index,
)
from cclcc_cli.files import sync


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
        mask: (h, w) uint8 in {0, 1}.
        image_sha256, mask_sha256: of the files they came from.
    """

    stem: str
    image: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    image_sha256: str
    mask_sha256: str


@dataclass(frozen=True)
class Sample:
    """A pair as a store holds it: resized, and the mask at its own size as a bilevel PNG."""

    row: IndexRow
    image: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    original_mask: bytes


@dataclass(frozen=True)
class Contents:
    """What is known once all pixels are: the index with its groups, splits and audit."""

    rows: tuple[IndexRow, ...]
    splits: SplitSet
    audit: Audit


Arrange = Callable[[Sequence[IndexRow], PixelRows, PixelRows], Contents]
"""Makes the contents from rows, images (n, S, S, 3) and masks (n, S, S)."""


def fit_pair(pair: Pair, size: int) -> Sample:
    """Resize a pair to a square of ``size`` pixels, by the rule that ``store.RESIZE`` states."""
    height, width = pair.mask.shape
    row = IndexRow(pair.stem, height, width, pair.image_sha256, pair.mask_sha256,
                   float(pair.mask.mean()), pair.stem)
    share = cv2.resize(pair.mask.astype(np.float32), (size, size),
                       interpolation=_interpolation(height, width, size))
    done, png = cv2.imencode(".png", pair.mask * 255, [cv2.IMWRITE_PNG_BILEVEL, 1])
    assert done
    return Sample(row, fit_image(pair.image, size), (share >= 0.5).astype(np.uint8), png.tobytes())


def fit_image(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Resize an image ``(H, W, 3)`` to ``(size, size, 3)`` by the rule that ``RESIZE`` states."""
    how = _interpolation(image.shape[0], image.shape[1], size)
    return cv2.resize(image, (size, size), interpolation=how).astype(np.uint8, copy=False)


def _interpolation(height: int, width: int, size: int) -> int:
    return cv2.INTER_AREA if size <= min(height, width) else cv2.INTER_LINEAR


def write_store(
    path: Path, samples: Iterable[Sample], num_images: int, about: About,
    files: Mapping[str, str], arrange: Arrange,
) -> None:
    """Write a store at ``path`` (``<root>/<name>/<size>``), in place of one that is there.

    A crash at any moment leaves the old store, or none, and perhaps a hidden folder beside it
    that ``remove_stale`` clears. Only one sample is held at a time.

    Args:
        path: see ``store.store_path``.
        samples: ``num_images`` of them, sorted by stem; an exception from it writes nothing.
        about: the data set's origin.
        files: archive to SHA-256.
        arrange: called once, when all pixels are written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _replacing(path) as folder:
        rows = _write_samples(folder, int(path.name), samples, num_images)
        with open_rows(folder / "images.npy") as images, open_rows(folder / "masks.npy") as masks:
            contents = arrange(rows, images, masks)
        write_index(folder / "index.csv", contents.rows)
        cuts = contents.splits.all
        places = split_folders(folder / "splits", len(cuts) - 1)
        for place, splits in zip(places, cuts, strict=True):
            write_splits(place, splits)
        (folder / "audit.json").write_text(dump_audit(contents.audit), encoding="utf-8")
        info = _describe(path, contents, about, files)
        (folder / "dataset.json").write_bytes(dump_info(info))


def remove_stale(path: Path) -> None:
    """Remove what a killed run left beside the store at ``path``; hold its lock meanwhile."""
    for left in path.parent.glob(f".{path.name}.*.tmp"):
        shutil.rmtree(left)


def _write_samples(
    folder: Path, size: int, samples: Iterable[Sample], num_images: int
) -> list[IndexRow]:
    rows: list[IndexRow] = []
    offsets = [0]
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
    np.save(folder / "original_masks_offsets.npy", np.array(offsets, np.int64))
    assert [row.stem for row in rows] == sorted({row.stem for row in rows})
    assert len(rows) == num_images
    return rows


def _write_header(file: BinaryIO, shape: tuple[int, ...]) -> None:
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)


def _describe(
    path: Path, contents: Contents, about: About, files: Mapping[str, str]
) -> StoreInfo:
    rows, splits = contents.rows, contents.splits
    return StoreInfo(
        name=path.parent.name,
        size=int(path.name),
        digest=content_digest(rows, int(path.name)),
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
        resize=RESIZE,
    )


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A temporary folder that takes the place of ``path`` once the block ends well."""
    folder = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp"))
    try:
        folder.chmod(0o755)
        yield folder
        for part in [*folder.rglob("*"), folder]:
            sync(part)
        if path.exists():
            old = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp"))
            path.rename(old)  # over an empty folder; a full one cannot be renamed over
            folder.rename(path)
            shutil.rmtree(old)
        else:
            folder.rename(path)
        sync(path.parent)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
