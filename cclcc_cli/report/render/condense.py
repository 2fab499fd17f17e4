"""A table without the columns that its title can say or that repeat others, for narrow pages."""

from collections.abc import Collection
from dataclasses import replace

from cclcc_cli.report.render.text import cell_text
from cclcc_cli.report.tables.table import Column, Table


def condense(table: Table) -> tuple[Table, str]:
    """Leave out what does not vary and what another column says.

    Returns:
        The table, and what to say of it once, as ``80 (10 %) labels, 3 seeds``; empty if there is
        nothing.
    """
    shown = {column.key: column for column in table.page_columns}
    gone, said = set(), []
    for column in shown.values():
        if column.constant is not None and len(table.page_rows) > 1:
            texts = {cell_text(column, row) for row in table.page_rows} - {""}
            if len(texts) == 1:
                gone.add(column.key)
                said.append(f"{texts.pop()}{column.constant}")
        if column.repeats in shown and _repeats(table, column, shown[column.repeats]):
            gone.add(column.key)
    return without_columns(table, gone), ", ".join(said)


def condensed(table: Table) -> Table:
    """The same for a narrow page: the title says what does not vary."""
    shorter, said = condense(table)
    return replace(shorter, title=f"{table.title}; {said}") if said else shorter


def without_columns(table: Table, gone: Collection[str]) -> Table:
    """The same without some columns, by their keys."""
    return replace(table, columns=[column for column in table.columns if column.key not in gone])


def _repeats(table: Table, column: Column, other: Column) -> bool:
    return all(column.key in row.words or
               cell_text(column, row) in ("", cell_text(other, row)) for row in table.page_rows)
