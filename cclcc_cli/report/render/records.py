"""Tables for scripts: JSON and CSV, numbers unrounded, scores as shares of 1."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from cclcc_cli.report.gather.groups import ScoreSummary
from cclcc_cli.report.tables.table import (
    Change,
    Column,
    Interval,
    Plain,
    Record,
    Repeats,
    Row,
    Several,
    Share,
    Sheet,
    Table,
    Value,
)


def to_json(sheet: Sheet) -> str:
    """An object with the rows of each table by its name, and what they say."""
    quoted = [record for table in sheet.tables for record in _records(table, table.quoted)]
    found: dict[str, Any] = {table.name: records(table) for table in sheet.tables}
    found |= {"quoted": quoted} if quoted else {}
    found |= {"summary": sheet.sentences, "notes": list(sheet.notes)}
    return json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def to_csv(sheet: Sheet) -> str:
    """All tables as one, nothing if there is no row; what a row lacks stays empty.

    With several tables a first column says whose a row is.
    """
    several = len(sheet.tables) > 1
    rows: list[Record] = [
        {**({"table": table.name} if several else {}), **record} for table in sheet.tables
        for record in _records(table, (*table.rows, *table.quoted))]
    if not rows:
        return ""
    text = io.StringIO()
    keys = dict.fromkeys(key for row in rows for key in row)
    writer = csv.DictWriter(text, fieldnames=list(keys), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def records(table: Table) -> list[Record]:
    """A table's own rows, flat."""
    return _records(table, table.rows)


def _records(table: Table, rows: Sequence[Row]) -> list[Record]:
    return [_record(table.columns, row) for row in rows if row.stored]


def _record(columns: Sequence[Column], row: Row) -> Record:
    found: Record = {}
    for column in columns:
        fields = (column.key,) if column.fields is None else column.fields
        if fields and column.key in row.values:
            value = row.values[column.key]
            parts = (None,) * len(fields) if value is None else _parts(value)
            found.update(zip(fields, parts, strict=True))
    return found


def _parts(value: Value) -> tuple[Plain, ...]:
    match value:
        case ScoreSummary(mean, std, count):
            return mean, std, count
        case Interval(low, high):
            return low, high
        case Change(mean, low, high):
            return mean, low, high
        case Share(count, of):
            return count, of
        case Repeats(seeds, folds, subsets):
            return seeds, folds, subsets
        case Several(values):
            return min(values), max(values)
        case plain:
            return (plain,)
