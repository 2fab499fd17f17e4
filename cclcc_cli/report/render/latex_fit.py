"""How a table becomes as narrow as a page: what a caption can say, smaller type, parts.

A table too wide even in the smallest type comes in parts, one below the other, each with the
columns that say which row is which, as in a terminal. Widths are estimates, on the safe side;
``tests/report/render/test_latex.py`` has LaTeX itself measure them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cclcc_cli.report.tables.best import BEST
from cclcc_cli.report.tables.condense import condense, without_columns
from cclcc_cli.report.tables.layouts import Layout

TEXT_WIDTH = 345.0
"""Points: LaTeX's own article, and near LNCS's; any two-column ``table*`` is wider."""
SIZES = (("", 5.15, 12.0), (r"\small", 4.8, 8.0), (r"\footnotesize", 4.4, 8.0),
         (r"\scriptsize", 4.15, 6.0))
"""Command, points that a digit takes and a little more, and points between columns."""
_WIDTHS = dict.fromkeys(".,:;'()[]|iljtfrsI ", 0.72) | dict.fromkeys("mwMW%±→@", 1.7)
"""Signs that are not as wide as a digit, and how wide they are; capitals are 1.4."""
_BOLD = 1.15
LONGEST = 30.0
"""Digits' widths of a column of text beyond which it wraps."""
_MINUS = re.compile(r"(?<![\w.])-(?=\d)")
_NUMBER = re.compile(r"[-+<]?\d")
_MARKED = {"better", "worse", "undecided"}
"""Verdicts that marks tell, the last by their absence."""


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
    layout, said = condense(_without_told_verdicts(layout))
    in_sizes = [(size, gap, *_widths(layout, sign, gap)) for size, sign, gap in SIZES]
    size, gap, widths, wrapped = next(
        (each for each in in_sizes if sum(each[2]) <= TEXT_WIDTH), in_sizes[-1])
    return Fitted(layout, said, size, gap if size else None, _parts(widths, layout.num_keys),
                  wrapped)


def _without_told_verdicts(layout: Layout) -> Layout:
    """Marks say them, where they say them all."""
    if "verdict" not in layout.columns:
        return layout
    place = list(layout.columns).index("verdict")
    told = {row[place] for row in layout.rows} <= {*_MARKED, ""}
    return without_columns(layout, {place}) if told else layout


def _widths(layout: Layout, sign: float, gap: float) -> tuple[list[float], dict[int, float]]:
    """Of each column with its gap, and of those that wrap without it."""
    widths, wrapped = [], {}
    for place, name in enumerate(layout.columns):
        most = _width(name)
        for row, ranks, marks in zip(layout.rows, layout.ranks, layout.marks, strict=True):
            bold = _BOLD if ranks[place] == BEST else 1.0
            most = max(most, _width(row[place]) * bold + bool(marks[place]))
        if most > LONGEST and is_text(layout, place):
            words = [word for row in layout.rows for word in row[place].split()]
            most = max(LONGEST, *map(_width, words))  # a word is never cut
            wrapped[place] = most * sign
        widths.append(most * sign + gap)
    return widths, wrapped


def _width(text: str) -> float:
    """In digits."""
    signs = sum(_WIDTHS.get(sign, 1.4 if sign.isupper() else 1.0) for sign in text)
    return signs + len(_MINUS.findall(text))  # set longer than the hyphen it was counted as


def is_text(layout: Layout, place: int) -> bool:
    """A column of words; one of numbers may have a word here and there."""
    cells = [row[place] for row in layout.rows if row[place]]
    return sum(bool(_NUMBER.match(cell)) for cell in cells) * 2 < len(cells)


def _parts(widths: Sequence[float], num_keys: int) -> list[list[int]]:
    keys = list(range(num_keys))
    parts = [[*keys]]
    for place in range(num_keys, len(widths)):
        too_wide = sum(widths[p] for p in parts[-1]) + widths[place] > TEXT_WIDTH
        if too_wide and len(parts[-1]) > num_keys:
            parts.append([*keys])
        parts[-1].append(place)
    return parts
