"""Splits as plain lists: what is written out can be published and read back."""

from pathlib import Path
from typing import Any

import pytest

from cclcc_cli.data.prepare import prepare
from cclcc_cli.data.sources import FolderSource
from cclcc_cli.data.split_export import export_splits, parse_labels
from cclcc_cli.data.split_rule import SplitRule
from cclcc_cli.data.splits import read_list
from cclcc_cli.data.store import Store, store_path
from cclcc_cli.data.store_writer import About
from cclcc_cli.errors import DataError


@pytest.fixture
def store(folders: Any, tmp_path: Path) -> Store:
    """Thirty images with groups of two, three folds."""
    for index in range(30):
        folders.add(f"s{index:02d}")
    groups = tmp_path / "groups.csv"
    groups.write_text("stem,group\n" + "".join(f"s{n:02d},g{n // 2}\n" for n in range(10)))
    return prepare(store_path(tmp_path / "data", "polyps", 16), source(folders),
                   SplitRule(folds=3, groups=groups)).store


def source(folders: Any) -> FolderSource:
    return FolderSource(folders.images, folders.masks, About())


def test_what_is_exported_gives_the_same_splits_when_it_is_read_back(
    store: Store, folders: Any, tmp_path: Path
) -> None:
    export_splits(store, tmp_path / "lists", (0.1, 12))
    again = prepare(
        store_path(tmp_path / "again", "polyps", 16), source(folders),
        SplitRule(tmp_path / "lists", groups=tmp_path / "lists" / "groups.csv"),
    ).store
    assert (again.splits, again.folds) == (store.splits, store.folds)
    assert [row.group for row in again.rows if row.group.startswith("g")] == [
        f"g{n // 2}" for n in range(10)]


def test_labelled_subsets_are_written_for_every_seed_and_fold_and_are_nested(
    store: Store, tmp_path: Path
) -> None:
    exported = export_splits(store, tmp_path / "lists", (0.1, 12))
    assert (exported.subsets, exported.num_seeds) == (("0.1 (2)", "12"), 5)
    for folder, cut in ((".", store.splits), *((f"fold{n}", f) for n, f in enumerate(store.folds))):
        total = len(cut.train)
        for seed, order in cut.label_orders.items():
            small, large = (
                read_list(tmp_path / "lists" / folder / f"labeled_{n}_of_{total}_seed{seed}.txt")
                for n in (2, 12))
            assert small is not None
            assert large is not None
            assert set(small) < set(large)
            assert large == sorted(order[:12])


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("0.05,0.1", (0.05, 0.1)), ("80, 160", (80, 160)), ("1.0,1", (1.0,)), ("8,8", (8,))],
)
def test_labels_are_shares_with_a_dot_and_counts_without(
    text: str, numbers: tuple[int | float, ...]
) -> None:
    assert parse_labels(text) == numbers


@pytest.mark.parametrize("text", ["", "0", "0.0", "-5", "1.5", "ten", "80,,160", "1e3", "nan."])
def test_what_is_neither_is_refused(text: str) -> None:
    with pytest.raises(DataError, match=r"--labels .*: .* is neither a count such as 80 nor"):
        parse_labels(text)


def test_a_folder_with_something_in_it_is_left_alone(store: Store, tmp_path: Path) -> None:
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "thesis.tex").write_text("dear to me")
    with pytest.raises(DataError, match="lists: is there and not an empty folder"):
        export_splits(store, lists, (1,))
    assert [p.name for p in lists.iterdir()] == ["thesis.tex"]


def test_more_labels_than_images_are_refused_and_nothing_is_written(
    store: Store, tmp_path: Path
) -> None:
    before = sorted(p.name for p in tmp_path.iterdir())
    with pytest.raises(DataError, match="asks for 99 labelled images, but the training split has"):
        export_splits(store, tmp_path / "lists", (1, 99))
    assert sorted(p.name for p in tmp_path.iterdir()) == before
