"""A store's splits as plain lists for others: what ``prepare --splits`` reads, and subsets."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cclcc_cli.data.splits import Splits, nested_subset, write_list, write_splits
from cclcc_cli.data.store import Store, split_folders
from cclcc_cli.errors import DataError
from cclcc_cli.files import new_folder


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        files: names below the folder, sorted.
        subsets: labelled subsets in words, such as ``5% (40)``.
        num_seeds: orders of labels that there are.
    """

    files: tuple[str, ...]
    subsets: tuple[str, ...]
    num_seeds: int


def parse_labels(text: str) -> tuple[int | float, ...]:
    """``0.05,0.1`` or ``80,160`` as shares (with a dot) and counts.

    Raises:
        DataError: something in it is neither.
    """
    found: list[int | float] = []
    for word in text.split(","):
        try:
            number = float(word) if "." in word else int(word)
        except ValueError:
            number = -1
        if not (0 < number <= 1 if isinstance(number, float) else number >= 1):
            raise DataError(f"--labels {text}: {word.strip() or 'an empty place'} is neither a "
                            f"count such as 80 nor a share above 0 and up to 1.0 such as 0.1")
        found.append(number)
    return tuple(dict.fromkeys(found))


def export_splits(store: Store, out: Path, labels: Sequence[int | float]) -> Exported:
    """Write train, val, test, label orders, folds, groups and labelled subsets into a new folder.

    Args:
        store: whose splits.
        out: is made, or is empty.
        labels: sizes of the subsets to write out for every seed.

    Raises:
        DataError: the folder is not empty or cannot be written, or a subset asks for more labels
            than there are training images.
    """
    cuts = (store.splits, *store.folds)
    labels = labels if store.splits.subset_shares else ()  # there are none in a set for tests
    try:
        with new_folder(out) as folder:
            for place, cut in zip(split_folders(folder, len(store.folds)), cuts, strict=True):
                write_splits(place, cut)
                _write_subsets(place, cut, labels)
            (folder / "groups.csv").write_text(_groups_csv(store), encoding="utf-8", newline="\n")
            files = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    except FileExistsError:
        raise DataError(f"{out}: is there and not an empty folder; give --out a new one") from None
    except OSError as error:
        raise DataError(f"{out}: cannot be written ({error.strerror})") from None
    subsets = tuple(_in_words(amount, store.splits) for amount in labels)
    return Exported(tuple(files), subsets, len(store.splits.label_orders))


def _write_subsets(folder: Path, splits: Splits, labels: Sequence[int | float]) -> None:
    for amount in labels:
        for seed in splits.label_orders:
            subset = nested_subset(splits, amount, seed)
            about = f"{len(subset)} labelled of {len(splits.train)} training images, seed {seed}"
            name = f"labeled_{len(subset)}_of_{len(splits.train)}_seed{seed}.txt"
            write_list(folder / name, about, sorted(subset))


def _groups_csv(store: Store) -> str:
    """Stem and group of every image that is not alone, as ``prepare --groups`` reads it."""
    sizes = Counter(row.group for row in store.rows)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["stem", "group"])
    writer.writerows((row.stem, row.group) for row in store.rows if sizes[row.group] > 1)
    return text.getvalue()


def _in_words(amount: int | float, splits: Splits) -> str:
    count = len(nested_subset(splits, amount, min(splits.label_orders)))
    return f"{amount:.3g} ({count})" if isinstance(amount, float) else str(count)
