"""``cclcc splits``."""

from pathlib import Path
from typing import Annotated

import typer

from cclcc_cli.cli import console
from cclcc_cli.cli.options import DATA, DataDir, Json, PreparedName, StoredSize


def splits(
    name: PreparedName,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Directory for the lists; it must be empty or new.")
    ],
    labels: Annotated[
        str,
        typer.Option(metavar="LIST", help="Labelled subsets to write, as shares or counts, such as "
                                          "80,160."),
    ] = "0.05,0.1,0.2,0.5",
    size: StoredSize = None,
    data: DataDir = DATA,
    json: Json = False,
) -> None:
    """Write a data set's splits and labelled subsets as lists.

    Publish them with a paper; 'cclcc prepare NAME --splits DIR' reads them back.
    """
    from cclcc_cli.data.split_export import export_splits, parse_labels
    from cclcc_cli.data.store import open_store

    wanted = parse_labels(labels)
    store = open_store(data, name, size)
    exported = export_splits(store, out, wanted)
    if json:
        console.show_json({"folder": str(out), "files": exported.files,
                           "split_digest": store.info.split_digest})
        return
    counts = ", ".join(f"{count} {split}" for split, count in store.info.counts.items())
    console.show(f"lists    {out}: {len(exported.files)} files")
    console.show(f"splits   {counts}; {store.info.split_rule}")
    if exported.subsets:
        console.show(f"labels   {', '.join(exported.subsets)}, each for {exported.num_seeds} seeds")
    console.show(f"digest   {store.info.split_digest}")
