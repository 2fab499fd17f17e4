"""The dataset store: images and masks decoded and resized once, read through memory maps.

A folder ``<data root>/<name>/<size>/``:

    images.npy    (n, S, S, 3) uint8 RGB
    masks.npy     (n, S, S) uint8: 0 background, 1 object, 255 ignored (see ``data.class_map``)
    index.csv     one row per image: stem, own height and width, SHA-256 of both files,
                  foreground, group, ignored
    original_masks.bin  original_masks_offsets.npy
                  each mask at its own size as a PNG, one after another: bilevel, or grey levels
                  that are class and ignored values; nothing for an image without a mask
    splits/       train.txt val.txt test.txt labeled_seed0.txt ... (see ``data.splits``), and
                  a folder fold0, fold1 ... of the same for each fold
    audit.json    what is doubtful about it (see ``data.audit``)
    dataset.json  what it is: digests, counts, licence

Rows are sorted by stem. The folder is written under a temporary name beside its place and then
renamed, so a store is there whole or not at all. It is never changed: see ``data.store_versions``.
"""

import csv
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cclcc_cli.config.schema import NAME_PATTERN
from cclcc_cli.data.audit import Audit, parse_audit
from cclcc_cli.data.groups import given_groups
from cclcc_cli.data.splits import Splits, read_splits
from cclcc_cli.data.store_check import changed_files
from cclcc_cli.data.store_index import (
    IndexRow,
    content_digest,
    mean_foreground,
    read_index,
)
from cclcc_cli.data.store_info import StoreInfo, damaged, load_info, prepare_command
from cclcc_cli.data.store_versions import (
    Hold,
    current_version,
    stored_data,
    stored_sizes,
)
from cclcc_cli.errors import DataError
from cclcc_cli.files import DATA

_USUAL_SIZE = 320


@dataclass(frozen=True, eq=False)
class Store:
    """A prepared data set. Pickles as its path and info, so workers open their own maps.

    Attributes:
        path: the store's folder.
        info: what it is.
        rows: one per image, sorted by stem; a position below is an index into it.
        images: (n, S, S, 3) uint8 RGB, read-only memory map.
        masks: (n, S, S) uint8 class maps (see ``data.class_map``), read-only memory map; 255
            all over for an image without a mask.
        splits: stems of each split and label orders.
        folds: likewise for each fold of a cross-validation; empty without.
        audit: what was found to be doubtful.
        hold: keeps this version from being removed.
    """

    path: Path
    info: StoreInfo
    rows: tuple[IndexRow, ...]
    images: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    splits: Splits
    folds: tuple[Splits, ...]
    audit: Audit
    hold: Hold | None = None

    def check_content(self) -> None:
        """Read all pixels once, and see that they are those that were written.

        Raises:
            DataError: a file was changed since.
        """
        if changed := changed_files(self):
            raise damaged(self.path, f"{' and '.join(changed)} changed after it was made")

    def fold(self, number: int | None) -> Splits:
        """The splits of a fold, or the main ones for None.

        Raises:
            DataError: there is no such fold.
        """
        if number is None:
            return self.splits
        if number >= len(self.folds):
            there = f"0 to {len(self.folds) - 1}" if self.folds else "none; --folds 5 makes some"
            raise DataError(f"{self.path}: has no fold {number}; there are: {there}")
        return self.folds[number]

    def positions(self, stems: Iterable[str]) -> list[int]:
        """Where the given stems lie in ``rows``, ``images`` and ``masks``."""
        return [self._position_of[stem] for stem in stems]

    def original_mask(self, position: int) -> NDArray[np.uint8]:
        """One mask at the image's own size, a class map (height, width) uint8.

        Raises:
            DataError: the store was damaged after it was opened.
        """
        row, png = self.rows[position], self.original_png(position)
        mask = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE) if png else None
        if mask is None or mask.shape != (row.height, row.width):
            raise damaged(self.path, f"the original mask of {row.stem} cannot be read")
        return (mask > 0).astype(np.uint8) if is_bilevel(png) else np.asarray(mask, np.uint8)

    def original_png(self, position: int) -> bytes:
        """The same as it is stored; empty for an image without a mask."""
        start = int(self._mask_offsets[position])
        with (self.path / "original_masks.bin").open("rb") as file:
            file.seek(start)
            return file.read(int(self._mask_offsets[position + 1]) - start)

    @cached_property
    def has_ignored(self) -> bool:
        """Whether some masks have pixels that do not count."""
        return any(row.ignored for row in self.rows if row.has_mask)

    @cached_property
    def given_groups(self) -> Mapping[str, str] | None:
        """Stem to patient or video; None where none were given, by the user or the data set."""
        return given_groups({row.stem: row.group for row in self.rows},
                            [(pair.first, pair.second) for pair in self.audit.pairs])

    @cached_property
    def _position_of(self) -> dict[str, int]:
        return {row.stem: position for position, row in enumerate(self.rows)}

    @cached_property
    def _mask_offsets(self) -> NDArray[np.int64]:
        return _load_offsets(self.path, self.info.num_images)

    def __reduce__(self) -> tuple[Callable[[Path, StoreInfo], "Store"], tuple[Path, StoreInfo]]:
        return _reopen, (self.path, self.info)


def store_path(data_root: Path, name: str, size: int) -> Path:
    """The folder of a data set's store at a size."""
    return data_root / name / str(size)


