"""Splits and labelled subsets: disjoint, complete, nested, and independent of file order."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cclcc_cli.data.splits import (
    LABEL_SEEDS,
    Splits,
    build_splits,
    contiguous_subset,
    nested_subset,
    num_labeled,
    read_list,
    read_splits,
    split_randomly,
    write_splits,
)
from cclcc_cli.errors import DataError

stems = st.sets(
    st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1)
    .filter(lambda stem: not stem.startswith("#")),
    min_size=4, max_size=40,
)
seeds = st.integers(0, 10)
shares = st.floats(0.01, 1)

GOLDEN_SPLIT = (("image_001", "image_004"), ("image_007",))
GOLDEN_LABELS = ("image_002", "image_006", "image_003")
GOLDEN_DIGEST = "c920fb4acecc56e8bfe5b89fb90d7f269f068b8879b25df7995cb9d89f22a438"


def numbered(count: int) -> list[str]:
    return [f"image_{index:03d}" for index in range(count)]


@given(stems, seeds, st.floats(0, 0.3), st.floats(0, 0.3))
def test_a_random_split_is_disjoint_and_complete(
    names: set[str], seed: int, val_share: float, test_share: float
) -> None:
    splits = split_randomly(names, seed, val_share, test_share)
    parts = [*splits.train, *splits.val, *splits.test]
    assert sorted(parts) == sorted(names)
    assert list(splits.train) == sorted(splits.train)
    assert (len(splits.val) > 0) == (val_share > 0)
    assert (len(splits.test) > 0) == (test_share > 0)


@given(stems, seeds, st.randoms())
def test_the_order_of_files_changes_nothing(names: set[str], seed: int, random: Random) -> None:
    shuffled = sorted(names)
    random.shuffle(shuffled)
    one, other = (split_randomly(n, seed, 0.2, 0.2) for n in (sorted(names), shuffled))
    assert one == other
    assert one.digest() == other.digest()


@given(stems, st.sampled_from(LABEL_SEEDS), shares, shares)
def test_fewer_labels_lie_inside_more(
    names: set[str], seed: int, one: float, other: float
) -> None:
    splits = build_splits(names, (), ())
    small, large = (nested_subset(splits, share, seed) for share in sorted((one, other)))
    assert set(small) <= set(large) <= names
    assert len(set(large)) == num_labeled(max(one, other), len(names))


@settings(max_examples=25)
@given(stems)
def test_lists_come_back_from_the_disk_as_they_went(
    tmp_path_factory: pytest.TempPathFactory, names: set[str]
) -> None:
    folder = tmp_path_factory.mktemp("splits")
    splits = split_randomly(names, 0, 0.2, 0.2)
    write_splits(folder, splits)
    assert read_splits(folder) == splits


def test_a_split_is_the_same_on_every_machine_and_in_every_version() -> None:
    splits = split_randomly(numbered(10), seed=0, val_share=0.2, test_share=0.1)
    assert (splits.val, splits.test) == GOLDEN_SPLIT
    assert splits.label_orders[1][:3] == GOLDEN_LABELS
    assert splits.digest() == GOLDEN_DIGEST


def test_seeds_give_different_splits_and_different_labels() -> None:
    names = numbered(50)
    assert split_randomly(names, 0, 0.2, 0.2).val != split_randomly(names, 1, 0.2, 0.2).val
    orders = build_splits(names, (), ()).label_orders
    assert sorted(orders) == [0, 1, 2, 3, 4]
    assert len(set(orders.values())) == 5


def test_the_digest_sees_every_list() -> None:
    base = build_splits(["a", "b"], ["c"], ["d"])
    swapped = {**base.label_orders, 3: tuple(reversed(base.label_orders[3]))}
    others = [
        build_splits(["a", "c"], ["b"], ["d"]),
        build_splits(["a", "b"], ["d"], ["c"]),
        Splits(base.train, base.val, base.test, swapped),
    ]
    assert len({base.digest(), *(other.digest() for other in others)}) == 4


@pytest.mark.parametrize(
    ("labeled", "total", "expected"),
    [
        (80, 800, 80), (800, 800, 800), (0.1, 800, 80), (1.0, 7, 7), (0.001, 10, 1),
        (0.05, 30, 2),  # 1.5 goes up
        (0.145, 100, 15),  # 14.5 goes up, though 0.145 * 100 is 14.499999999999998
        (0.1, 14, 1),
    ],
)
def test_a_count_is_taken_as_it_is_and_a_share_rounds_half_up(
    labeled: int | float, total: int, expected: int
) -> None:
    assert num_labeled(labeled, total) == expected


@pytest.mark.parametrize(
    ("labeled", "message"),
    [
        (801, "labeled = 801: asks for 801 labelled images, but the training split has 800"),
        (0, "labeled = 0: asks for 0 labelled images"),
        (0.0, r"labeled = 0: a share lies above 0"),
        (1.5, r"labeled = 1.5: a share lies above 0 and up to 1.0"),
    ],
)
def test_a_number_of_labels_that_cannot_be_had_is_refused(
    labeled: int | float, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        num_labeled(labeled, 800)


def test_a_block_of_labels_is_cut_from_the_sorted_images() -> None:
    splits = build_splits(reversed(numbered(10)), (), ())
    assert contiguous_subset(splits, 3, 2) == ("image_002", "image_003", "image_004")
    assert contiguous_subset(splits, 0.3, 7) == ("image_007", "image_008", "image_009")
    with pytest.raises(DataError, match="a block of 3 labels from 8 runs beyond the 10 training"):
        contiguous_subset(splits, 3, 8)


def test_a_seed_without_an_order_is_refused_with_those_there_are() -> None:
    with pytest.raises(DataError, match="no label order for seed 9.*stored seeds: 0, 1, 2, 3, 4"):
        nested_subset(build_splits(["a"], (), ()), 1, 9)


def test_shares_that_leave_nothing_to_train_on_are_refused() -> None:
    with pytest.raises(DataError, match=r"2 images with .* leave none to train on"):
        split_randomly(["a", "b"], 0, 0.1, 0.1)


def test_a_list_skips_comments_blank_lines_and_the_mark_of_windows_editors(tmp_path: Path) -> None:
    path = tmp_path / "train.txt"
    path.write_bytes("\ufeff# head\r\n\r\n b,1 \r\nä\r\n  # more\r\n".encode())
    assert read_list(path) == ["b,1", "ä"]
    assert read_list(tmp_path / "val.txt") is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\nb\na\n", "train.txt: names a twice"),
        (b"\xff\xfe\x00", "train.txt: is not UTF-8 text"),
    ],
)
def test_a_bad_list_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "train.txt").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_list(tmp_path / "train.txt")


def test_written_lists_say_what_they_are(tmp_path: Path) -> None:
    write_splits(tmp_path, build_splits(["b", "a"], ["c"], ()))
    assert (tmp_path / "train.txt").read_bytes() == b"# cclcc: train split: 2 images\na\nb\n"
    assert (tmp_path / "test.txt").read_bytes() == b"# cclcc: test split: 0 images\n"
    assert (tmp_path / "labeled_seed4.txt").read_text().startswith("# cclcc: order of labels for ")
