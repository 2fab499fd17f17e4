"""Pairing two folders: what belongs together, and everything that does not, at once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cclcc_cli.data.folder import PairFiles, scan_folders
from cclcc_cli.errors import DataError

Write = Callable[[Path, Any], None]
BLACK = np.zeros((4, 4), np.uint8)


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
    (folders.masks / "empty").mkdir()
    (folders.masks / "more" / "x.png").write_bytes(b"")
    scan = scan_folders(folders.images, folders.masks)
    assert [pair.stem for pair in scan.pairs] == ["B", "a", "b"]
    assert [Path(name).name for name in scan.ignored] == ["Thumbs.db", "boxes.json", "more"]
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
        f"{folders.images}/alone.png: this image has no mask in {folders.masks}; --unpaired "
        f"unlabeled keeps such images without labels",
        f"{folders.masks}/other_mask.png: this mask has no image in {folders.images}",
        f"{folders.masks}: several masks for twice (twice.png, twice_mask.png); keep one, say "
        f"which with --pair '{{stem}}_mask', or give each folder of masks with --masks to merge "
        f"them",
        f"{folders.images}: several images for two (two.bmp, two.png); keep one",
    )


def test_folders_that_cannot_be_used_are_refused(folders: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="images: holds no jpg, png, bmp, tif, gif or webp files$"):
        scan_folders(folders.images, folders.masks)
    with pytest.raises(DataError, match="nowhere: no such folder; give --images a folder"):
        scan_folders(tmp_path / "nowhere", folders.masks)
    folders.add("a")
    with pytest.raises(DataError, match="a.png: is not a folder; give --masks"):
        scan_folders(folders.images, folders.masks / "a.png")
    with pytest.raises(DataError, match="are the same folder, and names do not tell"):
        scan_folders(folders.images, folders.images)


def lay_out(home: Path, write_image: Write, *names: str) -> None:
    """Write small black pictures of these names."""
    for name in names:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        if name.endswith((".gif", ".webp")):
            (home / name).write_bytes(b"")
        else:
            write_image(home / name, BLACK)


def paired(home: Path, images: tuple[str, ...], masks: tuple[str, ...], pattern: str | None = None
           ) -> dict[str, list[str]]:
    """Stem to the masks of its image, as paths below ``home``."""
    scan = scan_folders([home / one for one in images], [home / one for one in masks], pattern)
    assert scan.problems == ()
    return {pair.stem: [str(Path(str(mask)).relative_to(home))
                        for mask in (pair.mask, *pair.more_masks)] for pair in scan.pairs}


def test_folders_inside_are_read_where_a_folder_holds_no_image_itself(
    tmp_path: Path, write_image: Write
) -> None:
    lay_out(tmp_path, write_image, "i/benign/a.png", "i/normal/b.png", "m/benign/a.png",
            "m/normal/b.png")
    assert paired(tmp_path, ("i",), ("m",)) == {"a": ["m/benign/a.png"], "b": ["m/normal/b.png"]}


def test_names_that_stand_in_two_folders_are_told_apart_by_these(
    tmp_path: Path, write_image: Write
) -> None:
    lay_out(tmp_path, write_image, *(f"{kind}/{part}/1.png" for kind in ("i", "m")
                                     for part in ("left", "right")))
    assert paired(tmp_path, ("i",), ("m",)) == {
        "left_1": ["m/left/1.png"], "right_1": ["m/right/1.png"]}


def test_a_layout_with_splits_keeps_them(tmp_path: Path, write_image: Write) -> None:
    lay_out(tmp_path, write_image, *(
        f"fuseg/{part}/{kind}/{stem}.png" for kind in ("images", "labels")
        for part, stem in (("train", "a"), ("train", "b"), ("validation", "c"))))
    scan = scan_folders(tmp_path / "fuseg", tmp_path / "fuseg")
    assert scan.problems == ()
    assert scan.splits == {"train": ["a", "b"], "val": ["c"]}
    assert scan_folders(tmp_path / "fuseg/train/images", tmp_path / "fuseg/train/labels"
                        ).splits == {}


def test_several_folders_are_one_data_set(tmp_path: Path, write_image: Write) -> None:
    lay_out(tmp_path, write_image,
            *(f"drive/training/images/{n}_training.png" for n in (21, 22, 23)),
            *(f"drive/test/images/{n:02d}_test.png" for n in (1, 2)),
            *(f"drive/training/1st_manual/{n}_manual1.gif" for n in (21, 22, 23)),
            *(f"drive/test/1st_manual/{n:02d}_manual1.gif" for n in (1, 2)),
            "drive/training/mask/21_training_mask.gif")
    parts = ("training", "test")
    images = tuple(f"drive/{part}/images" for part in parts)
    masks = tuple(f"drive/{part}/1st_manual" for part in parts)
    assert paired(tmp_path, images, masks)["01_test"] == ["drive/test/1st_manual/01_manual1.gif"]
    scan = scan_folders([tmp_path / one for one in images], [tmp_path / one for one in masks])
    assert {split: len(stems) for split, stems in scan.splits.items()} == {"train": 3, "test": 2}
    # Beside them lie masks of the camera's field: nothing is taken from all of it together.
    whole = scan_folders(tmp_path / "drive", tmp_path / "drive")
    assert any("21_manual1.gif: this mask has no image" in line for line in whole.problems)


def test_images_and_masks_may_lie_in_one_folder(tmp_path: Path, write_image: Write) -> None:
    lay_out(tmp_path, write_image, *(
        f"busi/{kind}/{kind} ({n}){end}.png" for kind in ("benign", "normal") for n in (1, 2, 10)
        for end in ("", "_mask")), "busi/benign/benign (2)_mask_1.png")
    found = paired(tmp_path, ("busi",), ("busi",))
    assert len(found) == 6
    assert found["benign (1)"] == ["busi/benign/benign (1)_mask.png"]
    assert found["benign (2)"] == ["busi/benign/benign (2)_mask.png",
                                   "busi/benign/benign (2)_mask_1.png"]


def test_masks_of_one_folder_an_image_are_merged(tmp_path: Path, write_image: Write) -> None:
    lay_out(tmp_path, write_image, *(f"dsb/{name}/images/{name}.png" for name in ("f0", "e1")),
            "dsb/f0/masks/77.png", "dsb/f0/masks/88.png", "dsb/e1/masks/99.png")
    assert paired(tmp_path, ("dsb",), ("dsb",)) == {
        "e1": ["dsb/e1/masks/99.png"], "f0": ["dsb/f0/masks/77.png", "dsb/f0/masks/88.png"]}


def test_left_and_right_masks_are_merged(tmp_path: Path, write_image: Write) -> None:
    lay_out(tmp_path, write_image, "cxr/a.png", "cxr/b.png", "left/a.png", "left/b.png",
            "right/a.png", "right/b.png")
    assert paired(tmp_path, ("cxr",), ("left", "right")) == {
        stem: [f"left/{stem}.png", f"right/{stem}.png"] for stem in "ab"}


def test_masks_of_one_name_in_folders_inside_are_not_merged_unasked(
    tmp_path: Path, write_image: Write
) -> None:
    lay_out(tmp_path, write_image, "i/a.png", "m/doctor1/a.png", "m/doctor2/a.png")
    problem, = scan_folders(tmp_path / "i", tmp_path / "m").problems
    assert "m: several masks for a (doctor1/a.png, doctor2/a.png); keep one" in problem


def test_masks_may_lie_inside_the_images_folder_or_beside_each_image(
    tmp_path: Path, write_image: Write
) -> None:
    lay_out(tmp_path, write_image, "x/pictures/a.png", "x/pictures/b.png", "x/drawn/a.png",
            "x/drawn/b.png", "y/a.jpg", "y/a.png", "y/b.jpg", "y/b.png")
    assert paired(tmp_path, ("x",), ("x/drawn",)) == {"a": ["x/drawn/a.png"],
                                                      "b": ["x/drawn/b.png"]}
    assert paired(tmp_path, ("y",), ("y",)) == {"a": ["y/a.png"], "b": ["y/b.png"]}


def test_masks_that_a_pattern_does_not_fit_are_named(tmp_path: Path, write_image: Write) -> None:
    lay_out(tmp_path, write_image, "i/a.png", "i/b.png", "m/a_1stHO.png", "m/a_2ndHO.png",
            "m/b_1stHO.png")
    problem, = scan_folders(tmp_path / "i", tmp_path / "m").problems
    assert "several masks for a (a_1stHO.png, a_2ndHO.png); keep one, say which with" in problem
    scan = scan_folders(tmp_path / "i", tmp_path / "m", "{stem}_1stHO")
    assert [pair.mask.name for pair in scan.pairs] == ["a_1stHO.png", "b_1stHO.png"]
    assert (scan.problems, scan.ignored) == ((), (f"{tmp_path}/m/a_2ndHO.png",))


def test_masks_of_another_kind_in_one_folder_are_no_images(
    tmp_path: Path, write_image: Write
) -> None:
    lay_out(tmp_path, write_image, *(f"c/Image_{n}{end}.png" for n in ("1L", "1R")
                                     for end in ("", "_1stHO", "_2ndHO")))
    first, again = scan_folders(tmp_path / "c", tmp_path / "c").problems
    assert "keep one, say which with --pair '{stem}_1stHO' or --pair '{stem}_2ndHO', or" in first
    assert again.endswith("keep one")
    scan = scan_folders(tmp_path / "c", tmp_path / "c", "{stem}_2ndHO")
    assert [pair.stem for pair in scan.pairs] == ["Image_1L", "Image_1R"]
    assert scan.problems == ()
    assert scan.ignored == tuple(f"{tmp_path}/c/Image_{n}_1stHO.png" for n in ("1L", "1R"))


def test_files_that_are_called_image_and_mask_have_their_folders_names(
    tmp_path: Path, write_image: Write
) -> None:
    lay_out(tmp_path, write_image, *(f"s/p{n}/{kind}.png" for n in (1, 2)
                                     for kind in ("image", "mask")))
    assert paired(tmp_path, ("s",), ("s",)) == {f"p{n}": [f"s/p{n}/mask.png"] for n in (1, 2)}


def test_names_that_have_nothing_in_common_are_told_in_one_line(
    tmp_path: Path, write_image: Write
) -> None:
    lay_out(tmp_path, write_image, "i/cat.png", "i/dog.png", "m/x1.png", "m/x2.png")
    with pytest.raises(DataError) as caught:
        scan_folders(tmp_path / "i", tmp_path / "m")
    assert str(caught.value).startswith(
        f"{tmp_path}/i and {tmp_path}/m: no image has a mask by its name: images are called cat, "
        f"dog, masks x1, x2; ")
