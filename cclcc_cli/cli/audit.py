"""``cclcc audit``."""

from pathlib import Path
from typing import Annotated

import typer

from cclcc_cli.cli import console
from cclcc_cli.cli.options import DATA, DataDir, Json, PreparedName, StoredSize
from cclcc_cli.wording import counted


def audit(
    name: PreparedName,
    size: StoredSize = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", file_okay=False, show_default="runs/audit/NAME-SIZE",
                     help="Directory for the findings as JSON and pictures."),
    ] = None,
    data: DataDir = DATA,
    json: Json = False,
) -> None:
    """Show what is doubtful about a prepared data set.

    It looks for copies and for images that probably show the same scene, across splits above all,
    for masks that contradict each other or lie beside their image, for what is wrong with most
    masks together, and for blank or odd images.
    """
    from cclcc_cli.data.store import open_store
    from cclcc_cli.report.pages import audit as audit_report

    store = open_store(data, name, size)
    store.check_content()
    info = store.info
    folder = Path("runs/audit") / f"{info.name}-{info.size}" if out is None else out
    files = audit_report.write_audit(store, folder)
    for note in audit_report.audit_notes(store):
        console.note(f"note: {note}")
    if json:
        console.show_json(audit_report.audit_record(store))
        return
    from cclcc_cli.report.render.terminal import for_terminal

    tables = [for_terminal(table) for table in audit_report.audit_tables(store)]
    for table in tables:
        console.show_table(table.title, table.columns, table.rows)
    if not tables:
        console.show(f"{info.name} at {info.size} pixels: {counted(info.num_images, 'image')}, "
                     "nothing doubtful found")
    console.show(f"json      {files.json}")
    if files.sheet:
        console.show(f"pictures  {files.sheet}")
