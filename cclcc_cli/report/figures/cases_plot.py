"""Cases as pictures: the image, then each method's outline and the truth's over it."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib.patheffects as effects
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from numpy.typing import NDArray

from cclcc_cli.data.class_map import foreground
from cclcc_cli.metrics.scores import heading, in_unit, metric_title
from cclcc_cli.report.evidence.weigh import Evidence
from cclcc_cli.report.figures.canvas import (
    DOUBLE,
    SKY,
    TALLEST,
    TEXT,
    YELLOW,
    new_drawing,
    render,
)
from cclcc_cli.report.figures.cases import Case, Predictions, choose_cases, read_predictions
from cclcc_cli.report.figures.figure import Figure
from cclcc_cli.report.figures.names import wrap
from cclcc_cli.report.figures.panels import choose_best
from cclcc_cli.report.gather.images import RunScores

MOST_METHODS = 20
_MOST_COLUMNS = 7
_HEADING, _TITLE = 0.2, 0.26
"""Inches: above a case, and above a picture for a name and a number."""
_LETTER = 0.066
"""Inches, of a wide one."""


def draw_cases(
    evidence: Sequence[Evidence], scores: RunScores, data_root: Path,
    suffix: str, place: str,
) -> tuple[list[Figure], list[str]]:
    """Pages of cases of one place, or notes on why there are none.

    Args:
        evidence: groups with the same data and labels.
        scores: of test images, by run folder.
        data_root: where stores lie.
        suffix: of the names, where there are several places.
        place: in words.
    """
    chosen, left_out = choose_best(evidence, MOST_METHODS)
    if not chosen:
        return [], []
    predictions, notes = read_predictions(chosen, scores, data_root)
    notes = [f"{place}: {note}" for note in notes]
    if predictions is None:
        return [], notes
    cases, metric = choose_cases(predictions), predictions.metric
    pages = lay_out_pages(cases, len(predictions.names))
    seeds = sorted(set(predictions.seeds))
    few = (f"seed {seeds[0]}" if len(seeds) == 1 else
           f"one seed each, {', '.join(map(str, seeds))}, as none is common to all")
    caption = (
        f"Test images of {place}, chosen by rule from {len(predictions.stems)}: those where the "
        f"methods' masks disagree most (1 less the mean Dice between two methods), the worst of "
        f"each method, and the median of the mean {metric_title(metric)}; sorted by disagreement. "
        f"Solid blue: truth, dashed yellow: prediction ({few}); numbers are {heading(metric)}."
        + (f" Shown: {left_out}." if left_out else "")
    )
    return [
        render(f"cases{suffix}{f'-{number}' if len(pages) > 1 else ''}",
               f"Cases{f' ({number} of {len(pages)})' if len(pages) > 1 else ''}", caption,
               lambda page=page: plot_cases(predictions, page))  # type: ignore[misc]
        for number, page in enumerate(pages, 1)
    ], notes


def lay_out_pages(cases: Sequence[Case], num_methods: int) -> list[Sequence[Case]]:
    """As many cases on a page as it is high; no case is left out."""
    size = max(1, int(TALLEST / _case_height(num_methods)))
    count = -(-len(cases) // size)
    size = -(-len(cases) // count)  # pages alike in height
    return [cases[start : start + size] for start in range(0, len(cases), size)]


def plot_cases(predictions: Predictions, cases: Sequence[Case]) -> Drawing:
    """A heading and a block of pictures a case, from top to bottom."""
    count = len(predictions.names) + 1
    columns, height = _columns(len(predictions.names)), _case_height(len(predictions.names))
    width = DOUBLE if count > 3 else DOUBLE * count / 4
    letters = int(width / columns / _LETTER)
    drawing = new_drawing(width, height * len(cases))
    blocks = drawing.subfigures(len(cases), 1, squeeze=False)[:, 0]
    for block, case in zip(blocks, cases, strict=True):
        stem = predictions.stems[case.index]
        row = predictions.store.positions([stem])[0]
        image, truth = predictions.store.images[row], foreground(predictions.store.masks[row])
        heading = (f"{stem[:40]}: {'; '.join(case.reasons)} "
                   f"({100 * case.disagreement:.0f} % disagreement)")
        block.suptitle(wrap(heading, int(width / _LETTER)), x=0.005, ha="left",
                       fontweight="bold", fontsize=TEXT)
        panels = block.subplots(-(-count // columns), columns, squeeze=False).flat
        for n, axes in enumerate(panels):
            axes.set_axis_off()
            if n >= count:
                continue
            axes.imshow(image, interpolation="none")
            if n == 0:
                axes.set_title("image", pad=2)
                continue
            name, value = predictions.names[n - 1], predictions.scores[n - 1, case.index]
            _outline(axes, truth, SKY, None, 1.1)
            _outline(axes, predictions.masks[n - 1, case.index], YELLOW, (0, (2, 0.8)), 0.9)
            number = f"{in_unit(value, predictions.metric):.1f}"
            axes.set_title(f"{wrap(name, letters)}\n{number}", pad=2, linespacing=1.0)
    return drawing


def _outline(
    axes: Axes, mask: NDArray[np.bool_], color: str,
    dashes: tuple[float, tuple[float, ...]] | None, width: float,
) -> None:
    """The border of a mask, between its pixels; a whole line has a dark rim that shows on white."""
    if not mask.any():
        return
    padded = np.pad(mask, 1).astype(np.float32)  # closes what touches the image's edge
    reach = np.arange(-1, len(mask) + 1)
    lines = axes.contour(reach, reach, padded, levels=[0.5], colors=[color], linewidths=[width])
    if dashes is None:
        lines.set_path_effects([effects.withStroke(linewidth=width + 0.7, foreground="black")])
    else:
        lines.set_linestyle(dashes)
    axes.set_xlim(-0.5, len(mask) - 0.5)
    axes.set_ylim(len(mask) - 0.5, -0.5)


def _columns(num_methods: int) -> int:
    """Rows of pictures alike in length."""
    count = num_methods + 1
    return -(-count // -(-count // _MOST_COLUMNS))


def _case_height(num_methods: int) -> float:
    count = num_methods + 1
    columns = _columns(num_methods)
    picture = DOUBLE / max(columns, 4) * 0.96
    return _HEADING + -(-count // columns) * (picture + _TITLE)
