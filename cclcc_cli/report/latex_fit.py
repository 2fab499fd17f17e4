"""How a table becomes as narrow as a page: what a caption can say, smaller type, parts.

A part of a table too wide even in the smallest type is shown below the other, each with the
columns that say which row is which, as in a terminal. Widths are estimates from the number of
signs, on the safe side; ``tests/report/test_latex.py`` has LaTeX itself measure them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cclcc_cli.report.layouts import Layout
from cclcc_cli.report.ranks import BEST

TEXT_WIDTH = 345.0
"""Points: LaTeX's own article, and near LNCS's; any two-column ``table*`` is wider."""
SIZES = (("", 5.2, 12.0), (r"\small", 4.9, 8.0), (r"\footnotesize", 4.5, 8.0),
         (r"\scriptsize", 4.25, 6.0))
"""Command, points a sign takes, and points between columns."""
_BOLD = 1.18
LONGEST = 34
"""Signs of a column of text beyond which it wraps."""
_TOLD = {"data": "", "labels": " labels", "seeds": " seeds", "steps": " steps"}
"""Columns that a caption can say where they do not vary, and how it does."""


@dataclass(frozen=True)
class Fitted:
    """A layout made to fit.

    Attributes:
        layout: without what the caption says.
        said: for the caption; empty if there is nothing.
        size: command for the type.
        column_gap: points between columns; None for LaTeX's own.
        parts: places of the columns that stand side by side.
        wrapped: width in points of columns that wrap, by place.
    """

    layout: Layout
    said: str
    size: str
    column_gap: float | None
    parts: Sequence[Sequence[int]]
    wrapped: dict[int, float]


def fit(layout: Layout) -> Fitted:
    """Make a table fit ``TEXT_WIDTH``."""
    layout, said = _without_constant_columns(layout)
    in_sizes = [(size, gap, *_widths(layout, sign, gap)) for size, sign, gap in SIZES]
    size, gap, widths, wrapped = next(
        (each for each in in_sizes if sum(each[2]) <= TEXT_WIDTH), in_sizes[-1])
    return Fitted(layout, said, size, gap if size else None, _parts(widths, layout.num_keys),
                  wrapped)


def _without_constant_columns(layout: Layout) -> tuple[Layout, str]:
    """What does not vary is said once; what a mark or another column says is left out."""
    gone, said = set(), []
    texts = {name: [row[place] for row in layout.rows if row[place]]
             for place, name in enumerate(layout.columns)}
    for place, name in enumerate(layout.columns):
        values = set(texts[name])
        if name in _TOLD and len(layout.rows) > 1 and len(values) == 1:
            gone.add(place)
            said.append(f"{values.pop()}{_TOLD[name]}")
    if "verdict" in texts:
        gone.add(list(layout.columns).index("verdict"))
    if "recipe" in texts and all(recipe in (method, "quoted") for method, recipe in zip(
            texts["method"], texts["recipe"], strict=True)):
        gone.add(list(layout.columns).index("recipe"))
    left = [place for place in range(len(layout.columns)) if place not in gone]
    return Layout(
        [layout.columns[place] for place in left],
        [[row[place] for place in left] for row in layout.rows],
        [[row[place] for place in left] for row in layout.ranks],
        [[row[place] for place in left] for row in layout.marks],
        layout.rules, num_keys=sum(place < layout.num_keys for place in left),
    ), ", ".join(said)


def _widths(layout: Layout, sign: float, gap: float) -> tuple[list[float], dict[int, float]]:
    """Of each column with its gap, and of those that wrap without it."""
    widths, wrapped = [], {}
    for place, name in enumerate(layout.columns):
        most = float(len(name))
        for row, ranks, marks in zip(layout.rows, layout.ranks, layout.marks, strict=True):
            bold = _BOLD if ranks[place] == BEST else 1.0
            most = max(most, len(row[place]) * bold + bool(marks[place]))
        if most > LONGEST and place < layout.num_keys:
            most = LONGEST
            wrapped[place] = most * sign
        widths.append(most * sign + gap)
    return widths, wrapped


def _parts(widths: Sequence[float], num_keys: int) -> list[list[int]]:
    keys = list(range(num_keys))
    parts = [[*keys]]
    for place in range(num_keys, len(widths)):
        too_wide = sum(widths[p] for p in parts[-1]) + widths[place] > TEXT_WIDTH
        if too_wide and len(parts[-1]) > num_keys:
            parts.append([*keys])
        parts[-1].append(place)
    return parts
