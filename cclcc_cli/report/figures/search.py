"""A search in two pictures: how the best grew, and which keys mattered."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import MaxNLocator

from cclcc_cli.config.search_summary import FEW, OWN_SETTING, SearchSummary, TrialSummary
from cclcc_cli.metrics.scores import score
from cclcc_cli.report.figures.canvas import (
    BLUE,
    GREEN,
    GREY,
    SINGLE,
    VERMILLION,
    new_drawing,
    quiet,
    render,
)
from cclcc_cli.report.figures.figure import Drawn
from cclcc_cli.report.figures.importance import draw_importance
from cclcc_cli.wording import counted

_HEIGHT = 2.4
"""Inches."""


def draw_search(result: SearchSummary) -> Drawn:
    """The history of its trials and, where it is known, what each key explains."""
    history = render(
        "history", f"{result.name}: trials",
        f"The {_score(result)} of {counted(len(result.trials), 'trial')} in their order, and the "
        "best so far.",
        lambda: plot_history(result),
    )
    if not result.importances:
        return Drawn([history], result.notes)
    complete = result.counts.get("complete", 0)
    guess = "; from so few a first guess" if complete < FEW else ""
    importance, notes = draw_importance(
        result.importances, _score(result), complete, f"PED-ANOVA{guess}")
    return Drawn([history, *([importance] if importance else [])], [*result.notes, *notes])


def plot_history(result: SearchSummary) -> Drawing:
    """Every trial's value by number, and the best up to it."""
    drawing = new_drawing(SINGLE, _HEIGHT)
    axes = drawing.add_subplot()
    complete = [t for t in result.trials if t.state == "complete"]
    pruned = [t for t in result.trials if t.state == "pruned" and t.value is not None]
    failed = [t for t in result.trials if t.state == "failed"]
    first = [t for t in complete if t.source == OWN_SETTING]
    _scatter(axes, [t for t in complete if t not in first], "complete", BLUE, "o")
    _scatter(axes, pruned, "pruned, last value", GREY, "x")
    _scatter(axes, first, "the base's own setting", GREEN, "D")
    if complete:
        numbers, best = best_so_far(result)
        axes.step(numbers, best, where="post", color=VERMILLION, label="best so far", zorder=2)
    if failed:
        low = axes.get_ylim()[0]
        axes.plot([t.number for t in failed], [low] * len(failed), linestyle="none", marker="|",
                  markersize=9, color="black", label="failed", clip_on=False)
        axes.set_ylim(bottom=low)
    axes.set_xlabel("trial")
    axes.set_ylabel(_score(result))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    quiet(axes)
    drawing.legend(loc="outside lower center", ncols=2)
    return drawing


def _scatter(axes: Axes, trials: list[TrialSummary], label: str, color: str, marker: str) -> None:
    if trials:
        axes.scatter([t.number for t in trials], [t.value or 0.0 for t in trials], s=12,
                     color=color, marker=marker, label=label, zorder=3)


def best_so_far(result: SearchSummary) -> tuple[list[int], list[float]]:
    """Numbers of the complete trials and the best value up to each, drawn on to the last trial."""
    better = max if score(result.objective).more_is_better else min
    numbers: list[int] = []
    best: list[float] = []
    for trial in result.trials:
        if trial.state == "complete" and trial.value is not None:
            numbers.append(trial.number)
            best.append(better(best[-1], trial.value) if best else trial.value)
    last = result.trials[-1].number
    if last > numbers[-1]:
        numbers.append(last)
        best.append(best[-1])
    return numbers, best


def _score(result: SearchSummary) -> str:
    return f"validation {score(result.objective).title}"
