"""A table without the columns that its title can say or that repeat others, for narrow pages."""

from collections.abc import Collection

from cclcc_cli.metrics.scores import SCORES, heading
from cclcc_cli.report.tables.layouts import Layout

_TOLD = {"data": "", "labels": " labels", "seeds": " seeds", "steps": " steps"}
"""Columns that a title can say where they do not vary, and how it does."""


def condense(layout: Layout) -> tuple[Layout, str]:
    """Leave out what does not vary and what another column says.

    Returns:
        The layout, and what to say of it once, as ``80 (10 %) labels, 3 seeds``; empty if there is
        nothing.
    """
    columns = list(layout.columns)
    gone, said = set(), []
    for place, name in enumerate(columns):
        values = {row[place] for row in layout.rows if row[place]}
        if name in _TOLD and len(layout.rows) > 1 and len(values) == 1:
            gone.add(place)
            said.append(f"{values.pop()}{_TOLD[name]}")
    gone |= {own for own, working in _original_columns(columns)
             if all(row[own] in ("", row[working]) for row in layout.rows)}
    if "recipe" in columns and "method" in columns:
        recipe, method = columns.index("recipe"), columns.index("method")
        if all(row[recipe] in (row[method], "quoted") for row in layout.rows):
            gone.add(recipe)
    return without_columns(layout, gone), ", ".join(said)


def without_columns(layout: Layout, gone: Collection[int]) -> Layout:
    """The same without some places."""
    left = [place for place in range(len(layout.columns)) if place not in gone]
    return Layout(
        [layout.columns[place] for place in left],
        [[row[place] for place in left] for row in layout.rows],
        [[row[place] for place in left] for row in layout.ranks],
        [[row[place] for place in left] for row in layout.marks],
        layout.rules, num_keys=sum(place < layout.num_keys for place in left),
    )


def _original_columns(columns: list[str]) -> list[tuple[int, int]]:
    """Those of a score at the original size, each with the one at the working size.

    Where both are the same, the images came at the working size.
    """
    pairs = [(heading(("own", key)), heading(("working", key))) for key in SCORES]
    return [(columns.index(own), columns.index(working)) for own, working in pairs
            if own in columns and working in columns]
