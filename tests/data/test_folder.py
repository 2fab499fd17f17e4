"""Pairing two folders: what belongs together, and everything that does not, at once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from cclcc_cli.data.folder import PairFiles, check_pair, scan_folders
from cclcc_cli.data.workers import MemoryBudget
from cclcc_cli.errors import DataError

Write = Callable[[Path, Any], None]
BLACK = np.zeros((4, 4), np.uint8)
MEMORY = MemoryBudget(1_000_000)


@pytest.mark.parametrize(
    "mask_name",
    ["a.png", "a_segmentation.png", "a_mask.bmp", "a-mask.png", "a_seg.tif", "a_gt.PNG",
     "a_Masks.png", "a_ground_truth.png", "a_label.jpg"],
)
def test_a_mask_is_named_as_its_image_or_with_a_suffix(folders: Any, mask_name: str) -> None:
    folders.add("a", image_extension=".JPG", mask_name=mask_name)
    scan = scan_folders(folders.images, folders.masks)
    files = PairFiles("a", folders.images / "a.JPG", folders.masks / mask_name)
    assert (scan.pairs, scan.problems) == ((files,), ())


def test_the_same_name_goes_before_a_suffix(folders: Any) -> None:
    folders.add("a")
    folders.add("a_seg")
    pairs = scan_folders(folders.images, folders.masks).pairs
    assert [(pair.stem, pair.mask.name) for pair in pairs] == [
        ("a", "a.png"), ("a_seg", "a_seg.png")]


@pytest.mark.parametrize("stem", ["a,b", 'say "a"', "äöü ß", "日本", "a'b;c", "a.b.c", "a b", "%s"])
def test_odd_letters_in_a_name_are_fine(folders: Any, stem: str) -> None:
    folders.add(stem)
    assert [pair.stem for pair in scan_folders(folders.images, folders.masks).pairs] == [stem]


@pytest.mark.parametrize(
    ("stem", "flaw"),
    [
        ("a\nb", "'a\\nb' holds a line break"), ("a\u2028b", "holds a line break"),
        ("a\tb", "control character"), ("#a", "starts with #"), (" a", "starts or ends with a sp"),
        ("a ", "starts or ends with a space"), ("a\udcff", "is not valid UTF-8"),
    ],
)
def test_a_name_that_a_list_could_not_hold_is_refused(
    folders: Any, write_image: Write, stem: str, flaw: str
) -> None:
    write_image(folders.images / f"{stem}.png", BLACK)
    write_image(folders.masks / f"{stem}.png", BLACK)
    scan = scan_folders(folders.images, folders.masks)
    (problem,) = scan.problems
    assert flaw in problem
    assert "\n" not in problem
    assert scan.pairs == ()


def test_pairs_are_sorted_and_other_files_are_left_aside(folders: Any) -> None:
    for stem in ("b", "a", "B"):
        folders.add(stem)
    for name in (".DS_Store", "._a.png", ".hidden.jpg"):
        (folders.images / name).write_bytes(b"x")
    (folders.images / "Thumbs.db").write_bytes(b"x")
    (folders.masks / "boxes.json").write_bytes(b"x")
    (folders.masks / "more").mkdir()
    scan = scan_folders(folders.images, folders.masks)
    assert [pair.stem for pair in scan.pairs] == ["B", "a", "b"]
    assert [Path(name).name for name in scan.ignored] == ["Thumbs.db", "boxes.json"]
    assert scan.image_stems == {"a", "b", "B"}


def test_every_file_that_makes_no_pair_is_named(folders: Any, write_image: Write) -> None:
    folders.add("good")
    write_image(folders.images / "alone.png", BLACK)
    write_image(folders.masks / "other_mask.png", BLACK)
    folders.add("two")
    write_image(folders.images / "two.bmp", BLACK)
    folders.add("twice")
    write_image(folders.masks / "twice_mask.png", BLACK)
    scan = scan_folders(folders.images, folders.masks)
    assert [pair.stem for pair in scan.pairs] == ["good"]
    assert scan.problems == (
        f"{folders.images}/alone.png: this image has no mask in {folders.masks}",
        f"{folders.masks}/other_mask.png: this mask has no image in {folders.images}",
        f"{folders.masks}: several masks for twice (twice.png, twice_mask.png); keep one",
        f"{folders.images}: several images for two (two.bmp, two.png); keep one",
    )


def test_folders_that_cannot_be_used_are_refused(folders: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="images: holds no jpg, png, bmp or tif files$"):
        scan_folders(folders.images, folders.masks)
    (folders.images / "train").mkdir()
    with pytest.raises(DataError, match="holds no .* files; it has folders inside: train"):
        scan_folders(folders.images, folders.masks)
    with pytest.raises(DataError, match="nowhere: no such folder; give --images a folder"):
        scan_folders(tmp_path / "nowhere", folders.masks)
    folders.add("a")
    with pytest.raises(DataError, match="a.png: is not a folder; give --masks"):
        scan_folders(folders.images, folders.masks / "a.png")
    with pytest.raises(DataError, match="--images and --masks are the same folder"):
        scan_folders(folders.images, folders.images)


def test_a_pair_is_read_and_resized_and_its_mask_kept_at_its_own_size(folders: Any) -> None:
    mask = folders.add("a", height=13, width=17)
    (files,) = scan_folders(folders.images, folders.masks).pairs
    checked = check_pair(files, 16, MEMORY)
    assert checked.sample is not None
    assert checked.sample.image.shape == (16, 16, 3)
    assert (checked.sample.row.height, checked.sample.row.width) == (13, 17)
    stored = cv2.imdecode(np.frombuffer(checked.sample.original_mask, np.uint8), 0)
    np.testing.assert_array_equal(stored > 0, mask > 0)
    assert (checked.problems, checked.notes) == ((), ())


def test_what_is_worth_counting_is_noted(folders: Any, write_image: Write) -> None:
    write_image(folders.images / "a.png", BLACK)
    write_image(folders.masks / "a.png", BLACK)
    (files,) = scan_folders(folders.images, folders.masks).pairs
    assert check_pair(files, 16, MEMORY).notes == ("grey image", "empty mask")


def test_an_image_and_a_mask_of_other_sizes_are_a_problem(
    folders: Any, write_image: Write
) -> None:
    folders.add("a", height=13, width=17)
    write_image(folders.masks / "a.png", BLACK)
    (files,) = scan_folders(folders.images, folders.masks).pairs
    assert check_pair(files, 16, MEMORY).problems == (
        f"{folders.masks}/a.png: the mask is 4x4 pixels, its image 17x13",)


def test_both_files_of_a_pair_are_complained_about(folders: Any) -> None:
    folders.add("a")
    for folder in (folders.images, folders.masks):
        (folder / "a.png").write_bytes(b"")
    (files,) = scan_folders(folders.images, folders.masks).pairs
    assert check_pair(files, 16, MEMORY).problems == (
        f"{folders.images}/a.png: is empty", f"{folders.masks}/a.png: is empty")
