"""A layout as a page shows it: cells with what they sort by."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cclcc_cli.report.tables.layouts import Layout

_NUMBER = re.compile(r"\s*(<)?\s*([-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?)(?=$|[\s(/])")
"""How a cell begins that sorts by number: ``40.50 ± 1.20``, ``-0.09 (-5.5 to 5.8)``, ``<0.001``."""


@dataclass(frozen=True)
class Column:
    """A heading; a numeric column sorts by the cells' numbers."""

    name: str
    numeric: bool


@dataclass(frozen=True)
class Cell:
    """Text, what it sorts by, and how it stands out (see ``Layout``)."""

    text: str
    value: float | None
    numeric: bool
    rank: int
    mark: str


@dataclass(frozen=True)
class Row:
    """Cells, below a line that separates them from what they do not compare with."""

    cells: Sequence[Cell]
    ruled: bool


@dataclass(frozen=True)
class Table:
    """A layout under a title."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]


def build_table(title: str, layout: Layout) -> Table:
    """The layout's cells with their numbers.

    A key column is numeric if every cell of it is a number, any other if some cell is: what is
    none there, such as ``baseline``, comes last however one sorts.
    """
    values = [[leading_number(cell) for cell in row] for row in layout.rows]
    columns = []
    for place, name in enumerate(layout.columns):
        numbers = [value for row, text in zip(values, layout.rows, strict=True)
                   if text[place] and (value := row[place]) is not None]
        filled = sum(bool(row[place]) for row in layout.rows)
        keyed = place < layout.num_keys
        columns.append(Column(name, bool(numbers) and (len(numbers) == filled or not keyed)))
    rules = set(layout.rules)
    rows = [
        Row([Cell(text, value if column.numeric else None, column.numeric, rank, mark)
             for text, value, column, rank, mark in
             zip(texts, numbers, columns, layout.ranks[index], layout.marks[index], strict=True)],
            index in rules)
        for index, (texts, numbers) in enumerate(zip(layout.rows, values, strict=True))
    ]
    return Table(title, columns, rows)


def leading_number(text: str) -> float | None:
    """The number that a cell begins with; ``<0.001`` is less than 0.001; None without one."""
    found = _NUMBER.match(text)
    if not found:
        return None
    value = float(found[2])
    return value - 1e-9 if found[1] else value
