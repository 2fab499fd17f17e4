"""What a person's lists, the official split and shares to cut mean together."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cclcc_cli.data.cutting import Item, LabelRule, build_splits, cut
from cclcc_cli.data.split_rule import SplitRule, settle
from cclcc_cli.data.split_set import drop
from cclcc_cli.data.splits import contiguous_subset, nested_subset, write_splits
from cclcc_cli.errors import DataError
from tests.data.splitting import (
    EXTENSIONS,
    FRAMES,
    ITEMS,
    OFFICIAL,
    STEMS,
    WriteLists,
    arrange,
    between,
    parts,
)


class TestNothingGiven:
    """Everything is cut by seed."""

    def test_a_tenth_validates_and_a_tenth_tests(self) -> None:
        made = arrange(SplitRule())
        assert made.main == build_splits(ITEMS, cut(ITEMS, 0, 0.1, 0.1), LabelRule())
        assert made.main.counts == {"train": 16, "val": 2, "test": 2}
        assert made.all == (made.main,)
        assert made.rule == (
            "train, val, test cut by seed 0, stratified by foreground, groups whole")

    def test_shares_and_seed_are_heard(self) -> None:
        made = arrange(SplitRule(val_share=0.2, test_share=0.3, seed=5))
        assert made.main == build_splits(ITEMS, cut(ITEMS, 5, 0.2, 0.3), LabelRule())

    def test_a_test_share_of_0_leaves_no_test_split(self) -> None:
        made = arrange(SplitRule(test_share=0))
        assert made.main.counts == {"train": 18, "val": 2, "test": 0}
        assert made.rule == "train, val cut by seed 0, stratified by foreground, groups whole"

    def test_groups_stay_whole(self) -> None:
        made = arrange(SplitRule(val_share=0.2, test_share=0.2), items=FRAMES)
        assert made.main.counts == {"train": 12, "val": 4, "test": 4}
        for part in parts(made.main):
            assert len({item.group for item in FRAMES if item.stem in part}) * 4 == len(part)

    def test_as_many_label_orders_are_drawn_as_asked_for(self) -> None:
        assert list(arrange(SplitRule()).main.label_orders) == [0, 1, 2, 3, 4]
        rule = SplitRule(folds=2, labels=LabelRule(num_seeds=1))
        assert all(list(splits.label_orders) == [0] for splits in arrange(rule).all)

    def test_labels_may_be_given_group_by_group(self) -> None:
        rule = SplitRule(val_share=0.2, test_share=0, labels=LabelRule(by_group=True))
        order = arrange(rule, items=FRAMES).main.label_orders[0]
        group = {item.stem: item.group for item in FRAMES}
        assert all(len({group[stem] for stem in order[start:start + 4]}) == 1
                   for start in range(0, 16, 4))

    @settings(max_examples=30)
    @given(st.randoms(use_true_random=False), st.sampled_from([None, 2, 5]))
    def test_the_order_of_files_changes_nothing(self, random: Random, folds: int | None) -> None:
        rule = SplitRule(val_share=0.2, test_share=0.2, folds=folds)
        shuffled = random.sample(FRAMES, len(FRAMES))
        assert arrange(rule, items=shuffled) == arrange(rule, items=FRAMES)


class TestOfficial:
    """The split of the data set's authors."""

    def test_it_is_taken_as_it_is(self) -> None:
        made = arrange(SplitRule(), OFFICIAL)
        assert parts(made.main) == tuple(map(tuple, OFFICIAL.values()))
        assert made.rule == "the official split"

    def test_validation_is_cut_from_train_where_it_has_none(self) -> None:
        made = arrange(SplitRule(val_share=0.25), {"train": STEMS[:12], "test": STEMS[12:]})
        assert made.main.counts == {"train": 9, "val": 3, "test": 8}
        assert made.main.test == tuple(STEMS[12:])
        assert made.rule == ("the official split; val cut by seed 0, stratified by foreground, "
                             "groups whole")

    def test_it_can_be_ignored(self) -> None:
        assert arrange(SplitRule(ignore_official=True), OFFICIAL) == arrange(SplitRule())

    def test_lists_go_before_it(self, write_lists: WriteLists) -> None:
        folder = write_lists({"train": "s00", "val": "s01"})
        assert parts(arrange(SplitRule(folder), OFFICIAL).main) == (("s00",), ("s01",), ())


