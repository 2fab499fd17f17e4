"""Which stores lie in a folder, in a few numbers each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cclcc_cli.data.store import load_store, store_path
from cclcc_cli.data.store_versions import stored_data, stored_sizes
from cclcc_cli.errors import DataError


@dataclass(frozen=True)
class StoredData:
    """A store.

    Attributes:
        name, size: of the data set, and its side in pixels.
        path: of its current version.
        counts: images per split, and ``unlabeled`` without a mask where there are any.
        labels: masks of training images that may be used: the most of any label seed.
        num_bytes: on the disk.
        problem: why it cannot be opened; the numbers are 0 then.
    """

    name: str
    size: int
    path: Path
    counts: Mapping[str, int]
    labels: int
    num_bytes: int
    problem: str = ""


def find_stores(root: Path) -> Iterator[StoredData]:
    """The stores below a folder, by name and size."""
    for home in stored_data(root):
        for size in stored_sizes(home):
            path = store_path(root, home.name, size)
            try:
                store = load_store(path)
            except DataError as error:
                yield StoredData(home.name, size, path, {}, 0, 0, str(error))
                continue
            orders = store.splits.label_orders.values()
            num_bytes = sum(p.stat().st_size for p in store.path.rglob("*") if p.is_file())
            yield StoredData(home.name, size, store.path, store.info.counts,
                             max(map(len, orders)), num_bytes)
