"""Differences, intervals, p and verdicts in a few characters, for sentences and cells alike."""

from cclcc_cli.metrics.scores import MAIN, Metric, in_unit, score_of
from cclcc_cli.report.evidence.findings import Difference
from cclcc_cli.report.evidence.verdicts import Comparison

DIFFERENCE = "difference from baseline"


def p_text(p: float) -> str:
    """Three places; less is not told apart."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def used_p_text(comparison: Comparison) -> str:
    """The p that a verdict rests on: none of an estimate, over images of one seed."""
    if comparison.verdict == "estimate only":
        return ""
    images = " (images)" if comparison.verdict == "these two trainings" else ""
    return f"{p_text(comparison.p)}{images}"


def verdict_text(comparison: Comparison) -> str:
    """The verdict; and where a significant difference lies within the margin, that as well."""
    both = comparison.within_margin and comparison.verdict in ("better", "worse")
    return f"{comparison.verdict} (within the margin)" if both else comparison.verdict


def interval_text(low: float | None, high: float | None, metric: Metric = MAIN) -> str:
    """In the score's unit."""
    if low is None or high is None:
        return "none"
    return f"{in_unit(low, metric):.2f} to {in_unit(high, metric):.2f}"


def difference_text(
    mean: float, low: float | None, high: float | None, metric: Metric
) -> str:
    """As ``+1.20 (0.10 to 2.30)``."""
    return f"{in_unit(mean, metric):+.2f} ({interval_text(low, high, metric)})"


def points_text(comparison: Comparison) -> str:
    """The difference and its interval in the score's unit: points, or pixels."""
    return difference_text(comparison.difference.mean, comparison.low, comparison.high,
                           comparison.metric)


def change_text(comparison: Comparison) -> str:
    """The same in a sentence, as ``+1.20 (0.10 to 2.30) points``."""
    return f"{points_text(comparison)} {score_of(comparison.metric).difference_unit}"


def margin_text(comparison: Comparison) -> str:
    """As ``±2 points``, or ``±2 px``."""
    metric = comparison.metric
    return f"±{in_unit(comparison.margin, metric):g} {score_of(metric).difference_unit}"


def paired_text(difference: Difference) -> str:
    """What a difference is paired by, as ``3 seeds``."""
    if difference.pairing == "none":
        return "images alone"
    count = difference.num_repetitions
    what = difference.pairing.removesuffix("s") if count == 1 else difference.pairing
    return f"{count} {what}"
