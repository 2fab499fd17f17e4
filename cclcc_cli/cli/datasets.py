"""``cclcc datasets``."""

from cclcc_cli.cli import console
from cclcc_cli.cli.options import Json


def datasets(json: Json = False) -> None:
    """List the public data sets, with size and licence."""
    from dataclasses import asdict

    from cclcc_cli.data.catalog import CATALOG
    from cclcc_cli.data.choose import SYNTHETIC

    if json:
        console.show_json({name: asdict(entry) for name, entry in CATALOG.items()})
        return
    for entry in CATALOG.values():
        exact = all(file.num_bytes for file in entry.files)
        size = (f"{'' if exact else 'about '}{entry.download_bytes / 1e9:.2f} GB"
                if entry.download_bytes else "to be downloaded by hand")
        console.show(f"{entry.name}: {entry.num_pairs} pairs, {size}; {entry.shows}")
        console.show(f"    official split: {entry.split_note}")
        console.show(f"    licence: {entry.license}")
        console.show(f"    read it at {entry.license_url}")
    console.show(f"{SYNTHETIC}: as many as you like, drawn; lesions among harmless bumps")
