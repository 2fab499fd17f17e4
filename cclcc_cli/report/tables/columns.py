"""Columns that several tables have: which group a row is, its scores, what it differs by."""

import statistics
from collections.abc import Iterable, Sequence

from cclcc_cli.metrics.scores import (
    ALL_METRICS,
    MAIN,
    Metric,
    heading,
    metric_name,
    score_of,
)
from cclcc_cli.report.evidence.findings import SEEDS_AHEAD, Estimate
from cclcc_cli.report.evidence.verdicts import Comparison
from cclcc_cli.report.gather.finished import Split
from cclcc_cli.report.gather.groups import Group, look_alike, row_name
from cclcc_cli.report.prose.numbers import DIFFERENCE, p_text, used_p_text, verdict_text
from cclcc_cli.report.tables.table import (
    Change,
    Column,
    Interval,
    Repeats,
    Several,
    Share,
    Value,
    stored_columns,
    two_places,
)

MAIN_METRICS: tuple[Metric, ...] = (MAIN, ("working", "iou"), ("own", "dice"))
NAME = Column("name", "group", is_key=True, fields=())
"""A group in one cell, for pages alone."""


def shown_metrics(primary: Metric, every: bool = False) -> tuple[Metric, ...]:
    """A table's scores: the primary one first, then the main ones, or all there are."""
    return tuple(dict.fromkeys((primary, *(ALL_METRICS if every else MAIN_METRICS))))


def data_column(groups: Sequence[Group]) -> Column:
    """The data set, which pages show where there are several."""
    several = len({group.first.data for group in groups}) > 1
    return Column("data", "data", is_key=True, shown=several, constant="")


def seeds_and_steps() -> list[Column]:
    """The columns of ``size_values``."""
    return [
        Column("seeds", "seeds", constant=" seeds", fields=("seeds", "folds", "label_subsets")),
        Column("steps", "steps", constant=" steps", fields=("steps_min", "steps_max"))]


def group_columns(groups: Sequence[Group]) -> list[Column]:
    """Which group a row is, and how it was trained."""
    return [
        data_column(groups), Column("method", "method", is_key=True),
        Column("recipe", "recipe", is_key=True, repeats="method"),
        *stored_columns(["group", "split"]),
        Column("labels", "labels", is_key=True, constant=" labels",
               fields=("labeled", "train_images")),
        *seeds_and_steps()]


def digest_column(groups: Sequence[Group]) -> Column:
    """What tells groups apart that look alike."""
    return Column("digest", "group", shown=look_alike(groups), fields=())


def group_values(group: Group) -> dict[str, Value]:
    """The values of ``group_columns``, but for the split, and of ``digest_column``."""
    first = group.first
    return {
        "data": first.data, "method": first.method, "recipe": group.recipe,
        "group": first.group, "labels": Share(first.labeled, first.train_images),
        **size_values([group]), "digest": group.digest}


def size_values(groups: Sequence[Group]) -> dict[str, Value]:
    """How often groups that are alike in that were trained, and how long."""
    first = groups[0]
    return {
        "seeds": Repeats(len(first.seeds), len(first.folds) or None, len(first.subsets) or None),
        "steps": Several(tuple(sorted({run.steps for group in groups for run in group.runs})))}


def row_names(groups: Sequence[Group]) -> list[str]:
    """Each group in one cell."""
    alike = look_alike(groups)
    return [row_name(group, alike) for group in groups]


def score_column(metric: Metric) -> Column:
    """Mean and spread over seeds, or folds."""
    row, name, key = score_of(metric), metric_name(metric), metric[1]
    return Column(
        name, heading(metric), row.unit, "more" if row.more_is_better else "less", two_places,
        missing="none", fields=(f"{name}_mean", f"{name}_std", f"{name}_n"),
        repeats=metric_name(("working", key)) if metric[0] == "own" else "")


def score_values(group: Group, split: Split, metrics: Sequence[Metric]) -> dict[str, Value]:
    """The values of ``score_column``, one for each score."""
    return {metric_name(metric): group.summary(split, metric) for metric in metrics}


def interval_column(metric: Metric) -> Column:
    """Of the primary score's mean."""
    name = metric_name(metric)
    return Column("interval", "95 % interval", score_of(metric).unit, form=two_places,
                  missing="none", fields=(f"{name}_low", f"{name}_high"))


def interval_value(estimate: Estimate | None) -> Interval:
    """The value of ``interval_column``."""
    return Interval(estimate.low, estimate.high) if estimate else Interval(None, None)


def change_column(metric: Metric, key: str = "change", title: str = DIFFERENCE) -> Column:
    """A difference and its interval, for pages; its numbers have columns of their own."""
    return Column(key, title, score_of(metric).unit, form=two_places, fields=())


_BEFORE_VERDICT = (
    "baseline", "baseline_recipe", "comparisons", "difference", "difference_low",
    "difference_high", "family_low", "family_high", "difference_images", "pairing", "repetitions",
    "seeds_left_over", "seed_correlation", "effect", "p", "p_holm", "p_wilcoxon",
    "p_wilcoxon_holm", "p_sign_flip", "p_sign_flip_holm", "margin", "within_margin")
_GAINS = ("smallest_gain", *(f"smallest_gain_{count}_seeds" for count in SEEDS_AHEAD))


def comparison_columns(metric: Metric) -> list[Column]:
    """A difference from a baseline: three columns on pages, everything in CSV and JSON.

    ``difference_low`` to ``difference_high`` is of the comparison alone; ``family_low`` to
    ``family_high``, which pages show, holds with the family's others at once.
    """
    return [
        change_column(metric), Column("used_p", "p (Holm)", form=p_text, fields=()),
        *stored_columns(_BEFORE_VERDICT), Column("verdict", "verdict"), *stored_columns(_GAINS)]


def comparison_values(
    comparison: Comparison | None, without: str
) -> tuple[dict[str, Value], dict[str, str]]:
    """The values of ``comparison_columns``, scores as shares of 1, and words in their place.

    Args:
        comparison: None where there is none.
        without: what a page then says.
    """
    if comparison is None:
        nothing = ("change", "used_p", *_BEFORE_VERDICT, "verdict", *_GAINS)
        return dict.fromkeys(nothing), {"change": without}
    found, inside = comparison.difference, comparison.family > 0
    values: list[Value] = [
        comparison.baseline.first.group, comparison.baseline.recipe, comparison.family, found.mean,
        found.low, found.high, comparison.low if inside else None,
        comparison.high if inside else None, found.num_images, found.pairing,
        found.num_repetitions, " ".join(map(str, comparison.left_over)), found.correlation,
        found.effect, found.p, comparison.p if inside else None, found.p_wilcoxon,
        comparison.p_wilcoxon if inside else None, found.p_sign_flip,
        comparison.p_sign_flip if inside else None, comparison.margin, comparison.within_margin]
    return {
        "change": Change(found.mean, comparison.low, comparison.high), "used_p": comparison.p,
        **dict(zip(_BEFORE_VERDICT, values, strict=True)), "verdict": comparison.verdict,
        **dict(zip(_GAINS, (found.smallest_gain, *found.gains_ahead), strict=True)),
    }, {"used_p": used_p_text(comparison), "verdict": verdict_text(comparison)}


def comparison_marks(comparison: Comparison | None, key: str) -> dict[str, str]:
    """``*`` better than the baseline, ``†`` worse; none without a family of comparisons."""
    if comparison is None or not comparison.significant:
        return {}
    return {key: "*" if comparison.verdict == "better" else "†"}


def mean_of(values: Iterable[float | None]) -> float | None:
    """Over those that are known; None where none is."""
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


