"""Which images train, validate and test, and which training images keep their labels.

Every random choice orders stems by the SHA-256 of a key and the stem, so it depends on the
stems and the seed alone: not on the order of files, the platform or a library's version.
A subset of n labels is the first n of such an order, so smaller subsets lie inside larger ones.

On disk: plain text, one stem a line; blank lines and lines starting with ``#`` mean nothing.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from cclcc_cli.errors import DataError

LABEL_SEEDS = (0, 1, 2, 3, 4)
"""Seeds whose label order every store holds."""


@dataclass(frozen=True)
class Splits:
    """Stems of each split, sorted, and the order in which training images get their labels.

    Attributes:
        train, val, test: stems, sorted.
        label_orders: seed to a permutation of ``train``; its first n are the subset of n labels.
    """

    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]
    label_orders: Mapping[int, tuple[str, ...]]

    @property
    def counts(self) -> dict[str, int]:
        return {"train": len(self.train), "val": len(self.val), "test": len(self.test)}

    def digest(self) -> str:
        """SHA-256 (hex) over every list; equal where all lists are."""
        orders = [[seed, self.label_orders[seed]] for seed in sorted(self.label_orders)]
        lists = [sorted(self.train), sorted(self.val), sorted(self.test), orders]
        return hashlib.sha256(json.dumps(lists).encode()).hexdigest()


def build_splits(
    train: Iterable[str],
    val: Iterable[str],
    test: Iterable[str],
    label_orders: Mapping[int, Sequence[str]] | None = None,
) -> Splits:
    """Splits from their stems in any order, with a label order for every seed of LABEL_SEEDS.

    Args:
        train, val, test: disjoint.
        label_orders: orders that are given; the others are drawn.
    """
    given = label_orders or {}
    stems = tuple(sorted(train))
    orders = {seed: tuple(given.get(seed) or _shuffled(stems, "labels", seed))
              for seed in LABEL_SEEDS}
    return Splits(stems, tuple(sorted(val)), tuple(sorted(test)), orders)


def split_randomly(
    stems: Collection[str], seed: int, val_share: float, test_share: float
) -> Splits:
    """Cut stems into train, val and test by seed, each share rounded but at least one image.

    Args:
        stems: all different.
        val_share, test_share: parts of the whole, from 0 to below 1; 0 leaves a split empty.

    Raises:
        DataError: no image would be left to train on.
    """
    order = _shuffled(stems, "split", seed)
    num_val, num_test = _share_of(val_share, len(order)), _share_of(test_share, len(order))
    if num_val + num_test >= len(order):
        raise DataError(
            f"{len(order)} images with a validation share of {val_share:g} and a test share of "
            f"{test_share:g} leave none to train on; lower the shares or add images"
        )
    test, val = order[:num_test], order[num_test:num_test + num_val]
    return build_splits(order[num_test + num_val:], val, test)


def num_labeled(labeled: int | float, total: int) -> int:
    """How many images keep their labels.

    Args:
        labeled: a count if int; a share in (0, 1] if float, rounded half up, at least 1.
        total: training images there are.

    Raises:
        DataError: a count below 1 or above the total, or a share outside (0, 1].
    """
    if isinstance(labeled, float):
        if not 0 < labeled <= 1:
            raise DataError(f"labeled = {labeled:g}: a share lies above 0 and up to 1.0")
        count = _share_of(labeled, total)
    else:
        count = labeled
    if not 1 <= count <= total:
        raise DataError(
            f"labeled = {labeled}: asks for {count} labelled images, but the training split "
            f"has {total}; give a count from 1 to {total}"
        )
    return count


def nested_subset(splits: Splits, labeled: int | float, seed: int) -> tuple[str, ...]:
    """Stems that keep their labels, drawn by seed; fewer labels lie inside more.

    Raises:
        DataError: no order is stored for the seed, or ``labeled`` is out of range.
    """
    if seed not in splits.label_orders:
        stored = ", ".join(str(s) for s in sorted(splits.label_orders))
        raise DataError(f"no label order for seed {seed} in this store; stored seeds: {stored}")
    return splits.label_orders[seed][:num_labeled(labeled, len(splits.train))]


def contiguous_subset(splits: Splits, labeled: int | float, start: int) -> tuple[str, ...]:
    """A block of the sorted training stems, as the published code takes its labels.

    Raises:
        DataError: the block would run beyond the last training image.
    """
    total = len(splits.train)
    count = num_labeled(labeled, total)
    if not 0 <= start <= total - count:
        raise DataError(
            f"a block of {count} labels from {start} runs beyond the {total} training images; "
            f"start at {total - count} or before"
        )
    return splits.train[start:start + count]


def write_splits(folder: Path, splits: Splits) -> None:
    """Write every list into a folder, each file headed by what it is."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("train", "val", "test"):
        stems = getattr(splits, name)
        _write_list(folder / f"{name}.txt", f"{name} split: {len(stems)} images", stems)
    for seed, order in splits.label_orders.items():
        about = f"order of labels for seed {seed}: the first n training images keep their labels"
        _write_list(folder / f"labeled_seed{seed}.txt", about, order)


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


def read_splits(folder: Path) -> Splits:
    """The lists that ``write_splits`` wrote.

    Raises:
        DataError: a list is missing, cannot be read, or the lists do not fit each other.
    """
    names = ["train", "val", "test", *(f"labeled_seed{seed}" for seed in LABEL_SEEDS)]
    lists = {name: read_list(folder / f"{name}.txt") for name in names}
    found = {name: entries for name, entries in lists.items() if entries is not None}
    if len(found) < len(names):
        missing = next(name for name in names if name not in found)
        raise DataError(f"{folder / missing}.txt: is missing")
    orders = {seed: found[f"labeled_seed{seed}"] for seed in LABEL_SEEDS}
    for seed, order in orders.items():
        if sorted(order) != sorted(found["train"]):
            raise DataError(f"{folder}/labeled_seed{seed}.txt: is not a reordering of train.txt")
    return build_splits(found["train"], found["val"], found["test"], orders)


def _write_list(path: Path, about: str, stems: Iterable[str]) -> None:
    lines = [f"# cclcc: {about}", *stems]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def _shuffled(stems: Iterable[str], purpose: str, seed: int) -> tuple[str, ...]:
    def key(stem: str) -> tuple[bytes, str]:
        return hashlib.sha256(f"cclcc {purpose} {seed}\n{stem}".encode()).digest(), stem

    return tuple(sorted(stems, key=key))


def _share_of(share: float, total: int) -> int:
    """A share of a total rounded half up, at least 1 unless the share is 0."""
    if share == 0:
        return 0
    # Decimal of the written number: 0.145 of 100 is 14.5 and goes up, which floats would miss.
    exact = Decimal(repr(float(share))) * total
    return max(1, int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP)))
