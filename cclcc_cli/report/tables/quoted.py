"""Figures of others below one's own: shown, marked, and never ranked or tested."""

import re
from collections.abc import Sequence
from dataclasses import replace

from cclcc_cli.config.quoted import Quoted, QuotedResult
from cclcc_cli.metrics.scores import MAIN, Metric, heading, score
from cclcc_cli.report.gather.groups import Group
from cclcc_cli.report.tables.layouts import Layout
from cclcc_cli.report.tables.rows import Record

MARK = "‡"
WORD = "quoted"


def fitting(quoted: Sequence[Quoted], groups: Sequence[Group]) -> list[Quoted]:
    """Those about a data set that the table is about."""
    return [one for one in quoted if any(_same_data(one, group) for group in groups)]


def add_to_rows(layout: Layout, quoted: Sequence[Quoted], metrics: Sequence[Metric]) -> Layout:
    """The layout with a row for each quoted result below the others."""
    rows = [_row(layout.columns, one, result, metrics) for one in quoted for result in one.results]
    return _below(layout, rows)


def add_to_grid(
    layout: Layout, quoted: Sequence[Quoted], groups: Sequence[Group], metric: Metric = MAIN
) -> Layout:
    """The grid with a row for each quoted method; results for other labels have no column."""
    places = sorted({group.place for group in groups})
    rows = []
    for one in quoted:
        for name in dict.fromkeys(result.name for result in one.results):
            by_labels = {_count(one, r): _score_text(r, metric) for r in one.results
                         if r.name == name}
            cells = [by_labels.get(labeled, "") if any(
                _same_data(one, group) for group in groups if group.place == (data, labeled))
                else ""
                for data, labeled in places]
            if any(cells):
                rows.append([name, WORD, *cells])
    return _below(layout, rows)


def quoted_sentences(quoted: Sequence[Quoted]) -> list[str]:
    """Whose figures they are, and why they are no evidence here."""
    return [
        f"{MARK} quoted, not run here: {one.source}; other split, size, budget or protocol, so "
        f"neither ranked nor tested{f'; {one.note}' if one.note else ''}."
        for one in quoted
    ]


def quoted_records(quoted: Sequence[Quoted]) -> list[Record]:
    """Everything as numbers, shares as shares of 1 like the runs' own."""
    records = []
    for one in quoted:
        for result in one.results:
            record: Record = {"data": one.data, "method": result.name, "labeled": result.labels,
                              "train_images": one.train_images, "quoted": True,
                              "source": one.source, "note": one.note}
            for name, given in result.scores.items():
                unit = score(name).factor
                record[f"{name}_mean"] = given.mean / unit
                record[f"{name}_std"] = None if given.std is None else given.std / unit
            records.append(record)
    return records


def _below(layout: Layout, rows: Sequence[list[str]]) -> Layout:
    if not rows:
        return layout
    width, before = len(layout.columns), len(layout.rows)
    name = list(layout.columns).index("method")
    mark = [MARK if place == name else "" for place in range(width)]
    return replace(
        layout, rows=[*layout.rows, *rows], ranks=[*layout.ranks, *[[0] * width for _ in rows]],
        marks=[*layout.marks, *[list(mark) for _ in rows]], rules=[*layout.rules, before],
    )


def _row(
    columns: Sequence[str], one: Quoted, result: QuotedResult, metrics: Sequence[Metric]
) -> list[str]:
    cells = {"data": one.data, "method": result.name, "recipe": WORD,
             "labels": _labels_text(one, result), "verdict": WORD}
    for metric in metrics:
        cells[heading(metric)] = _score_text(result, metric)
    return [cells.get(column, "") for column in columns]


def _score_text(result: QuotedResult, metric: Metric) -> str:
    found = result.scores.get(metric[1]) if metric[0] == "working" else None
    if found is None:
        return ""
    return f"{found.mean:.2f}" + ("" if found.std is None else f" ± {found.std:.2f}")


def _count(one: Quoted, result: QuotedResult) -> int | None:
    """Labelled images; None for a share of an unknown number."""
    if isinstance(result.labels, int):
        return result.labels
    return round(result.labels * one.train_images) if one.train_images else None


def _labels_text(one: Quoted, result: QuotedResult) -> str:
    count = _count(one, result)
    if count is None:
        return f"{100 * result.labels:.3g} %"
    share = f" ({100 * count / one.train_images:.3g} %)" if one.train_images else ""
    return f"{count}{share}"


def _same_data(one: Quoted, group: Group) -> bool:
    """The store is of that data set, at any size and fold."""
    return re.fullmatch(rf"{re.escape(one.data)}-\d+( fold \d+)?", group.first.data) is not None
