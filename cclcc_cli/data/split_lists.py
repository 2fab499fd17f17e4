"""The splits that a person asks for: their own lists, shares to cut by seed, or both."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from cclcc_cli.data.problems import listed_error
from cclcc_cli.data.splits import LABEL_SEEDS, Splits, build_splits, read_list, split_randomly
from cclcc_cli.errors import DataError

_SPLITS = ("train", "val", "test")
_VAL_SHARE = _TEST_SHARE = 0.1


@dataclass(frozen=True)
class SplitRule:
    """How to split; None where nothing was asked for.

    Attributes:
        lists: folder with ``train.txt`` and perhaps ``val.txt``, ``test.txt`` and label orders.
        val_share, test_share: parts cut off by seed where there is no list, from 0 to below 1.
        seed: of those cuts.
    """

    lists: Path | None = None
    val_share: float | None = None
    test_share: float | None = None
    seed: int | None = None


def make_splits(rule: SplitRule, stems: Collection[str], extensions: Collection[str]) -> Splits:
    """Splits of the given stems; with lists, of the stems that are listed.

    Args:
        rule: what was asked for.
        stems: of all images.
        extensions: that an entry of a list may carry, such as ``.jpg``.

    Raises:
        DataError: lists that name unknown images or one image twice, or a share or a seed that
            is out of range or has nothing to apply to.
    """
    _check_shares(rule)
    if rule.lists is None:
        return split_randomly(stems, rule.seed or 0,
                              _VAL_SHARE if rule.val_share is None else rule.val_share,
                              _TEST_SHARE if rule.test_share is None else rule.test_share)
    lists = _read_lists(rule.lists, stems, extensions)
    _check_applies(rule, lists)
    splits = _complete(rule, lists)
    return build_splits(splits.train, splits.val, splits.test, _given_orders(rule.lists, splits))


def _check_shares(rule: SplitRule) -> None:
    if rule.val_share is not None and not 0 < rule.val_share < 1:
        raise DataError(
            f"--val-share {rule.val_share:g}: must lie between 0 and 1; validation images are "
            f"needed to choose the best checkpoint"
        )
    if rule.test_share is not None and not 0 <= rule.test_share < 1:
        raise DataError(f"--test-share {rule.test_share:g}: must lie from 0 to below 1")


def _read_lists(
    folder: Path, stems: Collection[str], extensions: Collection[str]
) -> dict[str, list[str]]:
    """The lists that are there, as stems."""
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; give --splits a folder with train.txt")
    entries = {name: read_list(folder / f"{name}.txt") for name in _SPLITS}
    if not entries["train"]:
        state = "no train.txt" if entries["train"] is None else "an empty train.txt"
        raise DataError(f"{folder}: has {state}; write one stem or file name a line")
    if entries["val"] == []:
        raise DataError(f"{folder}: has an empty val.txt; list images, or remove it to have "
                        f"validation images cut from train.txt")
    lists: dict[str, list[str]] = {}
    problems: list[str] = []
    home: dict[str, str] = {}
    for name, found in entries.items():
        if found is None:
            continue
        lists[name] = [_stem_of(entry, stems, extensions) for entry in found]
        for entry, stem in zip(found, lists[name], strict=True):
            if stem not in stems:
                problems.append(f"{folder / name}.txt: {entry} is listed but has no image")
            elif stem in home:
                problems.append(f"{folder / name}.txt: {entry} is in {home[stem]}.txt already")
            home.setdefault(stem, name)
    if problems:
        raise listed_error(str(folder), problems)
    return lists


def _stem_of(entry: str, stems: Collection[str], extensions: Collection[str]) -> str:
    name = PurePath(entry)
    has_extension = name.suffix.lower() in extensions and name.stem in stems
    return name.stem if entry not in stems and has_extension else entry


def _check_applies(rule: SplitRule, lists: Mapping[str, Sequence[str]]) -> None:
    """Refuse a share for a split that is listed, and a seed where nothing is cut."""
    given = {"val": rule.val_share, "test": rule.test_share}
    for name, share in given.items():
        if name in lists and share is not None:
            raise DataError(
                f"--{name}-share does not apply: {rule.lists}/{name}.txt is there; "
                f"leave one of them out"
            )
    if "val" in lists and not rule.test_share and rule.seed is not None:
        raise DataError(f"--split-seed does not apply: {rule.lists} lists every split")


def _complete(rule: SplitRule, lists: Mapping[str, Sequence[str]]) -> Splits:
    """Cut from train what is not listed; a test split only where a share asks for it."""
    val_share = _VAL_SHARE if rule.val_share is None else rule.val_share
    cut = split_randomly(
        lists["train"], rule.seed or 0,
        val_share=0 if "val" in lists else val_share,
        test_share=0 if "test" in lists else rule.test_share or 0,
    )
    return build_splits(cut.train, lists.get("val", cut.val), lists.get("test", cut.test))


def _given_orders(folder: Path, splits: Splits) -> dict[int, list[str]]:
    """Label orders that lie beside the lists, as in a store's own ``splits`` folder."""
    found = {seed: read_list(folder / f"labeled_seed{seed}.txt") for seed in LABEL_SEEDS}
    orders = {seed: order for seed, order in found.items() if order is not None}
    for seed, order in orders.items():
        if sorted(order) != list(splits.train):
            raise DataError(
                f"{folder}/labeled_seed{seed}.txt: is not a reordering of the "
                f"{len(splits.train)} training images; remove it to have one drawn"
            )
    return orders
