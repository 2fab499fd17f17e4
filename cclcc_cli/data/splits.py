"""Which images train, validate and test, and which training images keep their labels.

Training images get their labels in an order that a seed has drawn (see ``cutting``): a subset of
n labels is the first n of it, so smaller subsets lie inside larger ones. An order that leaves
training images out is a limit: their masks may not be used.

On disk: plain text, one stem a line; blank lines and lines starting with ``#`` mean nothing.
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from pathlib import Path, PurePath
from typing import Literal

from cclcc_cli.errors import DataError

SPLITS = ("train", "val", "test")
SUBSET_SHARES = (0.05, 0.1, 0.2, 0.5)


@dataclass(frozen=True)
class Splits:
    """Stems of each split, sorted, and the order in which training images get their labels.

    Attributes:
        train, val, test: stems, sorted.
        label_orders: seed to training images in the order in which they get their labels; its
            first n are the subset of n labels.
        dropped: stems of the store that are in no split, such as those that would leak, sorted.
        pool: stems of images without a mask, for unlabelled streams, sorted.
    """

    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]
    label_orders: Mapping[int, tuple[str, ...]]
    dropped: tuple[str, ...] = ()
    pool: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        counts = {"train": len(self.train), "val": len(self.val), "test": len(self.test)}
        return counts | ({"unlabeled": len(self.pool)} if self.pool else {})

    @property
    def stems(self) -> list[str]:
        """Of all images, dropped ones too, sorted."""
        return sorted((*self.train, *self.val, *self.test, *self.dropped, *self.pool))

    @property
    def limited(self) -> bool:
        """Whether masks of some training images may not be used."""
        return any(len(order) < len(self.train) for order in self.label_orders.values())

    @property
    def subset_shares(self) -> tuple[float, ...]:
        """Labelled shares that summaries look at; none where there are no labels."""
        return SUBSET_SHARES if all(self.label_orders.values()) else ()

    def digest(self) -> str:
        """SHA-256 (hex) over every list; equal where all lists are."""
        return self._digest

    @cached_property
    def _digest(self) -> str:  # a plan of a thousand cells asks two thousand times
        orders = [[seed, self.label_orders[seed]] for seed in sorted(self.label_orders)]
        lists = [sorted(self.train), sorted(self.val), sorted(self.test), orders]
        if self.pool:
            lists.append(sorted(self.pool))
        return hashlib.sha256(json.dumps(lists).encode()).hexdigest()


def num_labeled(labeled: int | float, total: int, limited: bool = False) -> int:
    """How many images keep their labels.

    Args:
        labeled: a count if int; a share in (0, 1] if float, rounded half up, at least 1.
        total: training images whose masks may be used.
        limited: whether there are others.

    Raises:
        DataError: a count below 1 or above the total, or a share outside (0, 1].
    """
    if isinstance(labeled, float):
        if not 0 < labeled <= 1:
            raise DataError(f"labeled = {labeled:g}: a share lies above 0 and up to 1.0")
        count = share_of(labeled, total)
    else:
        count = labeled
    if not 1 <= count <= total:
        there = f"the store's lists allow {total}" if limited else f"the training split has {total}"
        raise DataError(
            f"labeled = {labeled}: asks for {count} labelled images, but {there}"
            + (f"; give a count from 1 to {total}" if total else "")
        )
    return count


def nested_subset(splits: Splits, labeled: int | float, seed: int) -> tuple[str, ...]:
    """Stems that keep their labels, drawn by seed; fewer labels lie inside more.

    Raises:
        DataError: no order is stored for the seed, or ``labeled`` is out of range.
    """
    if seed not in splits.label_orders:
        stored = ", ".join(str(s) for s in sorted(splits.label_orders))
        raise DataError(f"no label order for seed {seed} in this store; stored seeds: {stored}; "
                        f"prepare it again with --label-seeds {seed + 1} --force for more")
    order = splits.label_orders[seed]
    return order[:num_labeled(labeled, len(order), splits.limited)]


def contiguous_subset(
    splits: Splits, labeled: int | float, start: int | Literal["count"]
) -> tuple[str, ...]:
    """A block of the sorted training stems, as the published code takes its labels.

    Args:
        splits: with the training images.
        labeled: how many, or which share of them.
        start: how many come before the block; ``count``: as many as it has.

    Raises:
        DataError: the block would run beyond the last training image, or lists say which masks
            may be used.
    """
    if splits.limited:
        raise DataError("data.selection = contiguous: this store's lists name the images whose "
                        "masks may be used; leave data.selection out")
    total = len(splits.train)
    count = num_labeled(labeled, total)
    if start == "count":
        start = count
    if not 0 <= start <= total - count:
        raise DataError(
            f"a block of {count} labels from {start} runs beyond the {total} training images; "
            f"start at {total - count} or before"
        )
    return splits.train[start:start + count]


def write_splits(folder: Path, splits: Splits) -> None:
    """Write every list into a folder, each file headed by what it is."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in SPLITS:
        stems = getattr(splits, name)
        write_list(folder / f"{name}.txt", f"{name} split: {len(stems)} images", stems)
    if splits.dropped:
        about = f"in no split: {len(splits.dropped)} images"
        write_list(folder / "dropped.txt", about, splits.dropped)
    if splits.pool:
        about = f"without a mask: {len(splits.pool)} images"
        write_list(folder / "pool.txt", about, splits.pool)
    for seed, order in splits.label_orders.items():
        about = f"order of labels for seed {seed}: the first n training images keep their labels"
        write_list(folder / f"labeled_seed{seed}.txt", about, order)


