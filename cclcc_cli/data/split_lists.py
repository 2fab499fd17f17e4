"""Lists of a split that a person gives: which are read, and what they settle."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cclcc_cli.data.problems import listed_error
from cclcc_cli.data.splits import SPLITS, read_label_orders, read_list, stem_of
from cclcc_cli.errors import DataError

_NAMES = {
    "train": ("train",), "val": ("val", "valid", "validation"), "test": ("test",),
    "labeled": ("labeled", "labelled"), "unlabeled": ("unlabeled", "unlabelled"),
    "dropped": ("dropped",), "pool": ("pool",),
}
"""What each list may be called, without ``.txt``."""
_KNOWN = re.compile(r"labeled_seed\d+|labeled_\d+_of_\d+_seed\d+")
"""Label orders, and subsets of them as ``cclcc splits`` writes them out."""


@dataclass(frozen=True)
class Given:
    """What is settled before any image was looked at.

    Attributes:
        parts: split to its stems; empty where everything is cut by share.
        source: where that came from, in words.
        orders: seed to the order in which images get their labels.
        labeled: training images whose masks may be used; None for all.
        unread: files that lie beside the lists and were not read.
        dropped: stems that belong to the data set and to no split.
        folds: the same for each fold that was listed.
    """

    parts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    source: str = ""
    orders: Mapping[int, Sequence[str]] = field(default_factory=dict)
    dropped: Sequence[str] = ()
    folds: tuple["Given", ...] = ()
    labeled: frozenset[str] | None = None
    unread: tuple[str, ...] = ()

    @property
    def stems(self) -> set[str]:
        """Of all images in a list."""
        own = {stem for stems in (*self.parts.values(), self.dropped) for stem in stems}
        return own.union(*(fold.stems for fold in self.folds))


@dataclass(frozen=True)
class _List:
    """A list as it was found.

    Attributes:
        path: of the file.
        entries: as they are written.
        stems: what they mean.
    """

    path: Path
    entries: Sequence[str]
    stems: Sequence[str]


def read_lists(
    folder: Path, masked: Collection[str], extensions: Collection[str],
    unmasked: Collection[str] = (),
) -> Given:
    """What the lists of a folder settle.

    Args:
        folder: of the lists.
        masked: stems of all images with a mask.
        extensions: that an entry may carry.
        unmasked: stems of the other images. Whatever list of training images names them, they
            are in none of the splits.

    Raises:
        DataError: there is no list to train on or to test on, a list cannot be read, or lists
            name unknown images, one image twice, or masks that there are not.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; give --splits a folder with train.txt")
    stems = {*masked, *unmasked}

    def find(name: str) -> _List | None:
        return _find(folder, name, stems, extensions)

    lists = {name: found for name in _NAMES if (found := find(name)) is not None}
    unread = _unread(folder)
    _check_there(folder, lists)
    problems = _problems(lists, {*masked}, {*unmasked})
    parts: dict[str, Sequence[str]] = {
        name: [stem for stem in lists[name].stems if stem not in unmasked]
        for name in SPLITS if name in lists and lists[name].stems}
    labeled = _labeled(lists)
    if "train" not in parts and labeled is not None:
        named = [*lists["labeled"].stems, *(lists["unlabeled"].stems if "unlabeled" in lists
                                            else ())]
        parts["train"] = [stem for stem in named if stem not in unmasked]
    orders = {seed: [stem_of(entry, stems, extensions) for entry in order]
              for seed, order in read_label_orders(folder).items()}
    problems += _order_problems(folder, orders, parts.get("train", ()), labeled)
    if problems:
        raise listed_error(str(folder), problems)
    return Given(parts, "given lists", orders,
                 lists["dropped"].stems if "dropped" in lists else (),
                 labeled=None if labeled is None else frozenset(labeled), unread=unread)


def _find(
    folder: Path, name: str, stems: Collection[str], extensions: Collection[str]
) -> _List | None:
    paths = [folder / f"{called}.txt" for called in _NAMES[name]]
    found = [(path, entries) for path in paths if (entries := read_list(path)) is not None]
    if len(found) > 1:
        names = " and ".join(path.name for path, _ in found)
        raise DataError(f"{folder}: {names} are the same list; keep one")
    return next((_List(path, entries, [stem_of(entry, stems, extensions) for entry in entries])
                 for path, entries in found), None)


def _unread(folder: Path) -> tuple[str, ...]:
    """Files that are no lists.

    Raises:
        DataError: a text file is called like no list.
    """
    known = {name for names in _NAMES.values() for name in names}
    files = sorted(path for path in folder.iterdir()
                   if path.is_file() and not path.name.startswith("."))
    for path in files:
        if path.suffix == ".txt" and path.stem not in known and not _KNOWN.fullmatch(path.stem):
            raise DataError(f"{path}: is none of the lists that are read ("
                            f"{', '.join(f'{names[0]}.txt' for names in _NAMES.values())}, "
                            f"labeled_seed0.txt); rename it, or move it away")
    return tuple(path.name for path in files if path.suffix != ".txt")


def _check_there(folder: Path, lists: Mapping[str, _List]) -> None:
    if "val" in lists and not lists["val"].entries:
        raise DataError(f"{lists['val'].path}: is empty; list images, or remove it to have "
                        f"validation images cut from train.txt")
    train = lists.get("train") or lists.get("labeled")
    if train is not None and not train.entries:
        raise DataError(f"{folder}: has an empty {train.path.name}; write one stem or file name a "
                        f"line")
    tests_alone = "test" in lists and not {"val", "unlabeled"} & lists.keys()
    if train is None and not tests_alone:
        raise DataError(f"{folder}: has no train.txt and no labeled.txt; write one stem or file "
                        f"name a line")


def _problems(
    lists: Mapping[str, _List], masked: set[str], unmasked: set[str]
) -> list[str]:
    """Entries that no image has, or that stand where they must not."""
    problems: list[str] = []
    home: dict[str, str] = {}
    whole = "train" in lists
    for name, found in lists.items():
        inside = whole and name in ("labeled", "unlabeled")
        for entry, stem in zip(found.entries, found.stems, strict=True):
            where = f"{found.path}: {entry}"
            if stem not in masked | unmasked:
                problems.append(f"{where} is listed but has no image")
            elif stem in unmasked and name in ("val", "test", "labeled"):
                problems.append(f"{where} is listed but has no mask")
            elif stem in home and home[stem] != ("train" if inside else None):
                problems.append(f"{where} is in {home[stem]}.txt already")
            elif inside and stem not in home and stem in masked:
                problems.append(f"{where} is not in train.txt")
            home[stem] = name
    return problems


def _labeled(lists: Mapping[str, _List]) -> set[str] | None:
    """Stems whose masks may be used, where lists say so."""
    if "labeled" in lists:
        return {*lists["labeled"].stems}
    if "unlabeled" in lists:
        return {*lists["train"].stems} - {*lists["unlabeled"].stems}
    return None


def _order_problems(
    folder: Path, orders: Mapping[int, Sequence[str]], train: Iterable[str],
    labeled: Collection[str] | None,
) -> list[str]:
    allowed = {*train} if labeled is None else {*labeled}
    where = "train.txt" if labeled is None else "labeled.txt"
    problems = []
    for seed, order in orders.items():
        for stem, count in Counter(order).items():
            if stem not in allowed:
                problems.append(f"{folder}/labeled_seed{seed}.txt: {stem} is not in {where}")
            elif count > 1:
                problems.append(f"{folder}/labeled_seed{seed}.txt: {stem} stands there twice")
    return problems