class TestLists:
    """A folder of plain text lists."""

    def test_they_are_taken_as_they_are_and_may_name_files(self, write_lists: WriteLists) -> None:
        folder = write_lists({"train": "s03.jpg s01", "val": "s02.PNG", "test": "images/s00.png"})
        made = arrange(SplitRule(folder))
        assert parts(made.main) == (("s01", "s03"), ("s02",), ("s00",))
        assert made.rule == "given lists"

    def test_a_stem_with_a_dot_is_not_taken_for_a_file_name(self, write_lists: WriteLists) -> None:
        folder = write_lists({"train": "a.jpg", "val": "b"})
        items = [Item(stem, stem, 0.5) for stem in ("a", "a.jpg", "b")]
        assert arrange(SplitRule(folder), items=items).main.train == ("a.jpg",)

    def test_images_in_no_list_are_no_part_of_it(self, write_lists: WriteLists) -> None:
        folder = write_lists({"train": "s03", "val": "s02"})
        assert settle(SplitRule(folder), {}, STEMS, EXTENSIONS).stems == {"s03", "s02"}

    def test_missing_validation_is_cut_from_train_and_a_missing_test_stays_empty(
        self, write_lists: WriteLists
    ) -> None:
        made = arrange(SplitRule(write_lists({"train": between(0, 20)})))
        assert made.main.counts == {"train": 18, "val": 2, "test": 0}
        assert made.rule == ("given lists; val cut by seed 0, stratified by foreground, "
                             "groups whole")

    def test_a_share_cuts_the_test_split_from_train_as_well(self, write_lists: WriteLists) -> None:
        folder = write_lists({"train": between(0, 20), "test": ""})
        made = arrange(SplitRule(folder, 0.2, 0.3, seed=1))
        assert made.main.counts == {"train": 10, "val": 4, "test": 6}
        assert made.rule == ("given lists; val, test cut by seed 1, stratified by foreground, "
                             "groups whole")
        folder = write_lists({"train": between(0, 16), "val": between(16, 20)})
        made = arrange(SplitRule(folder, test_share=0.25))
        assert made.main.counts == {"train": 12, "val": 4, "test": 4}
        assert made.main.val == tuple(STEMS[16:])
        assert made.rule == ("given lists; test cut by seed 0, stratified by foreground, "
                             "groups whole")

    def test_validation_that_is_cut_keeps_groups_whole(self, write_lists: WriteLists) -> None:
        folder = write_lists({"train": between(0, 16), "test": between(16, 20)})
        splits = arrange(SplitRule(folder), items=FRAMES).main
        assert len({item.group for item in FRAMES if item.stem in splits.val}) == 1
        assert splits.counts == {"train": 12, "val": 4, "test": 4}

    def test_a_group_on_two_sides_of_given_lists_is_left_there(
        self, write_lists: WriteLists
    ) -> None:
        folder = write_lists({"train": between(0, 14), "val": between(14, 17),
                              "test": between(17, 20)})
        assert arrange(SplitRule(folder), items=FRAMES).main.counts == {
            "train": 14, "val": 3, "test": 3}

    def test_a_group_that_a_given_test_split_has_parted_is_whole_in_what_is_cut(
        self, write_lists: WriteLists
    ) -> None:
        folder = write_lists({"train": between(0, 6), "test": between(6, 20)})
        for seed in range(6):
            splits = arrange(SplitRule(folder, seed=seed), items=FRAMES).main
            assert splits.val in (tuple(STEMS[:4]), tuple(STEMS[4:6]))
            assert splits.test == tuple(STEMS[6:])

    def test_label_orders_are_kept_exactly(self, write_lists: WriteLists) -> None:
        folder = write_lists({"train": between(0, 10), "val": between(10, 12),
                              "labeled_seed1": "s07 s02.jpg", "labeled_seed12": "s09"})
        splits = arrange(SplitRule(folder)).main
        assert splits.label_orders == {1: ("s07", "s02"), 12: ("s09",)}
        assert splits.limited
        assert nested_subset(splits, 1.0, 1) == ("s07", "s02")
        with pytest.raises(DataError, match="asks for 3 labelled images, but the store's lists al"):
            nested_subset(splits, 3, 1)

    @pytest.mark.parametrize("train", ["", between(0, 10)])
    @pytest.mark.parametrize("folds", [None, 3])
    def test_labels_come_from_the_list_of_labelled_images_alone(
        self, write_lists: WriteLists, train: str, folds: int | None
    ) -> None:
        pairs = "\n".join(f"images/{stem}.png masks/{stem}_mask.png" for stem in STEMS[:4])
        folder = write_lists({"unlabeled": between(4, 10), "valid": between(10, 12),
                              "test": between(12, 20), **({"train": train} if train else {})})
        (folder / "labeled.txt").write_text(pairs)
        made = arrange(SplitRule(folder, folds=folds))
        assert parts(made.main) == tuple(
            tuple(STEMS[slice(*ends)]) for ends in ((0, 10), (10, 12), (12, 20)))
        assert len({*made.main.label_orders.values()}) > 1
        for splits in made.all:
            for order in splits.label_orders.values():
                assert {*order} == {*STEMS[:4]} & {*splits.train}
        with pytest.raises(DataError, match="lists name the images whose masks may be used"):
            contiguous_subset(made.main, 2, 0)

    def test_a_list_of_unlabelled_images_takes_the_rest_of_the_labels(
        self, write_lists: WriteLists
    ) -> None:
        folder = write_lists({"train": between(0, 10), "val": between(10, 12),
                              "unlabeled": between(3, 10)})
        for order in arrange(SplitRule(folder)).main.label_orders.values():
            assert sorted(order) == STEMS[:3]

    def test_a_list_of_test_images_alone_is_a_set_for_tests(self, write_lists: WriteLists) -> None:
        splits = arrange(SplitRule(write_lists({"test": between(0, 5)}))).main
        assert parts(splits) == ((), (), tuple(STEMS[:5]))
        assert parts(arrange(SplitRule(only="test")).main) == ((), (), tuple(STEMS))
        assert parts(arrange(SplitRule(only="train")).main) == (tuple(STEMS), (), ())

    def test_given_labels_that_are_cut_off_for_validation_are_passed_over(
        self, write_lists: WriteLists
    ) -> None:
        folder = write_lists({"train": between(0, 20), "labeled_seed0": between(0, 20)})
        splits = arrange(SplitRule(folder, val_share=0.5)).main
        assert splits.label_orders[0] == splits.train
        assert len(splits.val) == 10

    def test_folds_may_be_listed(self, write_lists: WriteLists) -> None:
        folder = write_lists({
            "train": between(0, 8), "val": "s08", "test": "s09",
            "fold0/train": between(2, 10), "fold0/val": "s00", "fold0/test": "s01",
            "fold0/labeled_seed0": "s05",
            "fold1/train": between(0, 10),
        })
        made = arrange(SplitRule(folder))
        assert parts(made.main) == (tuple(STEMS[:8]), ("s08",), ("s09",))
        assert parts(made.folds[0]) == (tuple(STEMS[2:10]), ("s00",), ("s01",))
        assert made.folds[0].label_orders[0][0] == "s05"
        assert made.folds[1].counts == {"train": 9, "val": 1, "test": 0}
        assert made.rule == "given lists; 2 folds"

    def test_images_that_only_a_fold_lists_are_in_no_main_split(
        self, write_lists: WriteLists
    ) -> None:
        made = arrange(SplitRule(write_lists({
            "train": "s00", "val": "s01", "fold0/train": "s01 s02", "fold0/val": "s03"})))
        assert made.main.dropped == ("s02", "s03")
        assert made.folds[0].dropped == ("s00",)


