"""The dataset store: images and masks decoded and resized once, read through memory maps.

A folder ``<data root>/<name>/<size>/``:

    images.npy    (n, S, S, 3) uint8 RGB
    masks.npy     (n, S, S) uint8 in {0, 1}
    index.csv     one row per image: stem, own height and width, SHA-256 of both files, foreground
    original_masks.bin  original_masks_offsets.npy
                  each mask at its own size as a bilevel PNG, one after another
    splits/       train.txt val.txt test.txt labeled_seed0.txt ... (see ``data.splits``)
    dataset.json  what it is: digests, counts, licence

Rows are sorted by stem. The folder is written under a temporary name beside its place and then
renamed, so a store is there whole or not at all.
"""

import csv
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cclcc_cli.data.splits import Splits, read_splits
from cclcc_cli.errors import DataError

FORMAT = 1
RESIZE = (
    "square, aspect not kept; images by area where no side grows, else linear; "
    "masks binarised first, resized alike as float32, foreground from 0.5"
)
DEFAULT_DATA_ROOT = Path("runs/data")


@dataclass(frozen=True)
class StoreInfo:
    """What a store says about itself; the content of ``dataset.json``.

    Attributes:
        name: of the data set.
        size: side of the stored images, in pixels.
        digest: SHA-256 over stems, file hashes, size, resize rule and format.
        num_images: in all splits together.
        counts: images per split: train, val, test.
        foreground_share: mean over images of the mask's share of the image, 0 to 1.
        license, citation, source: as the user gave them, or what is known.
        split_digest: ``Splits.digest()`` of the stored lists.
        format: version of this layout.
        resize: how images came to their size.
    """

    name: str
    size: int
    digest: str
    num_images: int
    counts: Mapping[str, int]
    foreground_share: float
    license: str
    citation: str
    source: str
    split_digest: str
    format: int
    resize: str


@dataclass(frozen=True)
class IndexRow:
    """One image: its stem, own size in pixels, hashes of both files, share of foreground."""

    stem: str
    height: int
    width: int
    image_sha256: str
    mask_sha256: str
    foreground: float


@dataclass(frozen=True, eq=False)
class Store:
    """A prepared data set. Pickles as its path and info, so workers open their own maps.

    Attributes:
        path: the store's folder.
        info: what it is.
        rows: one per image, sorted by stem; a position below is an index into it.
        images: (n, S, S, 3) uint8 RGB, read-only memory map.
        masks: (n, S, S) uint8 in {0, 1}, read-only memory map.
        splits: stems of each split and label orders.
    """

    path: Path
    info: StoreInfo
    rows: tuple[IndexRow, ...]
    images: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    splits: Splits

    def positions(self, stems: Iterable[str]) -> list[int]:
        """Where the given stems lie in ``rows``, ``images`` and ``masks``."""
        return [self._position_of[stem] for stem in stems]

    def original_mask(self, position: int) -> NDArray[np.uint8]:
        """One mask at the image's own size, (height, width) uint8 in {0, 1}.

        Raises:
            DataError: the store was damaged after it was opened.
        """
        row, start = self.rows[position], int(self._mask_offsets[position])
        with (self.path / "original_masks.bin").open("rb") as file:
            file.seek(start)
            png = file.read(int(self._mask_offsets[position + 1]) - start)
        mask = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE) if png else None
        if mask is None or mask.shape != (row.height, row.width):
            raise _damaged(self.path, f"the original mask of {row.stem} cannot be read")
        return (mask > 0).astype(np.uint8)

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


def load_store(path: Path) -> Store:
    """Open a store and check that its parts fit each other; pixels are not read.

    Raises:
        DataError: there is no store at ``path``, it is damaged or of another format.
    """
    if not path.is_dir():
        raise DataError(_missing(path))
    info = load_info(path)
    rows = _load_index(path)
    told = (content_digest(rows, info.size), len(rows), mean_foreground(rows))
    if told != (info.digest, info.num_images, info.foreground_share):
        raise _damaged(path, "index.csv does not match dataset.json")
    square = (info.num_images, info.size, info.size)
    images = _load_array(path, "images.npy", (*square, 3))
    masks = _load_array(path, "masks.npy", square)
    offsets = _load_offsets(path, info.num_images)
    try:
        num_bytes = (path / "original_masks.bin").stat().st_size
    except OSError:
        raise _damaged(path, "original_masks.bin is missing") from None
    if num_bytes != offsets[-1]:
        raise _damaged(path, "original_masks.bin is not as long as its offsets say")
    return Store(path, info, rows, images, masks, _load_splits(path, info, rows))