def open_store(data_root: Path, name: str, size: int | None) -> Store:
    """The store of a name, at a size or at the only size that it is stored at.

    Raises:
        DataError: the name is none, there is no such store, or there are several sizes.
    """
    if not re.fullmatch(NAME_PATTERN, name):
        raise DataError(f"{name!r}: is no data set's name; give the name it was prepared by")
    sizes = stored_sizes(data_root / name)
    if size is None and len(sizes) > 1:
        raise DataError(f"{name}: stored at {', '.join(map(str, sizes))} pixels under "
                        f"{data_root}; say which with --size")
    return load_store(store_path(data_root, name, size or (sizes[0] if sizes else _USUAL_SIZE)))


def load_store(path: Path) -> Store:
    """Open a store's current version and check that its parts fit each other; no pixel is read.

    Args:
        path: ``store_path``, or the folder of the one version to open.

    Raises:
        DataError: there is no store at ``path``, it is damaged or of another format.
    """
    folder = current_version(path)
    try:
        return _open_version(path, folder)
    except DataError:
        newer = current_version(path)
        if newer == folder:
            raise
        return _open_version(path, newer)  # it came, and the other went, in between


def _open_version(asked: Path, path: Path) -> Store:
    try:
        hold = Hold(path)
    except BlockingIOError:  # it was replaced and is being removed
        raise DataError(f"{asked}: the store was replaced this moment; start again") from None
    except OSError:
        hold = None  # said below, as what it is
    if not path.is_dir():
        raise DataError(_missing(asked))
    info = load_info(path)
    rows = _load_rows(path)
    told = (content_digest(rows, info.size, info.coding), len(rows), mean_foreground(rows))
    if told != (info.digest, info.num_images, info.foreground_share):
        raise damaged(path, "index.csv does not match dataset.json")
    square = (info.num_images, info.size, info.size)
    images = _load_array(path, "images.npy", (*square, 3))
    masks = _load_array(path, "masks.npy", square)
    offsets = _load_offsets(path, info.num_images)
    try:
        num_bytes = (path / "original_masks.bin").stat().st_size
    except OSError:
        raise damaged(path, "original_masks.bin is missing") from None
    if num_bytes != offsets[-1]:
        raise damaged(path, "original_masks.bin is not as long as its offsets say")
    folders = split_folders(path / "splits", len(info.fold_digests))
    digests = (info.split_digest, *info.fold_digests)
    main, *folds = (_load_splits(path, folder, digest, rows)
                    for folder, digest in zip(folders, digests, strict=True))
    return Store(path, info, rows, images, masks, main, tuple(folds), _load_audit(path), hold)


def is_bilevel(png: bytes) -> bool:
    """Whether a PNG has one bit a pixel, by the bit depth of its header."""
    return png[24] == 1


def split_folders(folder: Path, num_folds: int) -> list[Path]:
    """Where a folder of lists has the main splits, then those of each fold."""
    return [folder, *(folder / f"fold{fold}" for fold in range(num_folds))]


def _missing(path: Path) -> str:
    name, root = path.parent.name, path.parent.parent
    beside = stored_sizes(path.parent)
    others = f" (there are: {', '.join(map(str, beside))} pixels)" if beside else ""
    return (f"no store for {name} at {path.name} pixels under {root}{others}; {_elsewhere(root)}"
            f"make it with: {prepare_command(path)}")


def _elsewhere(root: Path) -> str:
    """Where stores are, if there are none where they were sought."""
    if stored_data(root):
        return ""
    for place in (root / "data", root / DATA, root.parent / "data", root.parent, DATA):
        if found := [home.name for home in stored_data(place)]:
            names = ", ".join(found[:5]) + (" ..." if len(found) > 5 else "")
            return f"stores are under {place} ({names}): give --data {place}, or "
    return ""


def _reopen(path: Path, info: StoreInfo) -> Store:
    store = _open_version(path, path)
    if store.info != info:
        raise DataError(f"{path}: the store was replaced while it was in use; start again")
    return store


def _load_array(path: Path, name: str, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    try:
        array: NDArray[Any] = np.load(path / name, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        raise damaged(path, f"{name} is missing or cut short") from None
    if array.shape != shape or array.dtype != np.uint8:
        raise damaged(path, f"{name} holds {array.dtype} {array.shape}, not uint8 {shape}")
    return array


def _load_offsets(path: Path, num_images: int) -> NDArray[np.int64]:
    name = "original_masks_offsets.npy"
    try:
        offsets: NDArray[Any] = np.load(path / name, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        raise damaged(path, f"{name} is missing or cut short") from None
    if offsets.shape != (num_images + 1,) or offsets.dtype != np.int64 or offsets[0] != 0:
        raise damaged(path, f"{name} does not match index.csv")
    return offsets


def _load_rows(path: Path) -> tuple[IndexRow, ...]:
    try:
        return read_index(path / "index.csv")
    except (OSError, ValueError, TypeError, KeyError, csv.Error):
        raise damaged(path, "index.csv cannot be read") from None


def _load_splits(path: Path, folder: Path, digest: str, rows: tuple[IndexRow, ...]) -> Splits:
    try:
        splits = read_splits(folder)
    except DataError as error:
        raise damaged(path, str(error)) from None
    if splits.stems != [row.stem for row in rows] or splits.digest() != digest:
        raise damaged(path, f"the lists in {folder.name}/ were changed after it was made")
    return splits


def _load_audit(path: Path) -> Audit:
    try:
        return parse_audit(json.loads((path / "audit.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError):
        raise damaged(path, "audit.json cannot be read") from None