class TestPublishing:
    """What was written for a paper gives the same splits to whoever takes the lists."""

    @pytest.mark.parametrize(
        ("rule", "official", "items"),
        [
            (SplitRule(), {}, ITEMS),
            (SplitRule(val_share=0.2, test_share=0, seed=3), {}, ITEMS),
            (SplitRule(folds=5), {}, ITEMS),
            (SplitRule(folds=2, labels=LabelRule(7, by_group=True)), {}, FRAMES),
            (SplitRule(folds=3), OFFICIAL, FRAMES),
        ],
    )
    @pytest.mark.parametrize("leaks", [(), ("s01", "s05", "s06")])
    def test_the_lists_give_the_splits_again(
        self, tmp_path: Path, rule: SplitRule, official: Mapping[str, Sequence[str]],
        items: Sequence[Item], leaks: Collection[str],
    ) -> None:
        made = arrange(rule, official, items)
        cuts = [drop(splits, set(leaks), items, rule) for splits in made.all]
        for number, splits in enumerate(cuts):
            write_splits(tmp_path / (f"fold{number - 1}" if number else ""), splits)
        again = arrange(SplitRule(tmp_path), OFFICIAL, items)
        assert [splits.digest() for splits in again.all] == [splits.digest() for splits in cuts]
        assert list(again.all) == cuts
        assert again.main.stems == STEMS


