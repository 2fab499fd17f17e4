"""Methods by number of labels: the primary score alone."""

from collections.abc import Sequence
from dataclasses import replace

from cclcc_cli.metrics.scores import metric_name
from cclcc_cli.report.evidence.weigh import Evidence, primary_metric
from cclcc_cli.report.gather.finished import Split
from cclcc_cli.report.gather.groups import share_text
from cclcc_cli.report.tables.best import mark_best
from cclcc_cli.report.tables.columns import comparison_marks, score_column
from cclcc_cli.report.tables.table import Column, Row, Table, Value


def build_grid(
    evidence: Sequence[Evidence], split: Split, title: str, sentences: Sequence[str] = ()
) -> Table:
    """A row per method and recipe, a column per data set and number of labels.

    Two groups of one place, such as with other steps, stand one below the other.
    """
    metric = primary_metric(evidence)
    several_data = len({found.group.first.data for found in evidence}) > 1
    cells: dict[tuple[str, str, int], dict[tuple[str, int], Evidence]] = {}
    titles: dict[tuple[str, int], str] = {}
    for found in evidence:
        first, place, copy = found.group.first, found.group.place, 0
        while place in cells.setdefault((first.method, found.group.recipe, copy), {}):
            copy += 1
        cells[first.method, found.group.recipe, copy][place] = found
        titles[place] = (f"{first.data} " if several_data else "") + share_text(found.group)
    columns = [
        replace(score_column(metric), key=place_key(place), title=titles[place], repeats="")
        for place in sorted(titles)]
    rows = []
    for method, recipe, copy in sorted(cells):
        own = cells[method, recipe, copy]
        values: dict[str, Value] = {
            place_key(place): found.group.summary(split, metric) for place, found in own.items()}
        marks = {key: mark for place, found in own.items() for key, mark in
                 comparison_marks(found.comparison, place_key(place)).items()}
        rows.append(Row({"method": method, "recipe": recipe, **values}, marks=marks))
    keys = [Column("method", "method", is_key=True),
            Column("recipe", "recipe", is_key=True, repeats="method")]
    return Table(metric_name(metric), title, [*keys, *columns],
                 mark_best(rows, columns, [0] * len(rows)), sentences)


def place_key(place: tuple[str, int]) -> str:
    """The column of a data set and number of labels."""
    return f"{place[0]} {place[1]}"