def write_list(path: Path, about: str, stems: Iterable[str]) -> None:
    """Write one list, headed by what it is; the same bytes on every platform."""
    lines = [f"# cclcc: {about}", *stems]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def read_list(path: Path) -> list[str] | None:
    """The entries of one list in the order of the file, or None where there is no such file.

    Raises:
        DataError: it cannot be read, or names an entry twice.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise DataError(f"{path}: is not UTF-8 text; save it as UTF-8, one stem a line") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    lines = [line.strip() for line in text.split("\n")]
    entries = [line for line in lines if line and not line.startswith("#")]
    if len(set(entries)) < len(entries):
        twice = next(entry for entry in entries if entries.count(entry) > 1)
        raise DataError(f"{path}: names {twice} twice; keep one")
    return entries


def stem_of(entry: str, stems: Collection[str], extensions: Collection[str]) -> str:
    """The stem that an entry of a list means; else the entry.

    It may be a file's name, with folders or without, and the mask's may follow, as in
    ``images/a.png masks/a.png``, after a space, a tab or a comma.
    """
    if entry in stems:
        return entry
    first = re.split(r"[,;\t ]", entry, maxsplit=1)[0]
    for text in (entry, first):
        name = PurePath(text)
        if name.suffix.lower() in extensions and name.stem in stems:
            return name.stem
    return first if first in stems else entry


def read_label_orders(folder: Path) -> dict[int, list[str]]:
    """The ``labeled_seed<N>.txt`` of a folder, by seed.

    Raises:
        DataError: one cannot be read, names an entry twice, or has no seed in its name.
    """
    orders = {}
    for path in sorted(folder.glob("labeled_seed*.txt")):
        seed = re.fullmatch(r"labeled_seed(0|[1-9][0-9]{0,8})\.txt", path.name)
        if seed is None:
            raise DataError(f"{path}: is not named as a label order; call it labeled_seed0.txt, "
                            f"labeled_seed1.txt and so on, or move it away")
        orders[int(seed[1])] = read_list(path) or []
    return orders


def fold_folders(folder: Path) -> list[Path]:
    """``fold0``, ``fold1`` and so on that lie in a folder.

    Raises:
        DataError: a number is left out.
    """
    found = {path.name for path in folder.glob("fold*")
             if re.fullmatch(r"fold[0-9]+", path.name) and path.is_dir()}
    names = [f"fold{number}" for number in range(len(found))]
    if found != {*names}:
        raise DataError(f"{folder}: has the folders {', '.join(sorted(found))}; number folds "
                        f"from fold0 on without a gap")
    return [folder / name for name in names]


def read_splits(folder: Path) -> Splits:
    """The lists that ``write_splits`` wrote.

    Raises:
        DataError: a list is missing, cannot be read, or the lists do not fit each other.
    """
    lists = {name: read_list(folder / f"{name}.txt") for name in SPLITS}
    found = {name: entries for name, entries in lists.items() if entries is not None}
    if len(found) < len(lists):
        missing = next(name for name in lists if name not in found)
        raise DataError(f"{folder / missing}.txt: is missing")
    orders = {seed: tuple(order) for seed, order in read_label_orders(folder).items()}
    if not orders:
        raise DataError(f"{folder}/labeled_seed0.txt: is missing")
    for seed, order in orders.items():
        if not {*order} <= {*found["train"]}:
            raise DataError(f"{folder}/labeled_seed{seed}.txt: names images that are not in "
                            f"train.txt")
    train, val, test = (tuple(sorted(found[name])) for name in SPLITS)
    dropped, pool = (read_list(folder / f"{name}.txt") or [] for name in ("dropped", "pool"))
    return Splits(train, val, test, orders, tuple(sorted(dropped)), tuple(sorted(pool)))


def share_of(share: float, total: int) -> int:
    """A share of a total rounded half up, at least 1 unless the share is 0."""
    if share == 0:
        return 0
    # Decimal of the written number: 0.145 of 100 is 14.5 and goes up, which floats would miss.
    exact = Decimal(repr(float(share))) * total
    return max(1, int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP)))