class TestCrossValidation:
    """``--folds``: each part is held out in its turn."""

    def test_every_image_is_tested_once_and_validation_is_cut_from_the_rest(self) -> None:
        made = arrange(SplitRule(folds=4, val_share=0.2, seed=2))
        assert sorted(stem for fold in made.folds for stem in fold.test) == STEMS
        for fold in made.folds:
            assert fold.counts == {"train": 12, "val": 3, "test": 5}
            assert fold.stems == STEMS
            assert fold.dropped == ()
            assert sorted(fold.label_orders[0]) == list(fold.train)
        assert made.main == arrange(SplitRule(val_share=0.2, seed=2)).main
        assert made.rule == ("train, val, test cut by seed 2, stratified by foreground, "
                             "groups whole; 4 folds")

    def test_a_given_test_split_stays_and_every_other_image_validates_once(self) -> None:
        made = arrange(SplitRule(folds=3, seed=4), OFFICIAL)
        assert sorted(stem for fold in made.folds for stem in fold.val) == STEMS[:15]
        for fold in made.folds:
            assert fold.counts == {"train": 10, "val": 5, "test": 5}
            assert fold.test == tuple(STEMS[15:])
            assert fold.stems == STEMS
        assert parts(made.main) == tuple(map(tuple, OFFICIAL.values()))
        assert made.rule == ("the official split; 3 folds cut by seed 4, stratified by "
                             "foreground, groups whole")

    def test_the_seed_of_splits_cuts_other_folds(self) -> None:
        made = [arrange(SplitRule(folds=2, seed=seed), official) for seed in range(5)
                for official in ({}, OFFICIAL)]
        assert len({parts(splits.folds[0]) for splits in made}) == 10

    def test_groups_stay_whole_in_every_fold(self) -> None:
        for fold in arrange(SplitRule(folds=5), items=FRAMES).folds:
            assert fold.counts == {"train": 12, "val": 4, "test": 4}
            for part in parts(fold):
                assert len({i.group for i in FRAMES if i.stem in part}) * 4 == len(part)

    def test_a_group_that_a_given_test_split_has_parted_is_whole_in_the_rest(self) -> None:
        """Frames 15 to 19 are tested, and frame 15 is of the same video as 12 to 14."""
        made = arrange(SplitRule(folds=2), OFFICIAL, FRAMES)
        assert all(fold.test == tuple(STEMS[15:]) for fold in made.folds)
        assert [set(STEMS[12:15]) & set(fold.val) for fold in made.folds].count(set()) == 1
        assert sorted(stem for fold in made.folds for stem in fold.val) == STEMS[:15]

    def test_images_that_were_dropped_stay_so(self, write_lists: WriteLists) -> None:
        folder = write_lists({"train": between(0, 14), "val": between(14, 16),
                              "test": between(16, 18), "dropped": between(18, 20)})
        made = arrange(SplitRule(folder, folds=2))
        assert all(splits.dropped == ("s18", "s19") for splits in made.all)

    def test_a_validation_share_applies_to_folds_though_the_main_split_is_given(
        self, write_lists: WriteLists
    ) -> None:
        folder = write_lists({"train": between(0, 16), "val": between(16, 20)})
        made = arrange(SplitRule(folder, val_share=0.4, folds=2))
        assert [fold.counts for fold in made.folds] == [{"train": 6, "val": 4, "test": 10}] * 2


class TestDropping:
    """``--drop-leaks``: the images that leak are left out, and nothing else changes."""

    @settings(max_examples=50)
    @given(st.sets(st.sampled_from(STEMS), max_size=8), st.booleans())
    def test_exactly_these_images_go_and_labels_stay_nested(
        self, leaks: set[str], by_group: bool
    ) -> None:
        rule = SplitRule(val_share=0.45, test_share=0, labels=LabelRule(3, by_group))
        before = arrange(rule, items=FRAMES).main
        leaks -= {before.train[0], before.val[0]}
        after = drop(before, leaks, FRAMES, rule)
        for old, new in zip(parts(before), parts(after), strict=True):
            assert new == tuple(stem for stem in old if stem not in leaks)
        assert after.dropped == tuple(sorted(leaks))
        assert after.label_orders == {
            seed: tuple(stem for stem in order if stem not in leaks)
            for seed, order in before.label_orders.items()}

    def test_what_was_dropped_before_stays_dropped(self) -> None:
        once = drop(arrange(SplitRule()).main, {"s00"}, ITEMS, SplitRule())
        assert drop(once, {"s01"}, ITEMS, SplitRule()).dropped == ("s00", "s01")

    def test_label_orders_for_seeds_beyond_the_rule_are_kept(self) -> None:
        splits = replace(arrange(SplitRule()).main)
        splits = replace(splits, label_orders={0: splits.train, 8: splits.train[::-1]})
        after = drop(splits, {splits.train[3]}, ITEMS, SplitRule(labels=LabelRule(1)))
        assert list(after.label_orders) == [0, 8]
        assert after.label_orders[8] == after.train[::-1]

    @pytest.mark.parametrize("name", ["train", "val", "test"])
    def test_a_split_is_never_emptied(self, name: str) -> None:
        splits = arrange(SplitRule()).main
        with pytest.raises(DataError) as caught:
            drop(splits, getattr(splits, name), ITEMS, SplitRule())
        assert str(caught.value) == (
            f"--drop-leaks would leave the {name} split empty; cut other splits")
