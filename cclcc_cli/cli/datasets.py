"""``cclcc datasets``."""

from pathlib import Path
from typing import TYPE_CHECKING

from cclcc_cli.cli import console
from cclcc_cli.cli.options import DATA, DataDir, Json

if TYPE_CHECKING:
    from cclcc_cli.data.stored import StoredData

_COLUMNS = ["name", "pixels", "train", "labels", "val", "test", "no mask", "MB"]


def datasets(data: DataDir = DATA, json: Json = False) -> None:
    """List prepared and public data sets."""
    from dataclasses import asdict

    from cclcc_cli.data.catalog import CATALOG
    from cclcc_cli.data.stored import find_stores

    stores = list(find_stores(data))
    if json:
        console.show_json({"prepared": [{**asdict(one), "path": str(one.path)} for one in stores],
                           "public": {name: asdict(entry) for name, entry in CATALOG.items()}})
        return
    _show_stores(stores, data)
    _show_public()


def _show_stores(stores: "list[StoredData]", data: Path) -> None:
    for one in stores:
        if one.problem:
            console.warn(one.problem)
    rows = [[one.name, str(one.size), *(str(number) for number in (
        one.counts["train"], one.labels, one.counts["val"], one.counts["test"],
        one.counts.get("unlabeled", 0), f"{one.num_bytes / 1e6:,.0f}"))]
        for one in stores if not one.problem]
    if rows:
        console.show_table(f"prepared under {data}", _COLUMNS, rows, num_keys=2)


def _show_public() -> None:
    from cclcc_cli.data.catalog import CATALOG
    from cclcc_cli.data.choose import SYNTHETIC

    for entry in CATALOG.values():
        exact = all(file.num_bytes for file in entry.files)
        size = (f"{'' if exact else 'about '}{entry.download_bytes / 1e9:.2f} GB"
                if entry.download_bytes else "to be downloaded by hand")
        console.show(f"{entry.name}: {entry.num_pairs} pairs, {size}; {entry.shows}")
        console.show(f"    official split: {entry.split_note}")
        console.show(f"    licence: {entry.license}")
        console.show(f"    read it at {entry.license_url}")
    console.show(f"{SYNTHETIC}: as many as you like, drawn; lesions among harmless bumps")
