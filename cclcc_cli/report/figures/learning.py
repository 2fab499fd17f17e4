"""Learning curves: validation Dice and losses over steps, with their spread over seeds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from numpy.typing import NDArray

from cclcc_cli.errors import RunError
from cclcc_cli.report.evidence.weigh import Evidence
from cclcc_cli.report.figures.canvas import (
    BASELINE,
    BLUE,
    GREY,
    LOOKS,
    Look,
    quiet,
    render,
)
from cclcc_cli.report.figures.figure import Figure
from cclcc_cli.report.figures.names import group_names, seeds_text, wrap
from cclcc_cli.report.figures.panels import (
    MOST_PANELS,
    choose_best,
    label_shared,
    panel_grid,
    single_plot,
)
from cclcc_cli.report.gather.groups import Group
from cclcc_cli.runs.folder import RunFolder

_MOST_POINTS = 400
"""Of a curve; print shows no more."""
_LINES = len(LOOKS) + 1
_TERM_LOOKS = (*LOOKS, *(Look(look.color, (0, (2, 2)), "") for look in LOOKS))
Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Curve:
    """A quantity over steps: its mean over seeds, and the lowest and the highest seed.

    A step that one seed lacks, or where a seed's value is not finite, is left out.
    """

    steps: Values
    mean: Values
    low: Values
    high: Values
    num_seeds: int


@dataclass(frozen=True)
class History:
    """What a group's runs recorded: validation Dice, and each loss term by name."""

    name: str
    is_baseline: bool
    dice: Curve
    terms: dict[str, Curve]


def read_history(group: Group, name: str, is_baseline: bool) -> History:
    """Read a group's ``metrics.jsonl``.

    Raises:
        RunError: a run has no usable record.
    """
    seeds = []
    for run in group.runs:
        try:
            records = [record.plain() for record in RunFolder(run.path).records()]
            found = {int(r["step"]): r for r in records if isinstance(r.get("val"), dict)}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunError(f"{run.path / 'metrics.jsonl'}: cannot be read ({error})") from None
        if not found:
            raise RunError(f"{run.path / 'metrics.jsonl'}: holds no validation")
        seeds.append(found)
    terms = dict.fromkeys(term for seed in seeds for record in seed.values()
                          for term in record.get("train", {}))
    dice = _curve(seeds, "val", "dice")
    if not len(dice.steps):
        raise RunError(f"{group.first.path / 'metrics.jsonl'}: no step has a validation Dice of "
                       "every seed")
    return History(
        name, is_baseline, dice,
        {term: _curve(seeds, "train", term) for term in terms},
    )


def draw_learning(
    evidence: Sequence[Evidence], suffix: str, place: str
) -> tuple[list[Figure], list[str]]:
    """Validation curves and losses of one place's groups, and notes on runs without records.

    Args:
        evidence: groups with the same data and labels.
        suffix: of the names, where there are several places.
        place: in words.
    """
    chosen, left_out = choose_best(evidence, MOST_PANELS)
    names = group_names([found.group for found in evidence])
    histories, notes = [], []
    for found in chosen:
        try:
            history = read_history(found.group, names[found.group.first.group], found.is_baseline)
        except RunError as error:
            notes.append(f"no learning curve: {error}")
            continue
        histories.append(history)
    if not histories:
        return [], notes
    rest = f" Shown: {left_out}." if left_out else ""
    groups = [found.group for found in chosen]
    several = any(len(group.runs) > 1 for group in groups)
    spread = "Lines are means, bands reach from the lowest to the highest seed. " if several else ""
    said = f"over optimiser steps ({place}; {seeds_text(groups)}). {spread}"
    grey = "The dashed line repeats the baseline. "
    baseline = any(history.is_baseline for history in histories)
    return [
        render(f"learning-curves{suffix}", "Validation Dice while learning",
               f"Mean Dice of the validation images {said}"
               f"{grey if len(histories) > _LINES and baseline else ''}{rest}".rstrip(),
               lambda: plot_dice(histories)),
        render(f"losses{suffix}", "Losses while learning",
               f"Training loss and its terms, means since the last validation, {said}"
               f"Terms are before their weights; 'sure' is the share of pixels that count, no "
               f"loss.{rest}", lambda: plot_losses(histories)),
    ], notes


