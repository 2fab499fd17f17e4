"""``cclcc audit``."""

from pathlib import Path
from typing import Annotated

import typer

from cclcc_cli.cli import console
from cclcc_cli.cli.options import DATA, DataDir, Json, PreparedName, StoredSize


def audit(
    name: PreparedName,
    size: StoredSize = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where JSON and pictures go; runs/audit/NAME-SIZE."),
    ] = None,
    data: DataDir = DATA,
    json: Json = False,
) -> None:
    """What is doubtful about a prepared data set: leaks, contradicting masks, odd images."""
    from cclcc_cli.data.store import open_store
    from cclcc_cli.report.pages import audit as audit_report

    store = open_store(data, name, size)
    info = store.info
    folder = Path("runs/audit") / f"{info.name}-{info.size}" if out is None else out
    files = audit_report.write_audit(store, folder)
    for note in audit_report.audit_notes(store):
        console.note(f"note: {note}")
    if json:
        console.show_json(audit_report.audit_record(store))
        return
    found = store.audit
    title = f"{info.name} at {info.size} pixels: {info.num_images} images"
    if found.pairs:
        console.show_table(f"{title}, {len(found.pairs)} pairs that show the same thing",
                           *audit_report.pair_table(found, store.splits))
    if found.findings:
        console.show_table(f"{title}, {len(found.findings)} odd images or masks",
                           *audit_report.finding_table(found))
    if not found.pairs and not found.findings:
        console.show(f"{title}, nothing doubtful found")
    console.show(f"json      {files.json}")
    if files.sheet:
        console.show(f"pictures  {files.sheet}")
