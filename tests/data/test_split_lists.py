"""What a person's lists and shares mean together."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from cclcc_cli.data.split_lists import SplitRule, make_splits
from cclcc_cli.data.splits import build_splits, split_randomly, write_splits
from cclcc_cli.errors import DataError

EXTENSIONS = {".jpg", ".png"}
STEMS = frozenset(f"s{index:02d}" for index in range(20))

WriteLists = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def write_lists(tmp_path: Path) -> WriteLists:
    def write(lists: Mapping[str, str]) -> Path:
        for name, entries in lists.items():
            (tmp_path / f"{name}.txt").write_text("\n".join(entries.split()))
        return tmp_path

    return write


def test_without_lists_a_tenth_validates_and_a_tenth_tests() -> None:
    assert make_splits(SplitRule(), STEMS, ()) == split_randomly(STEMS, 0, 0.1, 0.1)
    rule = SplitRule(val_share=0.2, test_share=0.3, seed=5)
    assert make_splits(rule, STEMS, ()) == split_randomly(STEMS, 5, 0.2, 0.3)
    assert make_splits(SplitRule(test_share=0), STEMS, ()).test == ()


def test_lists_are_taken_as_they_are_and_may_name_files(write_lists: WriteLists) -> None:
    folder = write_lists({"train": "s03.jpg s01", "val": "s02.PNG", "test": "s00"})
    splits = make_splits(SplitRule(folder), STEMS, EXTENSIONS)
    assert splits == build_splits(["s01", "s03"], ["s02"], ["s00"])


def test_a_stem_with_a_dot_is_not_taken_for_a_file_name(write_lists: WriteLists) -> None:
    folder = write_lists({"train": "a.jpg", "val": "b"})
    assert make_splits(SplitRule(folder), {"a.jpg", "a", "b"}, EXTENSIONS).train == ("a.jpg",)


def test_missing_validation_is_cut_from_train_and_a_missing_test_stays_empty(
    write_lists: WriteLists,
) -> None:
    folder = write_lists({"train": " ".join(sorted(STEMS))})
    splits = make_splits(SplitRule(folder), STEMS, EXTENSIONS)
    assert splits.counts == {"train": 18, "val": 2, "test": 0}
    larger = make_splits(SplitRule(folder, 0.2, 0.3, seed=1), STEMS, EXTENSIONS)
    assert larger.counts == {"train": 10, "val": 4, "test": 6}


def test_the_lists_of_a_store_give_its_splits_again(tmp_path: Path) -> None:
    splits = split_randomly(STEMS, 3, 0.2, 0.2)
    own_order = {0: sorted(splits.train)}
    splits = build_splits(splits.train, splits.val, splits.test, own_order)
    write_splits(tmp_path, splits)
    assert make_splits(SplitRule(tmp_path), STEMS, EXTENSIONS) == splits


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        ({}, "has no train.txt; write one stem"),
        ({"train": ""}, "has an empty train.txt"),
        ({"train": "s01", "val": ""}, "has an empty val.txt; list images, or remove it"),
        ({"train": "s01 zz", "val": "s02"}, r"1 problem.*\n.*train.txt: zz is listed but has no"),
        ({"train": "s01", "val": "s01.jpg"}, r"val.txt: s01.jpg is in train.txt already"),
        ({"train": "s01 s01.jpg", "val": "s02"}, r"train.txt: s01.jpg is in train.txt already"),
        ({"train": "s01 s02", "val": "s03", "labeled_seed2": "s01"},
         "labeled_seed2.txt: is not a reordering of the 2 training images"),
    ],
)
def test_bad_lists_are_refused(
    write_lists: WriteLists, lists: Mapping[str, str], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        make_splits(SplitRule(write_lists(lists)), STEMS, EXTENSIONS)


def test_all_wrong_entries_are_listed_at_once(write_lists: WriteLists) -> None:
    missing = " ".join(f"x{index}" for index in range(25))
    folder = write_lists({"train": f"s01 {missing}", "val": "s01"})
    with pytest.raises(DataError) as caught:
        make_splits(SplitRule(folder), STEMS, EXTENSIONS)
    lines = str(caught.value).split("\n")
    assert lines[0] == f"{folder}: 26 problems, nothing was written"
    assert len(lines) == 22
    assert lines[-1] == "  ... and 6 more"


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (SplitRule(val_share=0.0), "--val-share 0: must lie between 0 and 1"),
        (SplitRule(test_share=1.0), "--test-share 1: must lie from 0 to below 1"),
        (SplitRule(Path("/nowhere")), "/nowhere: no such folder"),
    ],
)
def test_bad_rules_are_refused(rule: SplitRule, message: str) -> None:
    with pytest.raises(DataError, match=message):
        make_splits(rule, STEMS, EXTENSIONS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"val_share": 0.1}, "--val-share does not apply: .*val.txt is there"),
        ({"test_share": 0.1}, "--test-share does not apply: .*test.txt is there"),
        ({"seed": 3}, "--split-seed does not apply"),
    ],
)
def test_options_with_nothing_to_apply_to_are_refused(
    write_lists: WriteLists, options: Mapping[str, float], message: str
) -> None:
    folder = write_lists({"train": "s01", "val": "s02", "test": "s03"})
    with pytest.raises(DataError, match=message):
        make_splits(SplitRule(folder, **options), STEMS, EXTENSIONS)  # type: ignore[arg-type]
