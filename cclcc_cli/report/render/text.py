"""A table's values as a page shows them."""

from collections.abc import Callable

from cclcc_cli.report.gather.groups import ScoreSummary
from cclcc_cli.report.tables.table import (
    SCALES,
    Change,
    Column,
    Interval,
    Repeats,
    Row,
    Several,
    Share,
    Table,
)

Spell = Callable[[str], str]


def _as_it_is(text: str) -> str:
    return text


def cell_text(
    column: Column, row: Row, number: Spell = _as_it_is, word: Spell = _as_it_is
) -> str:
    """A cell without its mark.

    Args:
        column: whose cell.
        row: of the cell.
        number: how the format at hand spells a number, its sign in front.
        word: how it spells the rest.
    """
    if column.key in row.words:
        return word(row.words[column.key])
    if column.key not in row.values:
        return ""

    def shown(value: float) -> str:
        return number(column.form(SCALES[column.unit] * value if column.unit else value))

    match row.values[column.key]:
        case None:
            return word(column.missing)
        case str(text):
            return word(text)
        case ScoreSummary(mean, std, count):
            spread = ("" if count is None else " (1 seed)") if std is None else (
                f" {word('±')} {shown(std)}")
            return f"{shown(mean)}{spread}"
        case Interval(low, high):
            return _span(low, high, shown) or word(column.missing)
        case Change(mean, low, high):
            scaled = SCALES[column.unit] * mean
            return f"{number(f'{scaled:+.2f}')} ({_span(low, high, shown) or word('none')})"
        case Share(float(count), None):
            return word(f"{100 * count:.3g} %")
        case Share(count, of):
            return word(f"{count}" if of is None else f"{count} ({100 * count / of:.3g} %)")
        case Repeats(seeds, folds, subsets):
            return " x ".join([*(f"{count} {what}" for count, what in
                                 ((folds, "folds"), (subsets, "subsets")) if count), str(seeds)])
        case Several(values):
            return "/".join(map(str, values))
        case int(value) | float(value):
            return shown(value)
        case never:
            raise AssertionError(f"{column.key}: a table holds no {never!r}")


def _span(low: float | None, high: float | None, shown: Callable[[float], str]) -> str:
    return "" if low is None or high is None else f"{shown(low)} to {shown(high)}"


def sort_value(column: Column, row: Row) -> float | None:
    """What a cell sorts by; None for words and empty cells, which come last."""
    match row.values.get(column.key):
        case ScoreSummary(mean=value) | Change(mean=value):
            return value
        case Share(count=value) | Repeats(seeds=value):
            return value
        case Interval(low=bound):
            return bound
        case Several(values):
            return values[0] if values else None
        case int(value) | float(value):
            return value
        case _:
            return None


def marked_text(column: Column, row: Row) -> str:
    """A cell with its mark as a plain sign behind it."""
    mark = row.marks.get(column.key, "")
    return f"{cell_text(column, row)} {mark}" if mark else cell_text(column, row)


def text_rows(table: Table) -> list[list[str]]:
    """The cells of a page, with their marks."""
    return [[marked_text(column, row) for column in table.page_columns]
            for row in table.page_rows]


def titles(table: Table) -> list[str]:
    """Headings of a page."""
    return [column.title for column in table.page_columns]
