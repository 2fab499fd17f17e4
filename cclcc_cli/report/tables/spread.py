"""Beside the mean: spread, failures and the worst tenth of each group."""

from collections.abc import Sequence
from dataclasses import replace

from cclcc_cli.metrics.scores import Metric, heading, metric_name, metric_title, score_of
from cclcc_cli.report.evidence.spread import FAILURE, measure_spread
from cclcc_cli.report.evidence.stacks import stack_runs
from cclcc_cli.report.evidence.weigh import Evidence, primary_metric
from cclcc_cli.report.gather.finished import Split
from cclcc_cli.report.gather.groups import data_names
from cclcc_cli.report.gather.images import RunScores
from cclcc_cli.report.tables.columns import NAME, data_column, group_values, row_names
from cclcc_cli.report.tables.table import (
    Column,
    Interval,
    Row,
    Table,
    Value,
    stored_columns,
    two_places,
)


def spread_keys(metric: Metric) -> list[str]:
    """Names of ``spread_values``."""
    name = metric_name(metric)
    return [*(f"{name}_{what}" for what in ("median", "q1", "q3", "worst_tenth")), "failures"]


def spread_values(found: Evidence, scores: RunScores, dice: RunScores | None) -> dict[str, Value]:
    """A group's spread, scores as shares of 1; None where it has no scores.

    Args:
        found: a group.
        scores: the primary score of its images, by run folder.
        dice: Dice of the same images.
    """
    keys, stack = spread_keys(found.metric), stack_runs(found.group.runs, scores)
    if stack is None:
        return dict.fromkeys(keys)
    spread = measure_spread(stack, stack_runs(found.group.runs, dice or {}))
    return dict(zip(keys, (spread.median, spread.lower, spread.upper, spread.worst_tenth,
                           spread.failures), strict=True))


def build_spread(
    evidence: Sequence[Evidence], scores: RunScores, dice: RunScores, split: Split
) -> Table:
    """A row per group: what stands beside its mean."""
    metric = primary_metric(evidence)
    groups, name = [found.group for found in evidence], metric_name(metric)
    median, low, high, worst, failures = spread_keys(metric)

    def score(key: str, title: str) -> Column:
        return Column(key, title, score_of(metric).unit, form=two_places, missing="none")

    rows = []
    for found, row_name in zip(evidence, row_names(groups), strict=True):
        values = spread_values(found, scores, dice)
        lower, upper = values[low], values[high]
        rows.append(Row({
            **named_values(found, row_name),
            f"{name}_mean": found.estimate.mean if found.estimate else None, **values,
            "quartiles": Interval(*(each if isinstance(each, float) else None
                                    for each in (lower, upper)))}))
    title = f"{data_names(groups)}: {split} {metric_title(metric)} beside its mean"
    return Table("rows", title, [
        *named_columns(evidence), score(f"{name}_mean", f"mean {heading(metric)}"),
        score(median, "median"), *stored_columns([low, high]),
        replace(score("quartiles", "quartiles"), fields=()),
        Column(failures, "failures %", "%", form="{:.1f}".format, missing="none"),
        score(worst, "worst tenth")], rows, [
            "Each within a run, then averaged over runs. Failures: images with Dice below "
            f"{100 * FAILURE:g} %; worst tenth: the mean {metric_title(metric)} of the worst tenth "
            "of the images."])


def named_columns(evidence: Sequence[Evidence]) -> list[Column]:
    """Which group a row is: one cell on pages."""
    return [data_column([found.group for found in evidence]), NAME,
            *stored_columns(["method", "recipe", "group"]),
            Column("labels", fields=("labeled", "train_images"), shown=False),
            Column("seeds", fields=("seeds", "folds", "label_subsets"), shown=False),
            *stored_columns(["metric"])]


def named_values(found: Evidence, name: str) -> dict[str, Value]:
    """The values of ``named_columns``."""
    return {**group_values(found.group), "name": name, "metric": metric_name(found.metric)}
