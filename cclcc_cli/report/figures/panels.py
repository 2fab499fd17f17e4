"""Small multiples: one panel an arm, all on the same axes, as many as a page holds."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from cclcc_cli.report.evidence import Evidence
from cclcc_cli.report.figures.canvas import DOUBLE, SINGLE, new_drawing

MOST_PANELS = 20
_COLUMNS = 4


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
    drawing = new_drawing(SINGLE if count <= 2 else DOUBLE, rows * row_height + more)
    grid = drawing.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    panels = [axes for row in grid for axes in row]
    for axes in panels[count:]:
        axes.set_visible(False)
    for axes in panels[max(0, count - columns) : count]:  # above an empty place too
        axes.tick_params(labelbottom=True)
    return drawing, panels[:count]


def choose_compared(evidence: Sequence[Evidence]) -> tuple[list[Evidence], str | None]:
    """Arms that were compared, in order; the largest differences alone where there are many.

    Returns:
        The arms, and in words that others are left out.
    """
    compared = [found for found in evidence if found.comparison]
    if len(compared) <= MOST_PANELS:
        return compared, None
    by_size = sorted(compared, reverse=True, key=lambda found: abs(
        found.comparison.difference.mean if found.comparison else 0.0))
    kept = {found.arm.first.arm for found in by_size[:MOST_PANELS]}
    return ([found for found in compared if found.arm.first.arm in kept],
            f"the {MOST_PANELS} largest of {len(compared)} differences")


def choose_best(evidence: Sequence[Evidence], most: int) -> tuple[list[Evidence], str | None]:
    """Arms with scores, in order; baselines and the highest means where there are many.

    Returns:
        The arms, and in words that others are left out.
    """
    scored = [found for found in evidence if found.estimate]
    if len(scored) <= most:
        return scored, None
    by_mean = sorted(scored, key=lambda found: (
        not found.is_baseline, -(found.estimate.mean if found.estimate else 0.0)))
    kept = {found.arm.first.arm for found in by_mean[:most]}
    return ([found for found in scored if found.arm.first.arm in kept],
            f"baselines and the highest means, {most} of {len(scored)} arms")
