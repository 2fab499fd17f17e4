"""What the tests of splits share: twenty images, and splits made as ``prepare`` makes them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from cclcc_cli.data.cutting import Item
from cclcc_cli.data.split_rule import SplitRule, settle
from cclcc_cli.data.split_set import SplitSet, make_splits
from cclcc_cli.data.splits import Splits
from cclcc_cli.errors import DataError

EXTENSIONS = {".jpg", ".png"}
ITEMS = [Item(f"s{index:02d}", f"s{index:02d}", index / 20) for index in range(20)]
STEMS = [item.stem for item in ITEMS]
FRAMES = [Item(f"s{index:02d}", f"video {index // 4}", index / 20) for index in range(20)]
"""The same images as frames of five videos."""
OFFICIAL = {"train": STEMS[:12], "val": STEMS[12:15], "test": STEMS[15:]}

WriteLists = Callable[[Mapping[str, str]], Path]


def arrange(
    rule: SplitRule, official: Mapping[str, Sequence[str]] | None = None,
    items: Sequence[Item] = ITEMS,
) -> SplitSet:
    """Settles and makes splits as ``prepare`` does: of the listed images, or of all."""
    given_splits = settle(rule, official or {}, {item.stem for item in items}, EXTENSIONS)
    listed = given_splits.stems
    return make_splits(
        rule, given_splits, [item for item in items if not listed or item.stem in listed])


def refusal(rule: SplitRule, official: Mapping[str, Sequence[str]] | None = None,
            items: Sequence[Item] = ITEMS) -> str:
    """What the error says."""
    with pytest.raises(DataError) as caught:
        arrange(rule, official, items)
    return str(caught.value)


def parts(splits: Splits) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    return splits.train, splits.val, splits.test


def between(first: int, last: int) -> str:
    return " ".join(STEMS[first:last])
