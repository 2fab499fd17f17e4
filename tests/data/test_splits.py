"""Splits, labelled subsets and the plain text lists that they are kept and published in."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cclcc_cli.data.splits import (
    Splits,
    contiguous_subset,
    fold_folders,
    nested_subset,
    num_labeled,
    read_label_orders,
    read_list,
    read_splits,
    share_of,
    write_list,
    write_splits,
)
from cclcc_cli.errors import DataError

# printf '[["a", "b"], ["c"], ["d"], [[0, ["b", "a"]], [3, ["a", "b"]]]]' | sha256sum
GOLDEN_DIGEST = "fbca1c87076e86b94b368397b3e80b7d21191310a1fafff36500a5421f22beb1"

stems = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1).filter(
    lambda stem: not stem.startswith("#"))


@st.composite
def any_splits(draw: st.DrawFn) -> Splits:
    """Splits of any images, with orders for one seed or more."""
    parts: dict[str, list[str]] = {"train": [], "val": [], "test": [], "dropped": []}
    for stem in sorted(draw(st.sets(stems, min_size=1, max_size=20))):
        parts[draw(st.sampled_from(sorted(parts)))].append(stem)
    seeds = draw(st.sets(st.integers(0, 10**9 - 1), min_size=1, max_size=3))
    orders = {seed: tuple(draw(st.permutations(parts["train"]))) for seed in seeds}
    train, val, test, dropped = (tuple(parts[p]) for p in ("train", "val", "test", "dropped"))
    return Splits(train, val, test, orders, dropped)


SMALL = Splits(("a", "b"), ("c",), ("d",), {0: ("b", "a"), 3: ("a", "b")}, ("e",))


class TestLists:
    """One stem a line, for people to read, publish and take over."""

    @settings(max_examples=25, deadline=None)
    @given(any_splits())
    def test_splits_come_back_from_the_disk_as_they_went(
        self, tmp_path_factory: pytest.TempPathFactory, splits: Splits
    ) -> None:
        folder = tmp_path_factory.mktemp("splits")
        write_splits(folder, splits)
        again = read_splits(folder)
        assert again == splits
        assert again.digest() == splits.digest()

    def test_the_files_say_what_they_are_and_have_the_same_bytes_everywhere(
        self, tmp_path: Path
    ) -> None:
        write_splits(tmp_path / "new" / "folder", SMALL)
        about = "order of labels for seed 3: the first n training images keep their labels"
        assert {path.name: path.read_bytes() for path in (tmp_path / "new/folder").iterdir()} == {
            "train.txt": b"# cclcc: train split: 2 images\na\nb\n",
            "val.txt": b"# cclcc: val split: 1 images\nc\n",
            "test.txt": b"# cclcc: test split: 1 images\nd\n",
            "dropped.txt": b"# cclcc: in no split: 1 images\ne\n",
            "labeled_seed0.txt": f"# cclcc: {about}\nb\na\n".replace("seed 3", "seed 0").encode(),
            "labeled_seed3.txt": f"# cclcc: {about}\na\nb\n".encode(),
        }

    def test_there_is_no_list_of_dropped_images_where_none_were(self, tmp_path: Path) -> None:
        write_splits(tmp_path, Splits(("a",), (), (), {0: ("a",)}))
        assert not (tmp_path / "dropped.txt").exists()
        assert (tmp_path / "test.txt").read_text() == "# cclcc: test split: 0 images\n"

    def test_comments_blank_lines_and_the_marks_of_windows_editors_mean_nothing(
        self, tmp_path: Path
    ) -> None:
        path = tmp_path / "train.txt"
        path.write_bytes("\ufeff# head\r\n\r\n b,1 \r\nä\r\n  # more\r\n".encode())
        assert read_list(path) == ["b,1", "ä"]

    def test_a_list_that_is_not_there_is_not_an_empty_list(self, tmp_path: Path) -> None:
        write_list(tmp_path / "test.txt", "nothing", ())
        assert read_list(tmp_path / "test.txt") == []
        assert read_list(tmp_path / "val.txt") is None

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"a\nb\na\n", "names a twice; keep one"),
            (b"\xff\xfe\x00", "is not UTF-8 text; save it as UTF-8, one stem a line"),
        ],
    )
    def test_a_bad_list_is_refused(self, tmp_path: Path, content: bytes, message: str) -> None:
        path = tmp_path / "train.txt"
        path.write_bytes(content)
        assert refusal(read_list, path) == f"{path}: {message}"

    def test_a_list_that_is_a_folder_is_refused(self, tmp_path: Path) -> None:
        assert refusal(read_list, tmp_path) == f"{tmp_path}: cannot be read (Is a directory)"

    def test_label_orders_are_found_by_the_seed_in_their_name(self, tmp_path: Path) -> None:
        write_list(tmp_path / "labeled_seed12.txt", "order", ["b", "a"])
        write_list(tmp_path / "labeled_seed2.txt", "order", ["a"])
        write_list(tmp_path / "train.txt", "train", ["a", "b"])
        assert read_label_orders(tmp_path) == {2: ["a"], 12: ["b", "a"]}

    @pytest.mark.parametrize("name", ["labeled_seed01.txt", "labeled_seed.txt",
                                      "labeled_seed-1.txt", "labeled_seed0 (copy).txt"])
    def test_a_label_order_without_a_plain_seed_is_refused_and_not_passed_over(
        self, tmp_path: Path, name: str
    ) -> None:
        write_list(tmp_path / name, "order", ["a"])
        assert refusal(read_label_orders, tmp_path) == (
            f"{tmp_path / name}: is not named as a label order; call it labeled_seed0.txt, "
            f"labeled_seed1.txt and so on, or move it away")

    def test_folds_are_found_in_the_order_of_their_numbers(self, tmp_path: Path) -> None:
        assert fold_folders(tmp_path) == []
        (tmp_path / "folder").mkdir()
        (tmp_path / "fold7.txt").touch()
        (tmp_path / "fold11").touch()
        folders = [tmp_path / f"fold{number}" for number in range(11)]
        for folder in folders:
            folder.mkdir()
        assert fold_folders(tmp_path) == folders

    @pytest.mark.parametrize("numbers", [(1, 2), (0, 2), (0, "00")])
    def test_folds_that_are_not_counted_from_0_are_refused_and_not_passed_over(
        self, tmp_path: Path, numbers: tuple[object, object]
    ) -> None:
        one, other = (f"fold{number}" for number in numbers)
        (tmp_path / one).mkdir()
        (tmp_path / other).mkdir()
        assert refusal(fold_folders, tmp_path) == (
            f"{tmp_path}: has the folders {one}, {other}; number folds from fold0 on without a gap")

    @pytest.mark.parametrize("name", ["train", "val", "test", "labeled_seed0"])
    def test_splits_with_a_list_missing_are_refused(self, tmp_path: Path, name: str) -> None:
        write_splits(tmp_path, Splits(("a",), ("b",), ("c",), {0: ("a",)}))
        (tmp_path / f"{name}.txt").unlink()
        assert refusal(read_splits, tmp_path) == f"{tmp_path / name}.txt: is missing"

    @pytest.mark.parametrize("order", [["c"], ["a", "c"], ["a", "b", "c"]])
    def test_a_stored_label_order_of_other_images_is_refused(
        self, tmp_path: Path, order: list[str]
    ) -> None:
        write_splits(tmp_path, SMALL)
        write_list(tmp_path / "labeled_seed3.txt", "order", order)
        assert refusal(read_splits, tmp_path) == (
            f"{tmp_path}/labeled_seed3.txt: names images that are not in train.txt")


class TestDigest:
    """One number that tells splits apart, for the record of every run."""

    def test_it_is_the_same_on_every_machine_and_in_every_version(self) -> None:
        assert SMALL.digest() == GOLDEN_DIGEST

    def test_it_sees_every_list_and_the_order_of_labels(self) -> None:
        others = [
            Splits(("a", "c"), ("b",), ("d",), {0: ("c", "a"), 3: ("a", "c")}),
            Splits(("a", "b"), ("d",), ("c",), SMALL.label_orders),
            Splits(("a", "b"), ("c", "d"), (), SMALL.label_orders),
            Splits(("a", "b"), ("c",), ("d",), {0: ("b", "a"), 3: ("b", "a")}),
            Splits(("a", "b"), ("c",), ("d",), {0: ("b", "a"), 4: ("a", "b")}),
            Splits(("a", "b"), ("c",), ("d",), {0: ("b", "a")}),
        ]
        assert len({SMALL.digest(), *(other.digest() for other in others)}) == 7

    def test_it_does_not_see_in_which_order_the_seeds_were_drawn(self) -> None:
        turned = dict(reversed(SMALL.label_orders.items()))
        assert Splits(("a", "b"), ("c",), ("d",), turned, ("e",)).digest() == SMALL.digest()

    def test_it_does_not_see_images_that_are_in_no_split(self) -> None:
        assert Splits(("a", "b"), ("c",), ("d",), SMALL.label_orders).digest() == SMALL.digest()


def test_splits_know_their_sizes_and_all_their_images() -> None:
    splits = Splits(("b", "d"), ("a",), (), {0: ("b", "d")}, ("c",))
    assert splits.counts == {"train": 2, "val": 1, "test": 0}
    assert splits.stems == ["a", "b", "c", "d"]


class TestLabels:
    """Which training images keep their labels."""

    @given(any_splits().filter(lambda splits: splits.train), st.data())
    def test_fewer_labels_lie_inside_more_for_every_seed(
        self, splits: Splits, data: st.DataObject
    ) -> None:
        total = len(splits.train)
        amounts = st.one_of(st.integers(1, total), st.floats(0, 1, exclude_min=True))
        asked = data.draw(st.tuples(amounts, amounts))
        few, many = sorted(asked, key=lambda labeled: num_labeled(labeled, total))
        for seed in splits.label_orders:
            small, large = (nested_subset(splits, labeled, seed) for labeled in (few, many))
            assert large[:len(small)] == small
            assert set(large) <= set(splits.train)
            assert len(set(large)) == len(large) == num_labeled(many, total)

    def test_all_labels_are_the_whole_training_split(self) -> None:
        assert nested_subset(SMALL, 1.0, 0) == nested_subset(SMALL, 2, 0) == ("b", "a")

    def test_a_seed_without_an_order_is_refused_with_those_there_are(self) -> None:
        assert refusal(nested_subset, SMALL, 1, 9) == (
            "no label order for seed 9 in this store; stored seeds: 0, 3; "
            "prepare it again with --label-seeds 10 --force for more")

    def test_a_block_of_labels_is_cut_from_the_sorted_images(self) -> None:
        splits = Splits(tuple("abcdefghij"), (), (), {})
        assert contiguous_subset(splits, 3, 2) == ("c", "d", "e")
        assert contiguous_subset(splits, 0.3, 7) == ("h", "i", "j")
        assert contiguous_subset(splits, 0.3, "count") == ("d", "e", "f")

    @pytest.mark.parametrize("start", [8, -1])
    def test_a_block_that_runs_beyond_the_images_is_refused(self, start: int) -> None:
        splits = Splits(tuple("abcdefghij"), (), (), {})
        assert refusal(contiguous_subset, splits, 3, start) == (
            f"a block of 3 labels from {start} runs beyond the 10 training images; "
            f"start at 7 or before")

    @pytest.mark.parametrize(
        ("labeled", "total", "expected"),
        [
            (80, 800, 80), (800, 800, 800), (1, 1, 1), (0.1, 800, 80), (1.0, 7, 7),
            (0.001, 10, 1),
            (0.05, 30, 2),  # 1.5 goes up
            (0.145, 100, 15),  # 14.5 goes up, though 0.145 * 100 is 14.499999999999998
            (0.1, 14, 1),
        ],
    )
    def test_a_count_is_taken_as_it_is_and_a_share_rounds_half_up(
        self, labeled: int | float, total: int, expected: int
    ) -> None:
        assert num_labeled(labeled, total) == expected

    @pytest.mark.parametrize(
        ("labeled", "message"),
        [
            (801, "labeled = 801: asks for 801 labelled images, but the training split has 800; "
                  "give a count from 1 to 800"),
            (0, "labeled = 0: asks for 0 labelled images, but the training split has 800; "
                "give a count from 1 to 800"),
            (0.0, "labeled = 0: a share lies above 0 and up to 1.0"),
            (1.5, "labeled = 1.5: a share lies above 0 and up to 1.0"),
            (float("nan"), "labeled = nan: a share lies above 0 and up to 1.0"),
        ],
    )
    def test_a_number_of_labels_that_cannot_be_had_is_refused(
        self, labeled: int | float, message: str
    ) -> None:
        assert refusal(num_labeled, labeled, 800) == message


def test_a_share_of_nothing_is_nothing_and_any_other_at_least_one() -> None:
    shares = {0: 0, 0.0001: 1, 0.14: 1, 0.15: 2, 0.25: 3, 1: 10}
    assert {share: share_of(share, 10) for share in shares} == shares


def refusal(function: object, *arguments: object) -> str:
    """What the error says, which is one line."""
    assert callable(function)
    with pytest.raises(DataError) as caught:
        function(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)
