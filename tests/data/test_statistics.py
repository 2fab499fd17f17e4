"""Statistics of a store: numbers worked out by hand, and a fair spread of images."""

import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cclcc_cli.data.audit import Audit
from cclcc_cli.data.split_set import SplitSet
from cclcc_cli.data.splits import Splits
from cclcc_cli.data.statistics import (
    DataStatistics,
    Range,
    SubsetStatistics,
    measure_store,
    positions_by_split,
    spread_over_foreground,
)
from cclcc_cli.data.store import Store, load_store, store_path
from cclcc_cli.data.store_writer import About, Contents, Pair, fit_pair, write_store

SIZE = 16
Array = NDArray[np.uint8]
MakeStore = Callable[..., Store]


@pytest.fixture
def make_store(tmp_path: Path) -> MakeStore:
    """Writes a store from masks and colours by stem.

    Labels go to training images in the order of stems, begun at the seed's, or as given.
    """

    def make(
        masks: Mapping[str, Array], colors: Mapping[str, tuple[int, int, int]] | None = None,
        val: Sequence[str] = (), test: Sequence[str] = (), **orders: Sequence[str],
    ) -> Store:
        pairs = [
            Pair(stem, np.full((*mask.shape, 3), (colors or {}).get(stem, (0, 0, 0)), np.uint8),
                 mask, f"image {stem}", f"mask {stem}")
            for stem, mask in sorted(masks.items())
        ]
        path = store_path(tmp_path / "data", "polyps", SIZE)
        train = tuple(sorted(set(masks) - {*val, *test}))
        turned = {f"seed{seed}": train[seed % len(train):] + train[:seed % len(train)]
                  for seed in range(5)}
        splits = Splits(train, tuple(val), tuple(test), {
            int(seed.removeprefix("seed")): tuple(order)
            for seed, order in {**turned, **orders}.items()})
        write_store(path, (fit_pair(pair, SIZE) for pair in pairs), len(pairs), About(), {},
                    lambda rows, _images, _masks: Contents(
                        tuple(rows), SplitSet(splits, (), "by hand"), Audit((), (), None, False)))
        return load_store(path)

    return make


def mask_of(share: float, height: int = SIZE, width: int = SIZE) -> Array:
    """The first rows set, as many as the share says."""
    mask = np.zeros((height, width), np.uint8)
    mask[:round(share * height)] = 1
    return mask


def two_boxes(second: int) -> Array:
    """A 4x4 box in the corner, and one that begins at (second, second)."""
    mask = np.zeros((SIZE, SIZE), np.uint8)
    mask[:4, :4] = 1
    mask[second:second + 4, second:second + 4] = 1
    return mask


@pytest.fixture
def statistics(make_store: MakeStore) -> DataStatistics:
    """Train: a quarter, 16x16; nothing, 16 wide and 32 high. Val: all, 32 wide. Test: two boxes."""
    masks = {"a": mask_of(0.25), "b": mask_of(0, 32, 16), "c": mask_of(1, 16, 32),
             "d": two_boxes(8)}
    colors = {"a": (255, 0, 51), "b": (0, 0, 51), "c": (51, 51, 51), "d": (204, 51, 0)}
    return measure_store(make_store(masks, colors, val="c", test="d"))


def test_groups_are_the_splits_and_all(statistics: DataStatistics) -> None:
    counts = {name: group.num_images for name, group in statistics.groups.items()}
    assert counts == {"train": 2, "val": 1, "test": 1, "all": 4}


def test_an_empty_split_has_no_group(make_store: MakeStore) -> None:
    store = make_store({"a": mask_of(0.5), "b": mask_of(0.5)}, val="b")
    assert list(measure_store(store).groups) == ["train", "val", "all"]
    assert positions_by_split(store) == {"train": [0], "val": [1]}


def test_images_in_no_split_are_in_no_number(make_store: MakeStore) -> None:
    store = make_store({"a": mask_of(0.5), "b": mask_of(0.5), "c": mask_of(1)}, val="b", test="c")
    without = replace(store, splits=replace(store.splits, test=(), dropped=("c",)))
    everything = measure_store(without).groups["all"]
    assert (everything.num_images, everything.foreground.num_full) == (2, 0)


