"""How every figure looks and is written: sizes of print, colours that survive it, equal bytes.

Widths are those of a column and of a page of two columns; text is 7 points at that size. Colours
are Okabe and Ito's, which colour-blind readers tell apart; a dash and a marker go with each, so
that a grey print does as well.
"""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Drawing

from cclcc_cli.report.figures.figure import Figure

SINGLE, DOUBLE, TALLEST = 3.4, 7.0, 9.0
"""Inches: a column's width, a page's, and the highest that a page holds beside its caption."""

DPI = 200
TEXT = 7.0
"""Points, of everything that is written."""

BLUE, ORANGE, GREEN, VERMILLION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, YELLOW, BLACK = "#CC79A7", "#56B4E9", "#F0E442", "#000000"
GREY, PALE = "#666666", "#DDDDDD"


@dataclass(frozen=True)
class Look:
    """How one line is told from others, with colour and without."""

    color: str
    dashes: str | tuple[float, tuple[float, ...]]
    marker: str


BASELINE = Look(BLACK, "-", "s")
LOOKS = (
    Look(BLUE, "-", "o"), Look(VERMILLION, (0, (5, 2)), "^"), Look(GREEN, (0, (1, 1)), "D"),
    Look(ORANGE, (0, (5, 1, 1, 1)), "v"), Look(PURPLE, (0, (8, 3)), "P"),
    Look(SKY, (0, (3, 1, 1, 1, 1, 1)), "X"),
)
"""Of what is compared, in this order; more than these in one plot nobody tells apart."""

_SETTINGS: dict[Any, Any] = {
    "font.family": "DejaVu Sans", "font.size": TEXT, "axes.titlesize": TEXT,
    "axes.labelsize": TEXT, "xtick.labelsize": TEXT, "ytick.labelsize": TEXT,
    "legend.fontsize": TEXT, "figure.titlesize": TEXT + 1, "axes.linewidth": 0.6,
    "xtick.major.width": 0.6, "ytick.major.width": 0.6, "xtick.major.size": 2.5,
    "ytick.major.size": 2.5, "lines.linewidth": 1.2, "lines.markersize": 3.5,
    "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
    "axes.titlelocation": "left", "axes.titlepad": 3.0, "axes.labelpad": 2.0,
    "pdf.fonttype": 42, "savefig.dpi": DPI, "figure.dpi": DPI, "axes.unicode_minus": True,
}


@contextmanager
def house_style() -> Iterator[None]:
    """Matplotlib's own settings with ours on top, whatever the user's files say; then theirs."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        yield


def new_drawing(width: float, height: float) -> Drawing:
    """An empty figure, in inches, that makes room for its own labels."""
    drawing = Drawing(figsize=(width, min(height, TALLEST)), layout="constrained")
    FigureCanvasAgg(drawing)
    drawing.get_layout_engine().set(w_pad=0.03, h_pad=0.03)  # type: ignore[union-attr, call-arg]
    return drawing


def render(name: str, title: str, caption: str, plot: Callable[[], Drawing]) -> Figure:
    """Draw and write; the same drawing is the same bytes on any day.

    Args:
        name: file stem.
        title: a few words; not drawn, a paper has captions.
        caption: what is seen.
        plot: draws; is called in the house's style.
    """
    with house_style():
        drawing = plot()
        png, pdf = io.BytesIO(), io.BytesIO()
        drawing.savefig(png, format="png", metadata={"Software": None})
        drawing.set_layout_engine("none")  # all has its place now: to seek it again takes as long
        drawing.savefig(pdf, format="pdf", metadata={
            "CreationDate": None, "Creator": None, "Producer": None})
    return Figure(name, title, caption, png.getvalue(), pdf.getvalue())


def quiet(axes: Axes, grid: str = "y") -> None:
    """Thin lines behind the data along one axis, and ticks that do not shout."""
    axes.grid(axis=grid, color=PALE, linewidth=0.5)  # type: ignore[arg-type]
    axes.set_axisbelow(True)
