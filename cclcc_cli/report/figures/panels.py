"""Small multiples: one panel a group, all on the same axes, as many as a page holds."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from cclcc_cli.metrics.scores import gain
from cclcc_cli.report.evidence.weigh import Evidence
from cclcc_cli.report.figures.canvas import DOUBLE, SINGLE, TEXT, new_drawing

MOST_PANELS = 20
_COLUMNS = 4
_SHORT = 19
"""Letters of a name that leave room for another beside it in a column of print."""


def panel_grid(
    count: int, row_height: float, more: float = 0.3
) -> tuple[Drawing, Sequence[Axes]]:
    """A figure of ``count`` panels that share their axes.

    Args:
        count: 1 or 2 fill a column of print, more fill a page's width.
        row_height: of a row of panels, in inches.
        more: height beside the rows, for what all panels share.
    """
    columns = min(count, _COLUMNS)
    rows = math.ceil(count / columns)
    row_height *= 1.4 if count == 1 else 1
    drawing = new_drawing(SINGLE if count <= 2 else DOUBLE, rows * row_height + more)
    grid = drawing.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    panels = [axes for row in grid for axes in row]
    for axes in panels[count:]:
        axes.set_visible(False)
    for axes in panels[max(0, count - columns) : count]:  # above an empty place too
        axes.tick_params(labelbottom=True)
    return drawing, panels[:count]


def label_shared(drawing: Drawing, panels: Sequence[Axes], x: str, y: str) -> None:
    """What the axes of all panels measure, said once."""
    if len(panels) == 1:
        panels[0].set_xlabel(x)
        panels[0].set_ylabel(y)
    else:
        drawing.supxlabel(x, fontsize=TEXT)
        drawing.supylabel(y, fontsize=TEXT)


def single_plot(names: Sequence[str], height: float) -> tuple[Drawing, Axes, int]:
    """One plot as wide as a column, with room for a legend of these names below it.

    Returns:
        The figure, its axes, and how many columns the legend can have.
    """
    columns = 2 if max(map(len, names)) <= _SHORT and len(names) > 1 else 1
    drawing = new_drawing(SINGLE, height + 0.14 * math.ceil(len(names) / columns))
    return drawing, drawing.add_subplot(), columns


def choose_compared(evidence: Sequence[Evidence]) -> tuple[list[Evidence], str | None]:
    """Groups that were compared, in order; the largest differences alone where there are many.

    Returns:
        The groups, and in words that others are left out.
    """
    compared = [found for found in evidence if found.comparison]
    if len(compared) <= MOST_PANELS:
        return compared, None
    by_size = sorted(compared, reverse=True, key=lambda found: abs(
        found.comparison.difference.mean if found.comparison else 0.0))
    kept = {found.group.first.group for found in by_size[:MOST_PANELS]}
    return ([found for found in compared if found.group.first.group in kept],
            f"the {MOST_PANELS} largest of {len(compared)} differences")


def choose_best(evidence: Sequence[Evidence], most: int) -> tuple[list[Evidence], str | None]:
    """Groups with scores, in order; baselines and the best means where there are many.

    Returns:
        The groups, and in words that others are left out.
    """
    scored = [found for found in evidence if found.estimate]
    if len(scored) <= most:
        return scored, None
    by_mean = sorted(scored, key=lambda found: (
        not found.is_baseline, -gain(found.estimate.mean if found.estimate else 0.0, found.metric)))
    kept = {found.group.first.group for found in by_mean[:most]}
    return ([found for found in scored if found.group.first.group in kept],
            f"baselines and the best means, {most} of {len(scored)} groups")
