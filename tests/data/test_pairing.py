"""Pairing by names: whatever the set has in common is taken off, and nothing is guessed."""

import unicodedata
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cclcc_cli.data.pairing import FileName, find_masks_among, pair_names
from cclcc_cli.errors import DataError


def names(*stems: str) -> list[FileName]:
    return [FileName((), stem) for stem in stems]


def paired(images: Sequence[str], masks: Sequence[str], pattern: str | None = None
           ) -> dict[str, list[str]]:
    found = pair_names(names(*images), names(*masks), pattern)
    return {images[one]: [masks[its] for its in theirs] for one, theirs in found.masks.items()}


@pytest.mark.parametrize(
    ("images", "masks"),
    [
        (("a", "b"), ("a", "b")),
        (("a", "b"), ("a_lesion", "b_lesion")),
        (("a", "b"), ("mask_a", "mask_b")),
        (("Ä1", "b2"), ("ä1_Mask", "B2_MASK")),
        ((unicodedata.normalize("NFD", "é1"), "b"), (unicodedata.normalize("NFC", "é1"), "b")),
        (("21_training", "30_training"), ("21_manual1", "30_manual1")),
        (("Image_01L", "Image_01R"), ("Image_01L_1stHO", "Image_01R_1stHO")),
        (("p1_0000", "p2_0000"), ("p1", "p2")),
        (("case_1", "case_12"), ("case_0001", "case_0012")),
        (("img1", "img2", "img10"), ("lbl001", "lbl002", "lbl010")),
        (("x_7_a", "x_8_b"), ("y_7_a_anno", "y_8_b_anno")),
        (("1", "2"), ("image1_output", "image2_output")),
    ],
)
def test_what_names_have_in_common_is_taken_off(
    images: tuple[str, ...], masks: tuple[str, ...]
) -> None:
    assert paired(images, masks) == {one: [its] for one, its in zip(images, masks, strict=True)}


def test_equal_names_go_first_and_a_number_is_no_ending() -> None:
    assert paired(("1", "11", "a", "a_mask"), ("11", "1", "a_mask", "a")) == {
        "1": ["1"], "11": ["11"], "a": ["a"], "a_mask": ["a_mask"]}


def test_a_mask_that_could_be_of_two_images_is_nobodys() -> None:
    assert paired(("A", "a"), ("ä",)) == {}
    assert paired(("X1", "x1"), ("x1_seg", "X1_seg")) == {"X1": ["X1_seg"], "x1": ["x1_seg"]}


def test_a_pattern_says_it() -> None:
    assert paired(("a", "b"), ("m-a-2", "m-b-2", "m-a-3"), "m-{stem}-2") == {
        "a": ["m-a-2"], "b": ["m-b-2"]}
    for pattern in ("mask", "{stem}{stem}"):
        with pytest.raises(DataError, match=r"--pair .*: write \{stem\} where a mask has"):
            paired(("a",), ("a",), pattern)


def test_the_rules_that_were_used_are_told() -> None:
    found = pair_names(names("a_0000", "b_0000", "c"), names("a", "b", "c_seg"))
    assert found.rules == {"names with a word such as _mask": 1}
    found = pair_names(names("a_0000", "b_0000"), names("a", "b"))
    assert found.rules == {"names without '*_0000' of images and whole names of masks": 2}


@given(st.lists(st.text("abc019_-", min_size=1, max_size=6), min_size=1, max_size=8, unique=True))
def test_every_image_finds_a_mask_of_its_own_name_whatever_the_others(stems: list[str]) -> None:
    assert paired(stems, stems[::-1]) == {stem: [stem] for stem in stems}


@pytest.mark.parametrize(
    ("stems", "masks"),
    [
        (("a", "a_mask", "b", "b_mask"), {"a_mask", "b_mask"}),
        (("a", "label_a", "b", "label_b"), {"label_a", "label_b"}),
        (("a", "a_mask", "a_mask_1"), {"a_mask", "a_mask_1"}),
        (("a", "aX", "b", "bX", "c"), {"aX", "bX"}),
        (("img1", "img10", "img2"), set()),
    ],
)
def test_masks_are_told_from_images_in_one_list(stems: tuple[str, ...], masks: set[str]) -> None:
    assert {stems[one] for one in find_masks_among(names(*stems))} == masks


def test_folders_tell_masks_from_images() -> None:
    both = [FileName(("x", "images"), "1"), FileName(("x", "masks"), "9")]
    assert find_masks_among(both) == {1}
    assert [one.place for one in both] == [("x",)] * 2
    assert FileName(("Training", "images"), "1").split == "train"
    assert FileName(("train", "test"), "1").split is None
