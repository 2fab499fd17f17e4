"""A search in two pictures: how the best grew, and which keys mattered."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from cclcc_cli.experiments.search_plan import OWN_SETTING
from cclcc_cli.experiments.search_result import FEW, SearchResult, TrialResult
from cclcc_cli.files import write_atomic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which people who are colour-blind tell apart; shapes differ as well.
BLUE, ORANGE, GREEN, GRAY = "#0072B2", "#D55E00", "#009E73", "#767676"
_WIDTH, _HEIGHT = 5.0, 3.2
"""Inches: a column of a paper with readable letters."""


def draw_search(result: SearchResult, folder: Path) -> list[Path]:
    """Write ``history`` and, where there is one, ``importance`` as PNG and PDF; their paths."""
    with _look():
        written = _save(_draw_history(result), folder, "history")
        if result.importances:
            written += _save(_draw_importance(result), folder, "importance")
    return written


def _draw_history(result: SearchResult) -> "Figure":
    """Every trial's value by number, and the best up to it."""
    from matplotlib.ticker import MaxNLocator

    figure, axes = _figure()
    complete = [t for t in result.trials if t.state == "complete"]
    pruned = [t for t in result.trials if t.state == "pruned" and t.value is not None]
    failed = [t for t in result.trials if t.state == "failed"]
    first = [t for t in complete if t.source == OWN_SETTING]
    others = [t for t in complete if t not in first]
    _scatter(axes, others, "complete", BLUE, "o")
    _scatter(axes, pruned, "pruned, last value", GRAY, "x")
    _scatter(axes, first, "the base's own setting", GREEN, "D")
    if complete:
        numbers, best = _best_so_far(result, complete)
        axes.step(numbers, best, where="post", color=ORANGE, linewidth=1.5, label="best so far",
                  zorder=2)
    if failed:
        low = axes.get_ylim()[0]
        axes.plot([t.number for t in failed], [low] * len(failed), linestyle="none", marker="|",
                  markersize=9, color="black", label="failed", clip_on=False)
        axes.set_ylim(bottom=low)
    axes.set_xlabel("trial")
    axes.set_ylabel(_score(result))
    axes.set_title(f"{result.name}: {len(result.trials)} trials", loc="left")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3, frameon=False)
    return figure


def _scatter(
    axes: "Axes", trials: list[TrialResult], label: str, color: str, marker: str
) -> None:
    if trials:
        axes.scatter([t.number for t in trials], [t.value or 0.0 for t in trials], s=22,
                     color=color, marker=marker, label=label, zorder=3)


def _best_so_far(
    result: SearchResult, complete: list[TrialResult]
) -> tuple[list[int], list[float]]:
    better = max if result.higher else min
    numbers: list[int] = []
    best: list[float] = []
    for trial in complete:
        assert trial.value is not None
        numbers.append(trial.number)
        best.append(better(best[-1], trial.value) if best else trial.value)
    last = result.trials[-1].number
    if last > numbers[-1]:
        numbers.append(last)
        best.append(best[-1])
    return numbers, best


def _draw_importance(result: SearchResult) -> "Figure":
    """Each key's share as a bar, the largest on top, with its number."""
    keys = list(result.importances)[::-1]
    shares = [100 * result.importances[key] for key in keys]
    figure, axes = _figure(height=max(1.6, 0.9 + 0.35 * len(keys)))
    bars = axes.barh(keys, shares, color=BLUE)
    axes.bar_label(bars, [f"{share:.0f} %" for share in shares], padding=3)
    axes.set_xlim(0, max(shares) * 1.15)
    axes.set_xlabel(f"share of the differences in {_score(result)}")
    complete = result.counts.get("complete", 0)
    guess = ", a first guess" if complete < FEW else ""
    axes.set_title(f"{result.name}: PED-ANOVA over {complete} complete trials{guess}", loc="left")
    return figure


def _score(result: SearchResult) -> str:
    names = {"dice": "Dice", "iou": "IoU", "mae": "MAE", "hd95": "HD95", "assd": "ASSD"}
    return f"validation {names.get(result.objective, result.objective)}"


def _figure(height: float = _HEIGHT) -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    return figure, figure.subplots()


def _save(figure: "Figure", folder: Path, name: str) -> list[Path]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    paths = []
    for kind in ("png", "pdf"):
        content = BytesIO()
        # No date inside: the same result is the same bytes.
        metadata = {"CreationDate": None} if kind == "pdf" else None
        figure.savefig(content, format=kind, dpi=200, metadata=metadata)
        paths.append(folder / f"{name}.{kind}")
        write_atomic(paths[-1], content.getvalue())
    return paths


@contextmanager
def _look() -> Iterator[None]:
    import matplotlib as mpl

    with mpl.rc_context({"font.size": 9, "axes.titlesize": 9, "axes.spines.top": False,
                         "axes.spines.right": False, "pdf.fonttype": 42}):
        yield
