"""How a table becomes as narrow as a page: what a caption can say, smaller type, parts.

A table too wide even in the smallest type comes in parts, one below the other, each with the
columns that say which row is which, as in a terminal. Widths are estimates, on the safe side;
``tests/report/render/test_latex.py`` has LaTeX itself measure them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cclcc_cli.report.render.condense import condense, without_columns
from cclcc_cli.report.render.text import cell_text
from cclcc_cli.report.tables.best import BEST
from cclcc_cli.report.tables.table import Column, Table

TEXT_WIDTH = 345.0
"""Points: LaTeX's own article, and near LNCS's; any two-column ``table*`` is wider."""
SIZES = (("", 5.15, 12.0), (r"\small", 4.8, 8.0), (r"\footnotesize", 4.4, 8.0),
         (r"\scriptsize", 4.15, 6.0))
"""Command, points that a digit takes and a little more, and points between columns."""
_WIDTHS = (dict.fromkeys(".,:;'()[]|iljtfrsI ", 0.72) | dict.fromkeys("mwMW%±→@", 1.7)
           | {"\N{MINUS SIGN}": 2.0})
"""Signs that are not as wide as a digit, and how wide they are; capitals are 1.4."""
_BOLD = 1.15
LONGEST = 30.0
"""Digits' widths of a column of text beyond which it wraps."""
_MARKED = {"better", "worse", "undecided", ""}
"""Verdicts that marks tell, the last two by their absence."""


@dataclass(frozen=True)
class Fitted:
    """A table made to fit.

    Attributes:
        table: without what the caption says.
        said: for the caption; empty if there is nothing.
        size: command for the type.
        column_gap: points between columns; None for LaTeX's own.
        parts: columns that stand side by side.
        wrapped: width in points of columns that wrap, by key.
    """

    table: Table
    said: str
    size: str
    column_gap: float | None
    parts: Sequence[Sequence[Column]]
    wrapped: Mapping[str, float]


def fit(table: Table) -> Fitted:
    """Make a table fit ``TEXT_WIDTH``."""
    table, said = condense(_without_marked_verdicts(table))
    in_sizes = [(size, gap, *_widths(table, sign, gap)) for size, sign, gap in SIZES]
    size, gap, widths, wrapped = next(
        (each for each in in_sizes if sum(each[2].values()) <= TEXT_WIDTH), in_sizes[-1])
    return Fitted(table, said, size, gap if size else None,
                  _parts(table.page_columns, widths), wrapped)


def _without_marked_verdicts(table: Table) -> Table:
    """Marks say them, where they say them all."""
    verdicts = {cell_text(column, row) for column in table.columns if column.key == "verdict"
                for row in table.rows}
    return without_columns(table, {"verdict"}) if verdicts <= _MARKED else table


def _widths(table: Table, sign: float, gap: float) -> tuple[dict[str, float], dict[str, float]]:
    """Of each column with its gap, and of those that wrap without it."""
    widths, wrapped = {}, {}
    for column in table.page_columns:
        texts = [cell_text(column, row, number=_minus) for row in table.page_rows]
        most = max([_width(column.title), *(
            _width(text) * (_BOLD if row.ranks.get(column.key) == BEST else 1.0)
            + bool(row.marks.get(column.key))
            for text, row in zip(texts, table.page_rows, strict=True))])
        if most > LONGEST and not table.is_numeric(column):
            words = [word for text in texts for word in text.split()]
            most = max(LONGEST, *map(_width, words))  # a word is never cut
            wrapped[column.key] = most * sign
        widths[column.key] = most * sign + gap
    return widths, wrapped


def _minus(number: str) -> str:
    """As wide as LaTeX sets it."""
    return number.replace("-", "\N{MINUS SIGN}", 1) if number.startswith("-") else number


def _width(text: str) -> float:
    """In digits."""
    return sum(_WIDTHS.get(sign, 1.4 if sign.isupper() else 1.0) for sign in text)


def _parts(columns: Sequence[Column], widths: Mapping[str, float]) -> list[list[Column]]:
    keys = [column for column in columns if column.is_key]
    parts = [[*keys]]
    for column in columns[len(keys):]:
        too_wide = sum(widths[c.key] for c in parts[-1]) + widths[column.key] > TEXT_WIDTH
        if too_wide and len(parts[-1]) > len(keys):
            parts.append([*keys])
        parts[-1].append(column)
    return parts
