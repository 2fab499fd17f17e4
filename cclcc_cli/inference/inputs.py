"""The images to segment: files, a folder, a pattern, or the rows of a prepared data set."""

import glob
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cclcc_cli.data.folder import EXTENSIONS
from cclcc_cli.data.image_file import decode_image, read_bytes
from cclcc_cli.data.image_header import MOST_PIXELS, read_header
from cclcc_cli.data.store import Store, load_store, open_store
from cclcc_cli.data.store_writer import fit_image
from cclcc_cli.data.workers import MemoryBudget
from cclcc_cli.errors import DataError

Pixels = NDArray[np.uint8]

_KEPT_PIXELS = 4_000_000
"""A larger image is read again where its pixels are wanted a second time."""
_DECODING_BYTES = 8
"""Held for each pixel while a file is decoded and resized."""
MOST_TILED_PIXELS = 200_000_000
"""Of an image that is cut into tiles."""


@dataclass(frozen=True)
class ImageInput:
    """One image to segment.

    Attributes:
        name: of its results: where it lies below what was given, without its extension.
        file: to decode; None for a row of a store.
        position: of the row; 0 for a file.
    """

    name: str
    file: Path | None
    position: int = 0


@dataclass(frozen=True)
class Inputs:
    """All images to segment.

    Attributes:
        images: in the order of their names.
        store: that they are rows of; None for files.
        ignored: files of the folder that are no images.
    """

    images: tuple[ImageInput, ...]
    store: Store | None = None
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class LoadedImage:
    """An image, ready for a network.

    Attributes:
        image: where it came from.
        sha256: of its file, as hex.
        height, width: its own.
        small: ``(S, S, 3)`` uint8 RGB, resized as ``cclcc prepare`` resizes.
        pixels: ``(height, width, 3)`` uint8 RGB where they were asked for and are not too many.
    """

    image: ImageInput
    sha256: str
    height: int
    width: int
    small: Pixels
    pixels: Pixels | None


def is_image_file(path: Path) -> bool:
    """Whether the name is that of an image."""
    return path.suffix.lower() in EXTENSIONS


def split_words(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Runs and images: the last word, and image files before it, as a shell lists a pattern.

    Raises:
        DataError: one of the two is missing.
    """
    first = len(words) - 1
    if is_image_file(Path(words[-1])):
        while first > 0 and is_image_file(Path(words[first - 1])):
            first -= 1
    if first < 1:
        raise DataError(f"{' '.join(words[:3])}: give a run first, then images: "
                        "cclcc predict RUN... IMAGES --out DIR")
    return list(words[:first]), list(words[first:])


def find_inputs(words: Sequence[str], data_root: Path, size: int) -> Inputs:
    """The images that words on the command line stand for.

    Args:
        words: image files; or one folder, pattern such as ``'scans/*.png'``, or data set.
        data_root: where stores are kept.
        size: of the network, at which a data set must be stored.

    Raises:
        DataError: there is no such thing, or no image in it.
    """
    if len(words) > 1:
        return _of_files([Path(word) for word in words], Path(os.path.commonpath(words)))
    word, path = words[0], Path(words[0])
    if (path / "dataset.json").is_file():
        return _of_store(load_store(path), size)
    if path.is_dir():
        return _of_folder(path)
    if path.is_file():
        return _of_files([path], path.parent)
    if glob.has_magic(word):
        root = _fixed_part(path)
        found = sorted(root.glob(str(path.relative_to(root))))
        files = [name for name in found if name.is_file() and is_image_file(name)]
        if not files:
            raise DataError(f"{word}: matches no jpg, png, bmp or tif files")
        return _of_files(files, root)
    if (data_root / word).is_dir():
        return _of_store(open_store(data_root, word, size), size)
    raise DataError(f"{word}: no such image, folder or prepared data set; give a file, a folder, "
                    f"a pattern in quotes, or a name that 'cclcc prepare' has made in {data_root}")


def load_input(
    image: ImageInput, store: Store | None, size: int, keep: bool, memory: MemoryBudget
) -> LoadedImage:
    """Read one image, decoded and resized as ``cclcc prepare`` does.

    Args:
        image: which.
        store: that it is a row of, if it is.
        size: side S of the network's images.
        keep: whether its own pixels are wanted, too.
        memory: what all threads together may hold.

    Raises:
        DataError: it cannot be read.
    """
    if image.file is None:
        assert store is not None
        row = store.rows[image.position]
        return LoadedImage(image, row.image_sha256, row.height, row.width,
                           np.array(store.images[image.position]), None)
    data = read_bytes(image.file)
    with memory.hold(_DECODING_BYTES * read_header(data).num_pixels):
        decoded = decode_image(data, image.file)
        height, width = decoded.pixels.shape[:2]
        kept = decoded.pixels if keep and height * width <= _KEPT_PIXELS else None
        return LoadedImage(image, decoded.sha256, height, width,
                           fit_image(decoded.pixels, size), kept)


def read_pixels(image: ImageInput, store: Store | None, most: int = MOST_PIXELS) -> Pixels:
    """An image's own pixels, ``(H, W, 3)`` uint8 RGB; those of a store as they are stored.

    Raises:
        DataError: it cannot be read, or has more than ``most`` pixels.
    """
    if image.file is None:
        assert store is not None
        return np.array(store.images[image.position])
    return decode_image(read_bytes(image.file), image.file, most).pixels


def _of_store(store: Store, size: int) -> Inputs:
    if store.info.size != size:
        raise DataError(f"{store.path}: is stored at {store.info.size} pixels, the run takes "
                        f"{size}; prepare the data with --size {size}")
    return Inputs(tuple(ImageInput(row.stem, None, position)
                        for position, row in enumerate(store.rows)), store)


def _of_folder(folder: Path) -> Inputs:
    try:
        entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise DataError(f"{folder}: cannot be read ({error.strerror})") from None
    files = [path for path in entries if path.is_file()]
    found = [path for path in files if is_image_file(path)]
    if not found:
        inside = [path.name for path in entries if path.is_dir()]
        hint = (f"; it has folders inside: {', '.join(inside[:5])}; for the images in all of them "
                f"give '{folder}/**/*'" if inside else "")
        raise DataError(f"{folder}: holds no jpg, png, bmp or tif files{hint}")
    ignored = tuple(path.name for path in files if not is_image_file(path))
    return Inputs(_of_files(found, folder).images, None, ignored)


def _of_files(files: Sequence[Path], root: Path) -> Inputs:
    """Named by where they lie below a folder; with the extension where names would collide."""
    root = root if root.is_dir() else root.parent
    below = [path.relative_to(root) for path in files]
    stems = Counter(path.with_suffix("").as_posix() for path in below)
    return Inputs(tuple(
        ImageInput(stem if stems[stem] == 1 else name.as_posix(), path)
        for path, name in zip(files, below, strict=True)
        for stem in [name.with_suffix("").as_posix()]))


def _fixed_part(pattern: Path) -> Path:
    """The folder above a pattern's first wildcard."""
    parts = pattern.parts
    first = next(place for place, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[:first])
