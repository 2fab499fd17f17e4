"""How evidence is laid out: a row per group, or methods by number of labels."""

from collections.abc import Sequence
from dataclasses import dataclass

from cclcc_cli.metrics.scores import Metric
from cclcc_cli.report.evidence.weigh import Evidence, judged_metric
from cclcc_cli.report.gather.finished import Split
from cclcc_cli.report.gather.groups import share_text
from cclcc_cli.report.prose import evidence as words
from cclcc_cli.report.tables.best import rank
from cclcc_cli.report.tables.costs import COLUMNS, cost_cells
from cclcc_cli.report.tables.rows import build_table, format_summary


@dataclass(frozen=True)
class Layout:
    """A table of text, and what stands out in it.

    Attributes:
        columns: headings.
        rows: as many cells as columns.
        ranks: for each cell 1 if it is the best of what it is compared with, 2 if the second.
        marks: for each cell ``*`` if it is better than its baseline, ``†`` if worse, or nothing.
        rules: rows above which a line separates what is not compared.
        num_keys: how many of the first columns say which group a row is.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    ranks: Sequence[Sequence[int]]
    marks: Sequence[Sequence[str]]
    rules: Sequence[int]
    num_keys: int = 1


def lay_out_rows(
    evidence: Sequence[Evidence], split: Split, metrics: Sequence[Metric], costs: bool
) -> Layout:
    """A row per group; compared are those with the same data and labels."""
    groups = [found.group for found in evidence]
    columns, rows = build_table(groups, split, metrics)
    buckets = [group.place for group in groups]
    start = columns.index("steps") + 1
    ranks = [[0] * len(columns) for _ in rows]
    marks = [[""] * len(columns) for _ in rows]
    for place, metric in enumerate(metrics, start):
        means = [summary.mean if (summary := group.summary(split, metric)) else None
                 for group in groups]
        for row, position in enumerate(rank(means, buckets, metric)):
            ranks[row][place] = position
    judged = start + list(metrics).index(judged_metric(evidence))
    for row, found in enumerate(evidence):
        marks[row][judged] = words.mark(found)
    more = len(words.COLUMNS) + (len(COLUMNS) if costs else 0)
    return Layout(
        [*columns, *words.COLUMNS, *(COLUMNS if costs else ())],
        [[*row, *words.evidence_cells(found), *(cost_cells(found.group) if costs else ())]
         for row, found in zip(rows, evidence, strict=True)],
        [[*row, *[0] * more] for row in ranks], [[*row, *[""] * more] for row in marks],
        [row for row in range(1, len(rows)) if buckets[row] != buckets[row - 1]],
        num_keys=columns.index("labels") + 1,
    )


def lay_out_grid(evidence: Sequence[Evidence], split: Split) -> Layout:
    """A row per method and recipe, a column per data set and number of labels: the judged score.

    Two groups of one place, such as with other steps, stand one below the other.
    """
    metric = judged_metric(evidence)
    several_data = len({found.group.first.data for found in evidence}) > 1
    places = sorted({found.group.place for found in evidence})
    cells: dict[tuple[str, str, int], dict[tuple[str, int], Evidence]] = {}
    shares = {}
    for found in evidence:
        first, copy = found.group.first, 0
        place = found.group.place
        while place in cells.setdefault((first.method, found.group.recipe, copy), {}):
            copy += 1
        cells[first.method, found.group.recipe, copy][place] = found
        shares[place] = f"{first.data} " if several_data else ""
        shares[place] += share_text(found.group)
    keys = sorted(cells)
    grid = [[cells[key].get(place) for place in places] for key in keys]
    summaries = [[found.group.summary(split, metric) if found else None for found in row]
                 for row in grid]
    by_column = [rank([s.mean if s else None for s in column], [0] * len(column), metric)
                 for column in zip(*summaries, strict=True)]
    return Layout(
        ["method", "recipe", *(shares[place] for place in places)],
        [[*key[:2], *(format_summary(s, metric) if s else "" for s in row)]
         for key, row in zip(keys, summaries, strict=True)],
        [[0, 0, *ranks] for ranks in zip(*by_column, strict=True)],
        [["", "", *(words.mark(found) if found else "" for found in row)] for row in grid], [],
        num_keys=2,
    )
