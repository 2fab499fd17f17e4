"""Rows of pixels, wherever they lie: in an array, a memory map, or a file read row by row."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cclcc_cli.data.class_map import foreground


class PixelRows(Protocol):
    """What an array ``(n, ...)`` of uint8 offers to those who take it row by row."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, position: int, /) -> NDArray[np.uint8]: ...


class FileRows:
    """A ``.npy`` file of uint8 whose rows are read from the disk as they are asked for.

    The pages of a memory map that were looked at count as this process's memory until somebody
    else needs it; a data set that is gone through whole would seem to be held whole.

    Args:
        handle: of the open file; several threads may read at once.
        shape: of the array.
        offset: where its data begin, in bytes.
    """

    def __init__(self, handle: int, shape: tuple[int, ...], offset: int) -> None:
        self._handle = handle
        self._offset = offset
        self._row_bytes = int(np.prod(shape[1:]))
        self.shape = shape

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, position: int, /) -> NDArray[np.uint8]:
        if not 0 <= position < len(self):
            raise IndexError(position)
        at = self._offset + position * self._row_bytes
        row = np.frombuffer(os.pread(self._handle, self._row_bytes, at), np.uint8)
        return row.reshape(self.shape[1:])


class ForegroundRows:
    """The foreground of class maps, in {0, 1}, for those who know of no other pixels.

    Args:
        masks: class maps ``(n, H, W)``.
    """

    def __init__(self, masks: PixelRows) -> None:
        self._masks = masks
        self.shape = masks.shape

    def __len__(self) -> int:
        return len(self._masks)

    def __getitem__(self, position: int, /) -> NDArray[np.uint8]:
        return foreground(np.asarray(self._masks[position])).astype(np.uint8)


@contextmanager
def open_rows(path: Path) -> Iterator[FileRows]:
    """The rows of a ``.npy`` file of uint8 in C order, until the context ends."""
    with path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        assert version == (1, 0)
        shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(file)
        assert dtype == np.uint8
        assert not fortran_order
        yield FileRows(file.fileno(), shape, file.tell())