def test_sizes_are_the_images_own(statistics: DataStatistics) -> None:
    train, everything = statistics.groups["train"], statistics.groups["all"]
    assert (train.width, train.height) == (Range(16, 16, 16), Range(16, 24, 32))
    assert (train.num_sizes, everything.num_sizes) == (2, 3)
    assert train.aspect == Range(0.5, 0.75, 1)
    assert everything.aspect == Range(0.5, 1, 2)


def test_foreground_is_counted_at_the_images_own_size(statistics: DataStatistics) -> None:
    train, everything = (statistics.groups[name].foreground for name in ("train", "all"))
    assert (train.mean, train.median) == (0.125, 0.125)
    assert (train.p5, train.p95) == pytest.approx((0.0125, 0.2375))
    assert everything.mean == (0.25 + 0 + 1 + 0.125) / 4
    assert (everything.num_empty, everything.num_full, everything.num_lost) == (1, 1, 0)


def test_a_mask_that_the_resize_wipes_out_is_counted(make_store: MakeStore) -> None:
    speck = np.zeros((64, 64), np.uint8)
    speck[5, 5] = 1
    foreground = measure_store(make_store({"a": speck})).groups["all"].foreground
    assert (foreground.num_empty, foreground.num_lost) == (0, 1)


def test_regions_are_counted_and_corners_join_them(make_store: MakeStore) -> None:
    store = make_store({"a": two_boxes(8), "b": two_boxes(4), "c": mask_of(0)})
    assert measure_store(store).groups["all"].regions == Range(0, 1, 2)


def test_colours_are_those_of_all_pixels_together(statistics: DataStatistics) -> None:
    train, everything = statistics.groups["train"], statistics.groups["all"]
    assert train.rgb_mean == pytest.approx((0.5, 0, 0.2))
    assert train.rgb_std == pytest.approx((0.5, 0, 0))
    assert everything.rgb_mean == pytest.approx(((1 + 0 + 0.2 + 0.8) / 4, 0.1, 0.15))
    assert everything.rgb_std[1] == pytest.approx(0.1)


def test_every_image_is_read_once_however_many_there_are(make_store: MakeStore) -> None:
    rng = np.random.default_rng(0)
    masks = {f"{index:02d}": mask_of(index >= 60) for index in range(70)}
    colors = {stem: tuple(rng.integers(0, 256, 3).tolist()) for stem in masks}
    store = make_store(masks, colors, val=[f"{index:02d}" for index in range(35, 70)])
    groups = measure_store(store).groups
    for name, start, stop in (("train", 0, 35), ("val", 35, 70), ("all", 0, 70)):
        pixels = np.array(store.images[start:stop]) / 255
        assert groups[name].rgb_mean == pytest.approx(pixels.mean(axis=(0, 1, 2)))
        assert groups[name].rgb_std == pytest.approx(pixels.std(axis=(0, 1, 2)))
    assert groups["train"].regions.maximum == 0
    assert groups["val"].regions.maximum == 1


def test_histograms_share_round_bins_and_hold_every_image(statistics: DataStatistics) -> None:
    assert statistics.bin_edges == pytest.approx(np.arange(21) / 20)
    filled = {
        name: {bin_: count for bin_, count in enumerate(group.foreground.histogram) if count}
        for name, group in statistics.groups.items()
    }
    assert filled == {"train": {0: 1, 5: 1}, "val": {19: 1}, "test": {2: 1},
                      "all": {0: 1, 2: 1, 5: 1, 19: 1}}


def test_bins_are_finer_where_all_lesions_are_small(make_store: MakeStore) -> None:
    statistics = measure_store(make_store({"a": mask_of(1 / 16), "b": mask_of(0)}))
    assert statistics.bin_edges[-1] == 0.1


