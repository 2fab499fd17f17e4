"""Which cells of a table stand out."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import replace

from cclcc_cli.report.gather.groups import ScoreSummary
from cclcc_cli.report.tables.table import Column, Direction, Row

BEST, SECOND = 1, 2


def rank(
    values: Sequence[float | None], within: Sequence[Hashable], direction: Direction | None
) -> list[int]:
    """``BEST`` or ``SECOND`` of its group for each value, 0 for the rest.

    Equal values share their rank. Where all are equal none stands out, and a group of one is
    compared with nothing.

    Args:
        values: a mean for each row; None where there is none.
        within: what each row is compared within.
        direction: whether more or less is better.
    """
    members: defaultdict[Hashable, set[float]] = defaultdict(set)
    for value, group in zip(values, within, strict=True):
        if value is not None:
            members[group].add(value)
    places = {group: sorted(found, reverse=direction == "more")[:2]
              for group, found in members.items() if len(found) > 1}
    return [
        1 + places[group].index(value) if value is not None and value in places.get(group, [])
        else 0
        for value, group in zip(values, within, strict=True)
    ]


def mark_best(
    rows: Sequence[Row], columns: Sequence[Column], within: Sequence[Hashable]
) -> list[Row]:
    """The rows with the ranks of their means in every column that has a direction."""
    ranks: list[dict[str, int]] = [{} for _ in rows]
    for column in columns:
        if column.direction is not None:
            values = [_mean(row, column) for row in rows]
            for found, place in zip(ranks, rank(values, within, column.direction), strict=True):
                if place:
                    found[column.key] = place
    return [replace(row, ranks={**row.ranks, **found})
            for row, found in zip(rows, ranks, strict=True)]


def rule_between(rows: Sequence[Row], within: Sequence[Hashable]) -> list[Row]:
    """The rows with a line above each that is compared with others than the row before it."""
    return [replace(row, ruled=n > 0 and within[n] != within[n - 1]) for n, row in enumerate(rows)]


def _mean(row: Row, column: Column) -> float | None:
    value = row.values.get(column.key)
    if isinstance(value, ScoreSummary):
        return value.mean
    return value if isinstance(value, int | float) else None