def load_info(path: Path) -> StoreInfo:
    """What the store at ``path`` says about itself.

    Raises:
        DataError: ``dataset.json`` is missing, damaged or of another format.
    """
    try:
        raw = json.loads((path / "dataset.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path}: is not a store (it has no dataset.json); move it away, "
                        f"then make one with: {prepare_command(path)}") from None
    except (OSError, ValueError):
        raise _damaged(path, "dataset.json cannot be read") from None
    if not isinstance(raw, dict) or "format" not in raw:
        raise _damaged(path, "dataset.json names no format")
    if raw["format"] != FORMAT:
        raise DataError(
            f"{path}: the store has format {raw['format']}, this version reads {FORMAT}; "
            f"make it again with: {prepare_command(path)} --force"
        )
    if set(raw) != {field.name for field in fields(StoreInfo)}:
        raise _damaged(path, "dataset.json lacks keys or has unknown ones")
    if raw["name"] != path.parent.name or str(raw["size"]) != path.name:
        raise _damaged(path, "dataset.json belongs to another folder")
    return StoreInfo(**raw)


def dump_info(info: StoreInfo) -> str:
    """The text of ``dataset.json``."""
    return json.dumps(asdict(info), indent=1, ensure_ascii=False) + "\n"


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


def prepare_command(path: Path) -> str:
    """The command that makes the store at ``path``."""
    folders = "" if path.parent.name == "synthetic" else " --images DIR --masks DIR"
    root = path.parent.parent
    data = "" if root == DEFAULT_DATA_ROOT else f" --data {root}"
    return f"cclcc prepare {path.parent.name} --size {path.name}{folders}{data}"


def _missing(path: Path) -> str:
    name, root = path.parent.name, path.parent.parent
    beside = sorted(int(p.parent.name) for p in path.parent.glob("*/dataset.json")
                    if p.parent.name.isdecimal())
    others = f" (there are: {', '.join(map(str, beside))} pixels)" if beside else ""
    return (f"no store for {name} at {path.name} pixels under {root}{others}; "
            f"make it with: {prepare_command(path)}")


def _damaged(path: Path, what: str) -> DataError:
    return DataError(
        f"{path}: the store is damaged ({what}); "
        f"make it again with: {prepare_command(path)} --force"
    )


def _reopen(path: Path, info: StoreInfo) -> Store:
    store = load_store(path)
    if store.info != info:
        raise DataError(f"{path}: the store was replaced while it was in use; start again")
    return store


def _load_index(path: Path) -> tuple[IndexRow, ...]:
    try:
        with (path / "index.csv").open(encoding="utf-8", newline="") as file:
            rows = tuple(_parse_row(row) for row in csv.DictReader(file, strict=True))
    except (OSError, ValueError, TypeError, KeyError, csv.Error):
        raise _damaged(path, "index.csv cannot be read") from None
    if [row.stem for row in rows] != sorted({row.stem for row in rows}):
        raise _damaged(path, "index.csv is not sorted by stem")
    return rows


def _parse_row(row: Mapping[str, str]) -> IndexRow:
    return IndexRow(row["stem"], int(row["height"]), int(row["width"]), row["image_sha256"],
                    row["mask_sha256"], float(row["foreground"]))


def _load_array(path: Path, name: str, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    try:
        array: NDArray[Any] = np.load(path / name, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        raise _damaged(path, f"{name} is missing or cut short") from None
    if array.shape != shape or array.dtype != np.uint8:
        raise _damaged(path, f"{name} holds {array.dtype} {array.shape}, not uint8 {shape}")
    return array


def _load_offsets(path: Path, num_images: int) -> NDArray[np.int64]:
    name = "original_masks_offsets.npy"
    try:
        offsets: NDArray[Any] = np.load(path / name, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        raise _damaged(path, f"{name} is missing or cut short") from None
    if offsets.shape != (num_images + 1,) or offsets.dtype != np.int64 or offsets[0] != 0:
        raise _damaged(path, f"{name} does not match index.csv")
    return offsets


def _load_splits(path: Path, info: StoreInfo, rows: tuple[IndexRow, ...]) -> Splits:
    try:
        splits = read_splits(path / "splits")
    except DataError as error:
        raise _damaged(path, str(error)) from None
    listed = sorted((*splits.train, *splits.val, *splits.test))
    if listed != [row.stem for row in rows] or splits.digest() != info.split_digest:
        raise _damaged(path, "the lists in splits/ were changed after it was made")
    return splits