def test_a_subset_is_measured_against_the_whole_training_split(
    statistics: DataStatistics
) -> None:
    # Shares 0.25 and 0, so variance 1/32; one of two drawn: sqrt(1/32 * (1 - 1/2) / 1) = 1/8.
    subset = statistics.subsets[0]
    assert (subset.share, subset.num_labeled, subset.train_mean) == (0.05, 1, 0.125)
    assert subset.standard_error == pytest.approx(0.125)
    assert subset.means == {0: 0.25, 1: 0, 2: 0.25, 3: 0, 4: 0.25}
    assert [subset.deviation(seed) for seed in range(5)] == pytest.approx([1, -1, 1, -1, 1])
    assert [subset.share for subset in statistics.subsets] == [0.05, 0.1, 0.2, 0.5]


def test_an_unlucky_subset_is_told_from_a_usual_one(make_store: MakeStore) -> None:
    stems = [f"{index:02d}" for index in range(20)]
    masks = {stem: mask_of(stem == "07") for stem in stems}
    last, first = [*stems[:7], *stems[8:], "07"], ["07", *stems[:7], *stems[8:]]
    subset = measure_store(make_store(masks, seed0=first, seed1=last)).subsets[0]
    assert (subset.num_labeled, subset.means[0], subset.means[1]) == (1, 1, 0)
    assert subset.deviation(0) == pytest.approx(0.95 / np.sqrt(0.05 * 0.95))
    assert (subset.is_unlucky(0), subset.is_unlucky(1)) == (True, False)


def test_a_single_training_image_is_never_unlucky(make_store: MakeStore) -> None:
    subset = measure_store(make_store({"a": mask_of(0.5)})).subsets[0]
    assert (subset.standard_error, subset.deviation(0), subset.is_unlucky(0)) == (0, 0, False)


def test_unlucky_begins_beyond_two_standard_errors_to_either_side() -> None:
    means = {0: 0.75, 1: 0.75 + 1e-9, 2: 0.25 - 1e-9}
    subset = SubsetStatistics(0.1, 5, means, train_mean=0.5, standard_error=0.125)
    assert [subset.is_unlucky(seed) for seed in means] == [False, True, True]


def test_a_store_is_never_held_in_memory(make_store: MakeStore) -> None:
    store = make_store({f"{index:03d}": mask_of(0.5) for index in range(1500)})
    measure_store(store)  # what is computed once and kept
    tracemalloc.start()
    measure_store(store)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert store.images.nbytes > 1_100_000
    assert peak < 700_000


@pytest.fixture
def ladder(make_store: MakeStore) -> Store:
    """17 images with 0 to 16 sixteenths of foreground; names in no such order."""
    return make_store({f"{index * 7 % 17:02d}": mask_of(index / 16) for index in range(17)})


@pytest.mark.parametrize("count", range(1, 20))
def test_a_spread_climbs_from_the_smallest_to_the_largest(ladder: Store, count: int) -> None:
    chosen = spread_over_foreground(ladder, range(17), count, seed=0)
    rungs = [round(16 * ladder.rows[position].foreground) for position in chosen]
    assert len(rungs) == min(count, 17)
    assert rungs == sorted(set(rungs))
    if count == 1:
        assert rungs == [8]
    else:
        assert (rungs[0], rungs[-1]) == (0, 16)


def test_a_spread_takes_one_image_of_each_rank(ladder: Store) -> None:
    for seed in range(20):
        chosen = spread_over_foreground(ladder, range(17), 5, seed)
        rungs = [round(16 * ladder.rows[position].foreground) for position in chosen]
        assert [(rung - 1) // 5 for rung in rungs[1:-1]] == [0, 1, 2]


def test_the_seed_alone_decides_the_spread(ladder: Store) -> None:
    chosen = {seed: spread_over_foreground(ladder, range(17), 6, seed) for seed in range(5)}
    again = {seed: spread_over_foreground(ladder, range(16, -1, -1), 6, seed) for seed in range(5)}
    assert chosen == again
    assert len({tuple(positions) for positions in chosen.values()}) > 1


def test_a_spread_stays_within_the_positions_it_was_given(ladder: Store) -> None:
    assert set(spread_over_foreground(ladder, [3, 5, 7, 11], 3, seed=0)) <= {3, 5, 7, 11}
