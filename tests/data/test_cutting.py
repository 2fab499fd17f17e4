"""The laws of cuts: disjoint, complete, groups whole, in proportion, and the same everywhere."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from itertools import pairwise
from operator import add
from random import Random
from statistics import mean

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cclcc_cli.data.cutting import Item, LabelRule, build_splits, cut, cut_folds
from cclcc_cli.data.splits import Splits, nested_subset, share_of
from cclcc_cli.errors import DataError

GOLDEN_CUT = {
    "train": "0-0 0-1 0-2 s000 s003 s004 s005 s006 s007 s009 s010 s011",
    "val": "1-0 1-1 s001",
    "test": "s002 s008",
}
GOLDEN_FOLDS = [
    "0-0 0-1 0-2 s001 s004 s010", "1-0 1-1 s000 s002 s007 s009", "s003 s005 s006 s008 s011",
]
GOLDEN_LABELS = ("0-2 s001 s006 s011 s005 s000 1-1 s008 s009 s002 0-1 s004 s007 s010 s003 0-0 "
                 "1-0")
GOLDEN_GROUP_LABELS = ("s003 1-1 1-0 s009 s006 s000 s007 s005 s011 0-1 0-0 0-2 s002 s008 s010 "
                       "s001 s004")
GOLDEN_DIGEST = "dbffb339de609f92c604714fc4355cad08fc3e690ceefaf454451b6fbb94a792"

seeds = st.integers(0, 10)
some_shares = st.sampled_from([0.01, 0.05, 0.1, 0.15, 0.2, 0.3])
maybe_shares = st.sampled_from([0, 0.01, 0.1, 0.25, 0.33])
group_sizes = st.one_of(st.just(1), st.just(1), st.integers(2, 6), st.integers(20, 50))


@st.composite
def any_items(draw: st.DrawFn, sizes: st.SearchStrategy[int] = group_sizes,
              fewest: int = 3, most: int = 25) -> list[Item]:
    """Images in groups of the given sizes, with foregrounds of which many are equal."""
    word = draw(st.sampled_from(["image_", "é", "病变 ", "a\N{COMBINING ACUTE ACCENT}b."]))
    items = []
    for number, size in enumerate(draw(st.lists(sizes, min_size=fewest, max_size=most))):
        foreground = draw(st.integers(0, 20)) / 20
        for frame in range(size):
            stem = f"{word}{number}-{frame}"
            group = stem if size == 1 else f"video {number}"
            items.append(Item(stem, group, min(1, foreground + frame / 1000)))
    return items


def single_items(fewest: int = 3, most: int = 120) -> st.SearchStrategy[list[Item]]:
    return any_items(st.just(1), fewest, most)


def spread(count: int, group: int = 1) -> list[Item]:
    """Images with evenly spread foreground; every ``group`` of them make a group."""
    return [Item(f"s{index:03d}", f"s{index:03d}" if group == 1 else f"g{index // group}",
                 index / count) for index in range(count)]


def grouped(*sizes: int) -> list[Item]:
    return [Item(f"{number}-{frame}", f"g{number}", number / len(sizes))
            for number, size in enumerate(sizes) for frame in range(size)]


def labels_of(items: Sequence[Item], rule: LabelRule | None = None) -> Splits:
    """Splits with all images in train."""
    return build_splits(items, {"train": stems_of(items)}, rule or LabelRule())


def stems_of(items: Iterable[Item]) -> list[str]:
    return [item.stem for item in items]


def largest_group(items: Iterable[Item]) -> int:
    return max(Counter(item.group for item in items).values())


def assert_partition(items: Sequence[Item], parts: Iterable[Sequence[str]]) -> None:
    """Every image in one part, every group in one part, every part sorted."""
    home = {stem: place for place, part in enumerate(parts) for stem in part}
    assert sorted(home) == sorted(stems_of(items))
    assert sum(len(part) for part in parts) == len(items)
    assert all(list(part) == sorted(part) for part in parts)
    homes = {(item.group, home[item.stem]) for item in items}
    assert len(homes) == len({item.group for item in items})


def possible(items: Sequence[Item], val_share: float, test_share: float) -> bool:
    wanted = share_of(val_share, len(items)) + share_of(test_share, len(items))
    return wanted < len(items)


class TestCut:
    """Into train, val and test."""

    @given(any_items(), seeds, some_shares, maybe_shares)
    def test_parts_are_disjoint_and_complete_with_groups_whole_and_none_empty(
        self, items: list[Item], seed: int, val_share: float, test_share: float
    ) -> None:
        assume(possible(items, val_share, test_share))
        parts = cut(items, seed, val_share, test_share)
        assert_partition(items, parts.values())
        assert {name for name, part in parts.items() if part} == (
            {"train", "val", "test"} if test_share else {"train", "val"})

    @given(single_items(), seeds, some_shares, maybe_shares)
    def test_single_images_give_the_exact_sizes(
        self, items: list[Item], seed: int, val_share: float, test_share: float
    ) -> None:
        assume(possible(items, val_share, test_share))
        parts = cut(items, seed, val_share, test_share)
        assert len(parts["val"]) == share_of(val_share, len(items))
        assert len(parts["test"]) == share_of(test_share, len(items))

    @given(any_items(), seeds, some_shares, maybe_shares)
    def test_groups_make_no_part_too_large_by_a_whole_group(
        self, items: list[Item], seed: int, val_share: float, test_share: float
    ) -> None:
        assume(possible(items, val_share, test_share))
        parts = cut(items, seed, val_share, test_share)
        wanted = {"val": share_of(val_share, len(items)),
                  "test": share_of(test_share, len(items))}
        wanted["train"] = len(items) - sum(wanted.values())
        for name, part in parts.items():
            assert len(part) < wanted[name] + largest_group(items)

    @given(any_items(), seeds, st.randoms(use_true_random=False))
    def test_the_order_of_files_changes_nothing(
        self, items: list[Item], seed: int, random: Random
    ) -> None:
        shuffled = random.sample(items, len(items))
        assert cut(shuffled, seed, 0.1, 0.1) == cut(items, seed, 0.1, 0.1)
        assert cut_folds(shuffled, seed, 3) == cut_folds(items, seed, 3)

    @given(single_items(20), seeds, some_shares, maybe_shares)
    def test_small_and_large_lesions_are_shared_out_alike(
        self, items: list[Item], seed: int, val_share: float, test_share: float
    ) -> None:
        """Of each tenth by foreground every part takes its share within 1.

        Within 2 where tenths cannot be equal, as their ends may then be off by one image.
        """
        assume(possible(items, val_share, test_share))
        ranked = stems_of(sorted(items, key=lambda item: (item.foreground, item.stem)))
        strata = min(10, len(items) // 2)
        even = len(items) % strata == 0
        bounds = [len(items) * stratum // strata for stratum in range(strata + 1)]
        for part in cut(items, seed, val_share, test_share).values():
            for low, high in pairwise(bounds):
                taken = len(set(part).intersection(ranked[low:high]))
                due = len(part) * (high - low) / len(items)
                assert abs(taken - due) <= (1 if even else 2)

    def test_a_stratified_cut_is_nearer_to_the_whole_than_a_random_one(self) -> None:
        items = skewed(200)
        whole = mean(item.foreground for item in items)

        def error(stems: Iterable[str]) -> float:
            chosen = set(stems)
            return abs(mean(i.foreground for i in items if i.stem in chosen) - whole)

        for name in ("val", "test"):
            ours = mean(error(cut(items, seed, 0.1, 0.1)[name]) for seed in range(40))
            random = mean(error(Random(seed).sample(stems_of(items), 20)) for seed in range(40))
            assert ours < random / 2

    def test_videos_are_stratified_as_well(self) -> None:
        items = [Item(f"{video}-{frame}", f"video {video}", video / 200)
                 for video in range(200) for frame in range(5)]
        whole = mean(item.foreground for item in items)
        val = set(cut(items, 0, 0.1, 0.1)["val"])
        assert len(val) == 100
        assert mean(i.foreground for i in items if i.stem in val) == pytest.approx(whole, abs=0.03)

    @pytest.mark.parametrize("count", [3, 4, 10, 24, 25])
    def test_every_image_may_come_to_validate_or_to_test_and_as_often_as_the_others(
        self, count: int
    ) -> None:
        """In a small set as well, where the few that are chosen must not always lie alike."""
        items = spread(count)
        cuts = [cut(items, seed, 0.1, 0.1) for seed in range(300)]
        for name in ("val", "test"):
            chosen = Counter(stem for parts in cuts for stem in parts[name])
            even = sum(chosen.values()) / count
            assert all(0.45 * even < chosen[item.stem] < 1.7 * even for item in items)

    def test_seeds_give_different_cuts(self) -> None:
        assert len({cut(spread(50), seed, 0.2, 0.2)["val"] for seed in range(10)}) == 10

    def test_the_smallest_sets_that_can_be_cut(self) -> None:
        assert [len(part) for part in cut(spread(3), 0, 0.1, 0.1).values()] == [1, 1, 1]
        assert [len(part) for part in cut(spread(2), 0, 0.1, 0).values()] == [1, 1, 0]
        assert cut(spread(1), 0, 0, 0) == {"train": ("s000",), "val": (), "test": ()}

    def test_a_huge_group_trains_and_the_rest_is_shared(self) -> None:
        parts = cut([*grouped(80), *spread(20)], 0, 0.1, 0.1)
        assert [len(part) for part in parts.values()] == [80, 10, 10]

    def test_groups_larger_than_a_share_leave_no_part_empty(self) -> None:
        for seed in range(20):
            assert sorted(len(p) for p in cut(grouped(*[20] * 5), seed, 0.1, 0.1).values()) == [
                20, 20, 60]
            assert sorted(len(p) for p in cut(grouped(8, 1, 1), seed, 0.1, 0.1).values()) == [
                1, 1, 8]

    def test_large_groups_go_first_so_that_single_images_make_up_the_sizes(self) -> None:
        items = [*grouped(*[7] * 9, *[3] * 5), *spread(22)]
        for seed in range(20):
            assert [len(p) for p in cut(items, seed, 0.2, 0.1).values()] == [70, 20, 10]

    @pytest.mark.parametrize(
        ("items", "shares", "message"),
        [
            (spread(2), (0.1, 0.1), "2 images with a validation share of 0.1 and a test share of "
                                    "0.1 leave none to train on; lower the shares or add images"),
            (spread(10), (0.999, 0), "10 images with a validation share of 0.999 and a test share "
                                     "of 0 leave none to train on; lower the shares or add images"),
            (grouped(10), (0.1, 0.1), "10 images that stay together in 1 group cannot be cut into "
                                      "train, val, test; give lists of every split with --splits"),
            (grouped(5, 5), (0.1, 0.1), "10 images that stay together in 2 groups cannot be cut "
                                        "into train, val, test; give lists of every split with "
                                        "--splits"),
            (grouped(4), (0.1, 0), "4 images that stay together in 1 group cannot be cut into "
                                   "train, val; give lists of every split with --splits"),
        ],
    )
    def test_too_few_images_or_groups_are_refused(
        self, items: list[Item], shares: tuple[float, float], message: str
    ) -> None:
        with pytest.raises(DataError) as caught:
            cut(items, 0, *shares)
        assert str(caught.value) == message


class TestFolds:
    """Into parts of one size for cross-validation."""

    @given(any_items(fewest=5), seeds, st.integers(2, 5))
    def test_they_partition_the_images_with_groups_whole_and_none_empty(
        self, items: list[Item], seed: int, num_folds: int
    ) -> None:
        folds = cut_folds(items, seed, num_folds)
        assert len(folds) == num_folds
        assert all(folds)
        assert_partition(items, folds)

    @given(single_items(30), seeds, st.integers(2, 30))
    def test_folds_of_single_images_differ_by_one_at_most(
        self, items: list[Item], seed: int, num_folds: int
    ) -> None:
        sizes = [len(fold) for fold in cut_folds(items, seed, num_folds)]
        assert max(sizes) - min(sizes) == (1 if len(items) % num_folds else 0)

    @given(any_items(fewest=10), seeds, st.integers(2, 10))
    def test_folds_of_groups_differ_by_the_largest_group_at_most(
        self, items: list[Item], seed: int, num_folds: int
    ) -> None:
        sizes = [len(fold) for fold in cut_folds(items, seed, num_folds)]
        assert max(sizes) - min(sizes) <= largest_group(items)

    def test_large_groups_go_first_so_that_small_ones_even_them_out(self) -> None:
        for seed in range(20):
            folds = cut_folds(grouped(*[10] * 8, 20), seed, 5)
            assert [len(fold) for fold in folds] == [20] * 5

    def test_every_fold_has_small_and_large_lesions_alike(self) -> None:
        items = spread(100)
        foreground = {item.stem: item.foreground for item in items}
        for fold in cut_folds(items, 0, 5):
            tenths = Counter(int(foreground[stem] * 10) for stem in fold)
            assert tenths == dict.fromkeys(range(10), 2)

    def test_as_many_folds_as_groups_leave_one_out(self) -> None:
        folds = cut_folds(grouped(3, 1, 4, 1, 5), 0, 5)
        assert sorted(len(fold) for fold in folds) == [1, 1, 3, 4, 5]

    @pytest.mark.parametrize("items", [spread(3), grouped(5, 5, 5)])
    def test_more_folds_than_groups_are_refused(self, items: list[Item]) -> None:
        with pytest.raises(DataError) as caught:
            cut_folds(items, 0, 4)
        assert str(caught.value) == (
            "--folds 4: there are only 3 images or groups that stay together; "
            "give at most that many folds")


class TestLabelOrders:
    """The order in which training images get their labels."""

    @given(any_items(), st.booleans(), st.integers(1, 4))
    def test_every_order_is_a_permutation_of_train(
        self, items: list[Item], by_group: bool, num_seeds: int
    ) -> None:
        splits = labels_of(items, LabelRule(num_seeds, by_group))
        assert list(splits.label_orders) == list(range(num_seeds))
        for order in splits.label_orders.values():
            assert sorted(order) == list(splits.train)

    @given(any_items(), st.sampled_from([0, 1, 2]), st.booleans(), st.data())
    def test_n_labels_lie_inside_more_than_n(
        self, items: list[Item], seed: int, by_group: bool, data: st.DataObject
    ) -> None:
        splits = labels_of(items, LabelRule(3, by_group))
        few, many = sorted(data.draw(st.tuples(*[st.integers(1, len(items))] * 2)))
        small, large = (nested_subset(splits, count, seed) for count in (few, many))
        assert (len(small), len(large)) == (few, many)
        assert set(small) <= set(large)

    @given(any_items(), st.randoms(use_true_random=False), st.booleans())
    def test_the_order_of_files_changes_nothing(
        self, items: list[Item], random: Random, by_group: bool
    ) -> None:
        rule = LabelRule(2, by_group)
        one, other = (labels_of(some, rule)
                      for some in (items, random.sample(items, len(items))))
        assert one == other
        assert one.digest() == other.digest()

    @settings(max_examples=60)
    @given(st.integers(5, 80), st.integers(0, 20), st.randoms(use_true_random=False))
    def test_every_beginning_takes_its_share_of_small_and_large_lesions(
        self, count: int, seed: int, random: Random
    ) -> None:
        """Of each fifth by foreground, within 1 of proportion."""
        items = [Item(f"s{index}", f"s{index}", random.random()) for index in range(5 * count)]
        rank = {stem: place for place, stem in
                enumerate(stems_of(sorted(items, key=lambda i: (i.foreground, i.stem))))}
        order = labels_of(items, LabelRule(seed + 1)).label_orders[seed]
        fifths = [0] * 5
        for taken, stem in enumerate(order, start=1):
            fifths[rank[stem] // count] += 1
            assert all(abs(found - taken / 5) < 1 for found in fifths)

    @settings(max_examples=60)
    @given(st.integers(4, 200), st.integers(0, 20))
    def test_where_fifths_cannot_be_equal_every_beginning_is_spread_almost_as_well(
        self, count: int, seed: int
    ) -> None:
        """Of fifths whose ends may be off by one image, within 2; of fewer in tiny sets."""
        num_strata = min(5, count // 2)
        ends = [count * stratum // num_strata for stratum in range(1, num_strata)]
        order = labels_of(spread(count), LabelRule(seed + 1)).label_orders[seed]
        found = [0] * num_strata
        for taken, stem in enumerate(order, start=1):
            found[bisect_right(ends, int(stem[1:]))] += 1
            due = [taken * size / count for size in sizes_between(ends, count)]
            assert all(abs(f - d) < 2 for f, d in zip(found, due, strict=True))

    def test_few_labels_are_nearer_to_the_whole_than_random_ones(self) -> None:
        items = skewed(400)
        foreground = {item.stem: item.foreground for item in items}
        whole = mean(foreground.values())
        orders = labels_of(items, LabelRule(40)).label_orders
        for count in (20, 40, 80):
            ours = mean(abs(mean(foreground[stem] for stem in order[:count]) - whole)
                        for order in orders.values())
            random = mean(abs(mean(Random(seed).sample(list(foreground.values()), count)) - whole)
                          for seed in orders)
            assert ours < random / 1.5

    @pytest.mark.parametrize("count", [6, 21, 24])
    def test_every_image_may_be_the_first_to_be_labelled(self, count: int) -> None:
        orders = labels_of(spread(count), LabelRule(100 * count)).label_orders.values()
        firsts = Counter(order[0] for order in orders)
        assert all(50 < firsts[stem] < 160 for stem in stems_of(spread(count)))

    def test_seeds_give_different_orders(self) -> None:
        orders = labels_of(spread(50), LabelRule(20)).label_orders
        assert len({order[:5] for order in orders.values()}) == 20

    @given(any_items(), st.integers(0, 3))
    def test_group_by_group_the_images_of_a_group_follow_each_other(
        self, items: list[Item], seed: int
    ) -> None:
        group = {item.stem: item.group for item in items}
        order = labels_of(items, LabelRule(4, by_group=True)).label_orders[seed]
        entered = [group[stem] for place, stem in enumerate(order)
                   if place == 0 or group[order[place - 1]] != group[stem]]
        assert len(entered) == len(set(entered))

    def test_image_by_image_groups_are_mixed(self) -> None:
        order = labels_of(grouped(10, 10)).label_orders[0]
        assert {stem[0] for stem in order[:3]} == {"0", "1"}

    @given(any_items(), st.booleans(), st.data())
    def test_given_orders_are_kept_as_they_are(
        self, items: list[Item], by_group: bool, data: st.DataObject
    ) -> None:
        start = data.draw(st.permutations(stems_of(items)))[:data.draw(st.integers(0, len(items)))]
        drawn = labels_of(items, LabelRule(2, by_group)).label_orders
        orders = labels_of(items, LabelRule(2, by_group, {1: start, 7: start[:1]})).label_orders
        assert list(orders) == [0, 1, 7]
        assert orders[0] == drawn[0]
        assert (orders[1], orders[7]) == (tuple(start), tuple(start[:1]))

    def test_images_in_no_part_are_dropped(self) -> None:
        parts: Mapping[str, list[str]] = {"val": ["s003"], "train": ["s002", "s000"]}
        splits = build_splits(spread(6), parts, LabelRule(1))
        assert (splits.train, splits.val, splits.test) == (("s000", "s002"), ("s003",), ())
        assert splits.dropped == ("s001", "s004", "s005")
        assert set(splits.label_orders[0]) == {"s000", "s002"}


class TestEverywhereTheSame:
    """A changed algorithm would change published splits; so this is noticed."""

    ITEMS = (*spread(12), *grouped(3, 2))

    def test_a_cut(self) -> None:
        parts = cut(self.ITEMS, 0, 0.2, 0.1)
        assert {name: " ".join(part) for name, part in parts.items()} == GOLDEN_CUT

    def test_folds(self) -> None:
        assert [" ".join(fold) for fold in cut_folds(self.ITEMS, 1, 3)] == GOLDEN_FOLDS

    def test_a_label_order(self) -> None:
        assert " ".join(labels_of(self.ITEMS).label_orders[1]) == GOLDEN_LABELS
        by_group = labels_of(self.ITEMS, LabelRule(by_group=True))
        assert " ".join(by_group.label_orders[4]) == GOLDEN_GROUP_LABELS

    def test_a_digest(self) -> None:
        splits = build_splits(self.ITEMS, cut(self.ITEMS, 0, 0.2, 0.1), LabelRule())
        assert splits.digest() == GOLDEN_DIGEST

    def test_the_last_bit_of_a_mean_decides_nothing(self) -> None:
        """These means are equal, though plain sums differ by order and by version of Python."""
        shares = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
        items = [Item(f"{group}{place}", f"{group}", share) for group in range(30)
                 for place, share in enumerate(Random(group).sample(shares, 7))]
        sums = {reduce(add, (item.foreground for item in items[start:start + 7]))
                for start in range(0, 210, 7)}
        assert len(sums) > 1
        equal = [Item(item.stem, item.group, 0.4) for item in items]
        assert cut(items, 0, 0.3, 0.3) == cut(equal, 0, 0.3, 0.3)


def skewed(count: int) -> list[Item]:
    """Images as they come: most lesions small, a few large."""
    return [Item(f"s{index:03d}", f"s{index:03d}", (index / count) ** 3) for index in range(count)]


def sizes_between(ends: Sequence[int], count: int) -> list[int]:
    return [high - low for low, high in zip((0, *ends), (*ends, count), strict=True)]
