"""What a person asks of the splits, and what is settled before any image was looked at."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cclcc_cli.data.cutting import LabelRule
from cclcc_cli.data.problems import listed_error
from cclcc_cli.data.splits import SPLITS, fold_folders, read_label_orders, read_list, stem_of
from cclcc_cli.errors import DataError


@dataclass(frozen=True)
class SplitRule:
    """How to split; None where nothing was asked for.

    Attributes:
        lists: folder with ``train.txt`` and perhaps ``val.txt``, ``test.txt``, the beginnings of
            label orders ``labeled_seed0.txt``, and folders ``fold0``, ... of the same.
        val_share, test_share: parts cut off by seed where there is no list, from 0 to below 1.
        seed: of those cuts.
        folds: parts to cut for cross-validation.
        ignore_official: cut anew what has an official split.
        groups: CSV file of images that must stay together.
        drop_leaks: leave out the training side of pairs that show the same thing.
        labels: how label orders are drawn.
    """

    lists: Path | None = None
    val_share: float | None = None
    test_share: float | None = None
    seed: int | None = None
    folds: int | None = None
    ignore_official: bool = False
    groups: Path | None = None
    drop_leaks: bool = False
    labels: LabelRule = field(default_factory=LabelRule)


@dataclass(frozen=True)
class Given:
    """What is settled before any image was looked at.

    Attributes:
        parts: split to its stems; empty where everything is cut by share.
        source: where that came from, in words.
        orders: seed to the beginning of a label order.
        dropped: stems that belong to the data set and to no split.
        folds: the same for each fold that was listed.
    """

    parts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    source: str = ""
    orders: Mapping[int, Sequence[str]] = field(default_factory=dict)
    dropped: Sequence[str] = ()
    folds: tuple["Given", ...] = ()

    @property
    def stems(self) -> set[str]:
        """Of all images in a list."""
        own = {stem for stems in (*self.parts.values(), self.dropped) for stem in stems}
        return own.union(*(fold.stems for fold in self.folds))


def settle(
    rule: SplitRule,
    official: Mapping[str, Sequence[str]],
    stems: Collection[str],
    extensions: Collection[str],
    official_source: str = "the official split",
) -> Given:
    """Read lists, take the official split, or leave it to a cut; and check that options apply.

    Args:
        rule: what was asked for.
        official: split to stems as the data set's authors have it; empty where they have none.
        stems: of all images.
        extensions: that an entry of a list may carry, such as ``.jpg``.
        official_source: what the official split is called.

    Raises:
        DataError: lists that name unknown images or one image twice, or a share or a seed that
            is out of range or has nothing to apply to.
    """
    _check_numbers(rule)
    if rule.lists is not None:
        given = _read_given(rule.lists, stems, extensions)
        folders = fold_folders(rule.lists)
        given = replace(given, folds=tuple(_read_given(f, stems, extensions) for f in folders))
        if given.folds and rule.folds is not None:
            raise DataError(f"--folds does not apply: {rule.lists} lists folds of its own; "
                            f"leave one of them out")
    elif official and not rule.ignore_official:
        given = Given(official, official_source)
    else:
        given = Given()
    _check_applies(rule, given, official)
    return given


def _check_numbers(rule: SplitRule) -> None:
    if rule.val_share is not None and not 0 < rule.val_share < 1:
        raise DataError(
            f"--val-share {rule.val_share:g}: must lie between 0 and 1; validation images are "
            f"needed to choose the best checkpoint"
        )
    if rule.test_share is not None and not 0 <= rule.test_share < 1:
        raise DataError(f"--test-share {rule.test_share:g}: must lie from 0 to below 1")
    if rule.folds is not None and not 2 <= rule.folds <= 100:
        raise DataError(f"--folds {rule.folds}: must lie from 2 to 100")
    num_seeds = rule.labels.num_seeds
    if num_seeds is not None and not 1 <= num_seeds <= 100:
        raise DataError(f"--label-seeds {num_seeds}: must lie from 1 to 100")


def _read_given(folder: Path, stems: Collection[str], extensions: Collection[str]) -> Given:
    """The lists of a folder, as stems."""
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; give --splits a folder with train.txt")
    entries = {name: read_list(folder / f"{name}.txt") for name in (*SPLITS, "dropped")}
    if not entries["train"]:
        state = "no train.txt" if entries["train"] is None else "an empty train.txt"
        raise DataError(f"{folder}: has {state}; write one stem or file name a line")
    if entries["val"] == []:
        raise DataError(f"{folder}: has an empty val.txt; list images, or remove it to have "
                        f"validation images cut from train.txt")
    parts = {name: [stem_of(entry, stems, extensions) for entry in found]
             for name, found in entries.items() if found is not None}
    problems: list[str] = []
    home: dict[str, str] = {}
    for name, found in parts.items():
        for entry, stem in zip(entries[name] or (), found, strict=True):
            if stem not in stems:
                problems.append(f"{folder / name}.txt: {entry} is listed but has no image")
            elif stem in home:
                problems.append(f"{folder / name}.txt: {entry} is in {home[stem]}.txt already")
            home.setdefault(stem, name)
    orders = {
        seed: [stem_of(entry, stems, extensions) for entry in order]
        for seed, order in read_label_orders(folder).items()
    }
    for seed, order in orders.items():
        for stem, count in Counter(order).items():
            if home.get(stem) != "train":
                problems.append(f"{folder}/labeled_seed{seed}.txt: {stem} is not in train.txt")
            elif count > 1:
                problems.append(f"{folder}/labeled_seed{seed}.txt: {stem} stands there twice")
    if problems:
        raise listed_error(str(folder), problems)
    dropped = parts.pop("dropped", [])
    return Given({name: found for name, found in parts.items() if found}, "given lists", orders,
                 dropped)


def _check_applies(
    rule: SplitRule, given: Given, official: Mapping[str, Sequence[str]]
) -> None:
    """Refuse a share for a split that is given, and what has nothing to apply to."""
    lacking = {name for name in ("val", "test") for one in (given, *given.folds)
               if name not in one.parts}
    if rule.folds and "test" not in given.parts:
        lacking.add("val")  # each fold is tested in its turn, and validation cut from the rest
    shares = {"val": rule.val_share, "test": rule.test_share}
    where = f"{rule.lists}/{{}}.txt is there" if rule.lists else "there is an official {} split"
    for name, share in shares.items():
        if name not in lacking and share is not None:
            raise DataError(f"--{name}-share does not apply: {where.format(name)}; "
                            f"leave one of them out")
    complete = "val" not in lacking and not rule.test_share and not rule.folds
    if complete and rule.seed is not None:
        lists = f"{rule.lists} lists" if rule.lists else "the official split names"
        raise DataError(f"--split-seed does not apply: {lists} every split")
    if rule.ignore_official and not official:
        raise DataError("--ignore-official does not apply: there is no official split")
    if rule.ignore_official and rule.lists:
        raise DataError("--ignore-official does not apply: --splits is given; leave one out")
