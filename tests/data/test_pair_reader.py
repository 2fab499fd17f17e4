"""One pair in: a sample as was decided for the whole set, or what is wrong with its files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from cclcc_cli.data.folder import PairFiles
from cclcc_cli.data.image_file import file_sha256
from cclcc_cli.data.mask_coding import Coding
from cclcc_cli.data.pair_reader import Outcome, pair_hashes, read_pair
from cclcc_cli.data.reading import Reading
from cclcc_cli.data.workers import MemoryBudget

Write = Callable[[Path, Any], None]
BLACK = np.zeros((4, 4), np.uint8)
BRIGHT = Reading(Coding(((128, 255),)))


def read(folders: Any, reading: Reading = BRIGHT, *more: str) -> Outcome:
    masks = [folders.masks / name for name in ("a.png", *more)]
    files = PairFiles("a", folders.images / "a.png", masks[0], tuple(masks[1:]))
    outcome = read_pair(files, 16, MemoryBudget(1_000_000), reading)
    if outcome.sample is not None:
        row = outcome.sample.row
        assert (row.image_sha256, row.mask_sha256) == pair_hashes(files)
    return outcome


def original(outcome: Outcome) -> Any:
    assert outcome.sample is not None
    return cv2.imdecode(np.frombuffer(outcome.sample.original_mask, np.uint8), 0)


def test_a_pair_is_read_and_resized_and_its_mask_kept_at_its_own_size(folders: Any) -> None:
    mask = folders.add("a", height=13, width=17)
    outcome = read(folders)
    assert outcome.sample is not None
    assert outcome.sample.image.shape == (16, 16, 3)
    assert (outcome.sample.row.height, outcome.sample.row.width) == (13, 17)
    assert outcome.sample.row.mask_sha256 == file_sha256(folders.masks / "a.png")
    np.testing.assert_array_equal(original(outcome) > 0, mask > 0)
    assert (outcome.problems, outcome.notes) == ((), ())


def test_what_is_worth_counting_is_noted(folders: Any, write_image: Write) -> None:
    write_image(folders.images / "a.png", BLACK)
    write_image(folders.masks / "a.png", BLACK)
    outcome = read(folders)
    assert outcome.notes == ("grey image", "empty mask")
    assert outcome.seen is not None
    assert (outcome.seen.num_empty, outcome.seen.channels) == (1, {"grey": 1})


def test_several_masks_are_merged(folders: Any, write_image: Write) -> None:
    write_image(folders.images / "a.png", BLACK)
    rows = np.eye(4, dtype=np.uint8)
    write_image(folders.masks / "a.png", rows)
    write_image(folders.masks / "b.png", rows[::-1] * 2 + rows)
    reading = Reading(Coding(((1, 1),), ((2, 2),)))
    np.testing.assert_array_equal(original(read(folders, reading, "b.png")),
                                  np.where(rows == 1, 1, rows[::-1] * 255))


def test_an_image_and_a_mask_of_other_sizes_are_a_problem(
    folders: Any, write_image: Write
) -> None:
    folders.add("a", height=13, width=17)
    write_image(folders.masks / "a.png", BLACK)
    assert read(folders).problems == (
        f"{folders.masks}/a.png: the mask is 4x4 pixels, its image 17x13",)


@pytest.mark.parametrize("reading", [BRIGHT, Reading()])
def test_every_file_of_a_pair_is_complained_about(folders: Any, reading: Reading) -> None:
    folders.add("a")
    for folder in (folders.images, folders.masks):
        (folder / "a.png").write_bytes(b"")
    assert read(folders, reading).problems == (
        f"{folders.images}/a.png: is empty", f"{folders.masks}/a.png: is empty")


def test_a_16_bit_image_waits_until_its_window_is_decided(
    folders: Any, write_image: Write
) -> None:
    write_image(folders.images / "a.png", np.full((4, 4), 500, np.uint16))
    write_image(folders.masks / "a.png", BLACK)
    waiting = read(folders)
    assert (waiting.sample, waiting.problems) == (None, ())
    assert waiting.seen is not None
    assert waiting.seen.greys is not None
    assert waiting.seen.greys[500] == 48  # three channels
    done = read(folders, Reading(window=(0, 1000)))
    assert done.sample is not None
    assert {*done.sample.image.ravel()} == {128}
