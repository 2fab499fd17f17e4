"""Tables as Markdown."""

from collections.abc import Sequence

from cclcc_cli.report.render.text import text_rows, titles
from cclcc_cli.report.tables.table import Sheet, Table


def to_markdown(sheet: Sheet) -> str:
    """Pipe tables, each below its title and above a list of what it says; notes come last."""
    return "\n".join(
        _table(table, [*table.sentences, *(sheet.notes if table is sheet.tables[-1] else [])])
        for table in sheet.tables)


def _table(table: Table, notes: Sequence[str]) -> str:
    headings = titles(table)
    lines = [headings, ["---"] * len(headings), *text_rows(table)]
    below = ["", *(f"- {note}" for note in notes)] if notes else []
    return "\n".join([table.title, "", *(f"| {' | '.join(line)} |" for line in lines),
                      *below]) + "\n"
