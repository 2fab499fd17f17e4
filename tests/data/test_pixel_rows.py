"""Rows read from a file: the same as the array's, and never held."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest

from cclcc_cli.data.pixel_rows import open_rows


@pytest.mark.parametrize("shape", [(7, 5, 4, 3), (3, 8), (1, 2, 2)])
def test_rows_are_those_of_the_array(tmp_path: Path, shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    np.save(tmp_path / "a.npy", array)
    with open_rows(tmp_path / "a.npy") as rows, ThreadPoolExecutor(4) as pool:
        assert (rows.shape, len(rows)) == (shape, shape[0])
        for row, expected in zip(pool.map(rows.__getitem__, range(len(rows))), array, strict=True):
            np.testing.assert_array_equal(row, expected)
        with pytest.raises(IndexError):
            rows[shape[0]]


def test_going_through_a_file_holds_no_more_than_a_row(tmp_path: Path) -> None:
    shape = (200, 1000, 1000)
    np.lib.format.open_memmap(tmp_path / "a.npy", "w+", np.uint8, shape).flush()
    process = psutil.Process()
    with open_rows(tmp_path / "a.npy") as rows:
        before = process.memory_info().rss
        assert sum(int(rows[position].max()) for position in range(len(rows))) == 0
        assert process.memory_info().rss - before < 20e6