def plot_dice(histories: Sequence[History]) -> Drawing:
    """Lines in one plot while they can be told apart, else a panel a group."""
    if len(histories) > _LINES:
        return _plot_panels(histories)
    drawing, axes, columns = single_plot([history.name for history in histories], 2.2)
    looks = iter(LOOKS)
    for history in histories:
        look = BASELINE if history.is_baseline else next(looks, BASELINE)
        _plot_curve(axes, history.dice, look, 100, history.name)
    axes.set_xlabel("optimiser steps")
    axes.set_ylabel("validation Dice, %")
    quiet(axes)
    drawing.legend(loc="outside lower center", ncols=columns, handlelength=3)
    return drawing


def _plot_panels(histories: Sequence[History]) -> Drawing:
    drawing, panels = panel_grid(len(histories), 1.25)
    baselines = [history for history in histories if history.is_baseline]
    for axes, history in zip(panels, histories, strict=True):
        for baseline in baselines:
            axes.plot(baseline.dice.steps, 100 * baseline.dice.mean, color=GREY, linewidth=0.8,
                      linestyle=(0, (3, 2)), gid="baseline")
        _plot_curve(axes, history.dice, Look(BLUE, "-", ""), 100, history.name)
        axes.set_title(wrap(history.name, 26))
        quiet(axes)
    label_shared(drawing, panels, "optimiser steps", "validation Dice, %")
    return drawing


def plot_losses(histories: Sequence[History]) -> Drawing:
    """A panel a group, a line a term, logarithmic where all are above zero."""
    terms = list(dict.fromkeys(term for history in histories for term in history.terms))
    looks = {term: _TERM_LOOKS[n % len(_TERM_LOOKS)]
             for n, term in enumerate(t for t in terms if t != "total")}
    looks["total"] = Look(BASELINE.color, "-", "")
    legend_rows = -(-len(terms) // (2 if len(histories) <= 2 else 5))
    drawing, panels = panel_grid(len(histories), 1.35, 0.4 + 0.14 * legend_rows)
    for axes, history in zip(panels, histories, strict=True):
        for term in sorted(history.terms, key="total".__ne__):  # below its largest term
            look = looks[term]
            _plot_curve(axes, history.terms[term], Look(look.color, look.dashes, ""), 1, term,
                        width=2.4 if term == "total" else 1.2)
        axes.set_title(wrap(history.name, 26))
        quiet(axes)
    values = [curve.low.min() for history in histories for curve in history.terms.values()
              if len(curve.low)]
    if values and min(values) > 0:
        panels[0].set_yscale("log")
        panels[0].yaxis.set_major_formatter(lambda value, _place: f"{value:g}")
    handles = {line.get_label(): line for axes in panels for line in axes.get_lines()}
    drawing.legend(handles=[handles[term] for term in terms if term in handles],
                   loc="outside upper center", ncols=2 if len(histories) <= 2 else 5,
                   handlelength=3)
    label_shared(drawing, panels, "optimiser steps", "mean loss")
    return drawing


def _plot_curve(
    axes: Axes, curve: Curve, look: Look, factor: float, label: str, width: float = 1.2
) -> None:
    kept = slice(None, None, -(-len(curve.steps) // _MOST_POINTS) or 1)
    steps = curve.steps[kept]
    if curve.num_seeds > 1:
        axes.fill_between(steps, factor * curve.low[kept], factor * curve.high[kept],
                          color=look.color, alpha=0.18, linewidth=0, gid="band")
    every = max(1, len(steps) // 6)
    axes.plot(steps, factor * curve.mean[kept], color=look.color, linestyle=look.dashes,
              marker=look.marker or None, markevery=every, label=label, linewidth=width,
              gid="curve")


def _curve(seeds: Sequence[dict[int, dict[str, Any]]], part: str, name: str) -> Curve:
    common = sorted(set.intersection(*(set(seed) for seed in seeds)))
    rows = np.array(
        [[_number(seed[step].get(part, {}).get(name)) for step in common] for seed in seeds],
        dtype=np.float64,
    ).reshape(len(seeds), len(common))
    sound = np.isfinite(rows).all(axis=0)
    rows = rows[:, sound]
    return Curve(np.array(common, dtype=np.float64)[sound], rows.mean(axis=0),
                 rows.min(axis=0), rows.max(axis=0), len(seeds))


def _number(value: object) -> float:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if known else float("nan")  # type: ignore[arg-type]
