"""What cannot be asked of the splits, and what is said to it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cclcc_cli.data.cutting import LabelRule
from cclcc_cli.data.split_rule import SplitRule
from tests.data.splitting import (
    ITEMS,
    OFFICIAL,
    WriteLists,
    arrange,
    between,
    refusal,
)


class TestRefusals:
    """What cannot be meant is said in one line, or listed."""

    @pytest.mark.parametrize(
        ("lists", "message"),
        [
            ({}, "has no train.txt and no labeled.txt; write one stem or file name a line"),
            ({"train": ""}, "has an empty train.txt; write one stem or file name a line"),
            ({"labeled": ""}, "has an empty labeled.txt; write one stem or file name a line"),
            ({"train": "s01", "val": "s02", "valid": "s03"},
             "val.txt and valid.txt are the same list; keep one"),
        ],
    )
    def test_missing_and_empty_lists(
        self, write_lists: WriteLists, lists: Mapping[str, str], message: str
    ) -> None:
        folder = write_lists(lists)
        assert refusal(SplitRule(folder)) == f"{folder}: {message}"

    @pytest.mark.parametrize(
        ("lists", "problem"),
        [
            ({"train": "s01 zz.jpg", "val": "s02"},
             "train.txt: zz.jpg is listed but has no image"),
            ({"train": "s01", "val": "s01.jpg"}, "val.txt: s01.jpg is in train.txt already"),
            ({"train": "s01 s01.jpg", "val": "s02"},
             "train.txt: s01.jpg is in train.txt already"),
            ({"train": "s01", "val": "s02", "dropped": "s02"},
             "dropped.txt: s02 is in val.txt already"),
            ({"train": "s01", "val": "s02", "dropped": "zz"},
             "dropped.txt: zz is listed but has no image"),
            ({"train": "s01 s02", "val": "s03", "labeled_seed2": "s01 s03"},
             "labeled_seed2.txt: s03 is not in train.txt"),
            ({"train": "s01 s02", "val": "s03", "labeled_seed2": "s02 s01 s02.jpg"},
             "labeled_seed2.txt: s02 stands there twice"),
        ],
    )
    def test_lists_that_do_not_fit(
        self, write_lists: WriteLists, lists: Mapping[str, str], problem: str
    ) -> None:
        folder = write_lists(lists)
        assert refusal(SplitRule(folder)) == (
            f"{folder}: 1 problem, nothing was written\n  {folder}/{problem}")

    def test_a_fold_is_checked_as_the_main_lists_are(self, write_lists: WriteLists) -> None:
        folder = write_lists({"train": "s01", "val": "s02", "fold0/val": "s01"})
        assert refusal(SplitRule(folder)) == (
            f"{folder}/fold0: has no train.txt and no labeled.txt; write one stem or file name a "
            f"line")

    @pytest.mark.parametrize(("lists", "message"), [
        ({"train": "s01", "valid": ""}, "valid.txt: is empty; list images, or remove it"),
        ({"train": "s01", "eval": "s02"}, "eval.txt: is none of the lists that are read"),
        ({"train": "s01", "labeled": "s01 s02"}, "labeled.txt: s02 is not in train.txt"),
        ({"labeled": "s01", "unlabeled": "s01"}, "unlabeled.txt: s01 is in labeled.txt already"),
        ({"labeled": "s01", "val": "s01"}, "labeled.txt: s01 is in val.txt already"),
    ])
    def test_every_list_is_read_or_refused_by_name(
        self, write_lists: WriteLists, lists: Mapping[str, str], message: str
    ) -> None:
        assert message in refusal(SplitRule(write_lists(lists)))

    @pytest.mark.parametrize("options", [{"val_share": 0.1}, {"folds": 3}, {"seed": 1}])
    def test_what_is_all_for_testing_is_not_cut(self, options: Mapping[str, Any]) -> None:
        assert "--test-only does not apply" in refusal(SplitRule(only="test", **options))

    def test_all_wrong_entries_are_listed_at_once(self, write_lists: WriteLists) -> None:
        missing = " ".join(f"x{index}" for index in range(25))
        folder = write_lists({"train": f"s01 {missing}", "val": "s01", "labeled_seed0": "s07"})
        lines = refusal(SplitRule(folder)).split("\n")
        assert lines[0] == f"{folder}: 27 problems, nothing was written"
        assert len(lines) == 22
        assert lines[-1] == "  ... and 7 more"

    @pytest.mark.parametrize(
        ("rule", "message"),
        [
            (SplitRule(val_share=0.0), "--val-share 0: must lie between 0 and 1; validation "
                                       "images are needed to choose the best checkpoint"),
            (SplitRule(val_share=1.0), "--val-share 1: must lie between 0 and 1; validation "
                                       "images are needed to choose the best checkpoint"),
            (SplitRule(val_share=float("nan")), "--val-share nan: must lie between 0 and 1; "
                                                "validation images are needed to choose the best "
                                                "checkpoint"),
            (SplitRule(test_share=1.0), "--test-share 1: must lie from 0 to below 1"),
            (SplitRule(test_share=-0.1), "--test-share -0.1: must lie from 0 to below 1"),
            (SplitRule(folds=1), "--folds 1: must lie from 2 to 100"),
            (SplitRule(folds=101), "--folds 101: must lie from 2 to 100"),
            (SplitRule(labels=LabelRule(0)), "--label-seeds 0: must lie from 1 to 100"),
            (SplitRule(labels=LabelRule(101)), "--label-seeds 101: must lie from 1 to 100"),
            (SplitRule(Path("/nowhere")),
             "/nowhere: no such folder; give --splits a folder with train.txt"),
            (SplitRule(ignore_official=True),
             "--ignore-official does not apply: there is no official split"),
            (SplitRule(val_share=0.6, test_share=0.4),
             "20 images with a validation share of 0.6 and a test share of 0.4 leave none to "
             "train on; lower the shares or add images"),
            (SplitRule(folds=21), "--folds 21: there are only 20 images or groups that stay "
                                  "together; give at most that many folds"),
        ],
    )
    def test_numbers_out_of_range_and_options_with_nothing_to_apply_to(
        self, rule: SplitRule, message: str
    ) -> None:
        assert refusal(rule) == message

    @pytest.mark.parametrize(
        ("rule", "message"),
        [
            (SplitRule(val_share=0.1), "--val-share does not apply: there is an official val "
                                       "split; leave one of them out"),
            (SplitRule(test_share=0.1), "--test-share does not apply: there is an official test "
                                        "split; leave one of them out"),
            (SplitRule(seed=0),
             "--split-seed does not apply: the official split names every split"),
            (SplitRule(folds=16), "--folds 16: there are only 15 images or groups that stay "
                                  "together; give at most that many folds"),
        ],
    )
    def test_options_that_an_official_split_leaves_nothing_to_apply_to(
        self, rule: SplitRule, message: str
    ) -> None:
        assert refusal(rule, OFFICIAL) == message

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"val_share": 0.1},
             "--val-share does not apply: {}/val.txt is there; leave one of them out"),
            ({"test_share": 0},
             "--test-share does not apply: {}/test.txt is there; leave one of them out"),
            ({"seed": 3}, "--split-seed does not apply: {} lists every split"),
            ({"ignore_official": True},
             "--ignore-official does not apply: --splits is given; leave one out"),
        ],
    )
    def test_options_that_lists_leave_nothing_to_apply_to(
        self, write_lists: WriteLists, options: Mapping[str, float], message: str
    ) -> None:
        folder = write_lists({"train": "s01", "val": "s02", "test": "s03"})
        rule = replace(SplitRule(folder), **options)
        assert refusal(rule, OFFICIAL) == message.format(folder)

    def test_folds_are_listed_or_cut_but_not_both(self, write_lists: WriteLists) -> None:
        folder = write_lists({"train": "s01", "val": "s02", "fold0/train": "s01",
                              "fold0/val": "s02"})
        assert refusal(SplitRule(folder, folds=5)) == (
            f"--folds does not apply: {folder} lists folds of its own; leave one of them out")

    def test_a_share_applies_where_only_a_fold_lacks_the_split(
        self, write_lists: WriteLists
    ) -> None:
        folder = write_lists({"train": "s01", "val": "s02", "fold0/train": between(0, 10)})
        made = arrange(SplitRule(folder, val_share=0.3, seed=2))
        assert made.folds[0].counts == {"train": 7, "val": 3, "test": 0}
        assert made.main.counts == {"train": 1, "val": 1, "test": 0}

    def test_images_that_all_stay_together(self) -> None:
        together = [replace(item, group="one") for item in ITEMS]
        assert refusal(SplitRule(), items=together) == (
            "20 images that stay together in 1 group cannot be cut into train, val, test; "
            "give lists of every split with --splits")
