"""Figures of others below one's own: shown, marked, and never ranked or tested."""

import re
from collections.abc import Sequence
from dataclasses import replace

from cclcc_cli.config.quoted import Quoted, QuotedResult
from cclcc_cli.metrics.scores import score
from cclcc_cli.report.gather.groups import Group, ScoreSummary
from cclcc_cli.report.tables.columns import score_column
from cclcc_cli.report.tables.grid import place_key
from cclcc_cli.report.tables.table import Row, Share, Table, Value, stored_columns

MARK = "‡"
WORD = "quoted"


def fitting(quoted: Sequence[Quoted], groups: Sequence[Group]) -> list[Quoted]:
    """Those about a data set that the table is about."""
    return [one for one in quoted if any(_same_data(one, group) for group in groups)]


def add_to_rows(table: Table, quoted: Sequence[Quoted]) -> Table:
    """The table of groups with a row for each quoted result; CSV and JSON hold all its scores."""
    rows = [
        Row({"data": one.data, "method": result.name, "labels": _labels(one, result),
             "quoted": True, "source": one.source, "note": one.note, **_scores(result)},
            {"recipe": WORD, "verdict": WORD}, {"method": MARK})
        for one in quoted for result in one.results]
    if not rows:
        return table
    shown = {column.key for column in table.columns}
    names = dict.fromkeys(name for one in quoted for result in one.results
                          for name in result.scores)
    more = [replace(score_column(("working", name)), shown=False) for name in names
            if name not in shown]
    return _below(replace(table, columns=[
        *table.columns, *stored_columns(["quoted", "source", "note"]), *more]), rows)


def add_to_grid(table: Table, quoted: Sequence[Quoted], groups: Sequence[Group]) -> Table:
    """The grid with a row for each quoted method; results for other labels have no column."""
    name = table.name
    rows = []
    for one in quoted:
        places = {group.place for group in groups if _same_data(one, group)}
        for method in dict.fromkeys(result.name for result in one.results):
            values: dict[str, Value] = {
                place_key((data, labeled)): found
                for result in one.results if result.name == method
                for data, labeled in places if labeled == _labels(one, result).count
                if (found := _scores(result).get(name)) is not None}
            if values:
                rows.append(Row({"method": method, **values}, {"recipe": WORD}, {"method": MARK}))
    return _below(table, rows)


def quoted_sentences(quoted: Sequence[Quoted]) -> list[str]:
    """Whose figures they are, and why they are no evidence here."""
    return [
        f"{MARK} quoted, not run here: {one.source}; other split, size, budget or protocol, so "
        f"neither ranked nor tested{f'; {one.note}' if one.note else ''}."
        for one in quoted
    ]


def _below(table: Table, rows: Sequence[Row]) -> Table:
    return replace(table, quoted=[replace(row, ruled=n == 0) for n, row in enumerate(rows)])


def _scores(result: QuotedResult) -> dict[str, Value]:
    """As a run's own are kept: shares of 1, pixels."""
    return {name: ScoreSummary(given.mean / score(name).factor,
                          None if given.std is None else given.std / score(name).factor, None)
            for name, given in result.scores.items()}


def _labels(one: Quoted, result: QuotedResult) -> Share:
    """Labelled images; a share where their number is not known."""
    if isinstance(result.labels, int) or not one.train_images:
        return Share(result.labels, one.train_images)
    return Share(round(result.labels * one.train_images), one.train_images)


def _same_data(one: Quoted, group: Group) -> bool:
    """The store is of that data set, at any size and fold."""
    return re.fullmatch(rf"{re.escape(one.data)}-\d+( fold \d+)?", group.first.data) is not None
