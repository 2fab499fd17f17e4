"""Tables for a terminal: texts and their order, which the console draws."""

from dataclasses import dataclass

from cclcc_cli.report.render.text import cell_text, marked_text, text_rows, titles
from cclcc_cli.report.tables.table import Table


@dataclass(frozen=True)
class TerminalTable:
    """What a terminal shows.

    Attributes:
        num_keys: how many of the first columns say which group a row is.
    """

    title: str
    columns: list[str]
    rows: list[list[str]]
    num_keys: int


def for_terminal(table: Table) -> TerminalTable:
    """A table's page as text."""
    return TerminalTable(table.title, titles(table), text_rows(table),
                         sum(column.is_key for column in table.page_columns))


def transposed(table: Table) -> TerminalTable:
    """The same with a column for each row, under what its first column holds."""
    first, *others = table.page_columns
    return TerminalTable(
        table.title, ["", *(cell_text(first, row) for row in table.page_rows)],
        [[column.title, *(marked_text(column, row) for row in table.page_rows)]
         for column in others], 1)
