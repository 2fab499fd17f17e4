"""Which parameters of a search mattered; the search says how much, this draws it."""

import math
from collections.abc import Mapping

from matplotlib.figure import Figure as Drawing

from cclcc_cli.report.figures.canvas import BLUE, SINGLE, new_drawing, quiet, render
from cclcc_cli.report.figures.figure import Figure
from cclcc_cli.report.figures.names import wrap
from cclcc_cli.wording import counted

MOST_BARS = 20


def draw_importance(
    importances: Mapping[str, float], objective: str, num_trials: int, method: str
) -> tuple[Figure | None, list[str]]:
    """The figure, or a note on why there is none.

    Args:
        importances: of each parameter, not negative; together 1 where ``method`` says shares.
        objective: what the search maximised, in words, such as ``mean validation Dice``.
        num_trials: finished ones, from which importance was computed.
        method: how it was computed, such as ``PED-ANOVA``.
    """
    known = {name: value for name, value in importances.items() if math.isfinite(value)}
    notes = [f"importance of {name} is not a finite number" for name in importances
             if name not in known]
    if not known:
        return None, [*notes, "no parameter importance: no parameter has one"]
    ordered = dict(sorted(known.items(), key=lambda item: -item[1])[:MOST_BARS])
    rest = (f" The {MOST_BARS} largest of {len(known)} are shown."
            if len(known) > MOST_BARS else "")
    return render(
        "parameter-importance", "Parameter importance",
        f"How much of the variation in {objective} each parameter of the search explains "
        f"({method}, {counted(num_trials, 'finished trial')}).{rest}",
        lambda: plot_importance(ordered),
    ), notes


def plot_importance(importances: Mapping[str, float]) -> Drawing:
    """A bar a parameter, in the order given, with its number beside it."""
    names = [wrap(name, 28) for name in importances]
    lines = sum(name.count("\n") + 1 for name in names)
    drawing = new_drawing(SINGLE, 0.5 + 0.06 * len(names) + 0.12 * lines)
    axes = drawing.add_subplot()
    heights = range(len(names))
    axes.barh(heights, list(importances.values()), color=BLUE, height=0.6)
    for height, value in zip(heights, importances.values(), strict=True):
        axes.annotate(f"{value:.2f}", (value, height), xytext=(2, 0), textcoords="offset points",
                      va="center")
    axes.set_yticks(heights, names)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0, 1.15 * max(*importances.values(), 1e-9))
    axes.set_xlabel("importance")
    quiet(axes, "x")
    return drawing
