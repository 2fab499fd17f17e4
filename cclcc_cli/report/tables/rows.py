"""The main table: a row per group, its scores and how it differs from its baseline."""

from collections.abc import Sequence

from cclcc_cli.metrics.scores import Metric, metric_name
from cclcc_cli.report.evidence.weigh import Evidence, primary_metric
from cclcc_cli.report.gather.finished import Split
from cclcc_cli.report.gather.images import RunScores
from cclcc_cli.report.tables.best import mark_best, rule_between
from cclcc_cli.report.tables.columns import (
    comparison_columns,
    comparison_marks,
    comparison_values,
    digest_column,
    group_columns,
    group_values,
    interval_column,
    interval_value,
    score_column,
    score_values,
)
from cclcc_cli.report.tables.spread import spread_keys, spread_values
from cclcc_cli.report.tables.table import Row, Table, Value, stored_columns

_DEVIATIONS = ("image_std", "seed_std", "rest_std")


def build_rows(
    evidence: Sequence[Evidence], split: Split, metrics: Sequence[Metric], title: str,
    *, scores: RunScores | None = None, dice: RunScores | None = None,
    sentences: Sequence[str] = (),
) -> Table:
    """A row per group; compared are those with the same data and labels.

    Args:
        evidence: of every group.
        split: whose scores.
        metrics: that are shown, the primary one among them.
        title: of the table.
        scores: the primary score of the images, by run folder, for CSV and JSON.
        dice: Dice of the same images.
        sentences: what the table says.
    """
    groups, metric = [found.group for found in evidence], primary_metric(evidence)
    name = metric_name(metric)
    score_columns = [score_column(each) for each in metrics]
    columns = [
        *group_columns(groups), *score_columns, digest_column(groups),
        *stored_columns(["metric"]), interval_column(metric),
        *stored_columns([*(f"{name}_{what}" for what in _DEVIATIONS), "image_groups"]),
        *comparison_columns(metric), *stored_columns(spread_keys(metric))]
    rows = []
    for found in evidence:
        values, words = evidence_values(found)
        rows.append(Row({
            **group_values(found.group), "split": split,
            **score_values(found.group, split, metrics), **values,
            **(spread_values(found, scores, dice) if scores is not None else {}),
        }, words, comparison_marks(found.comparison, name)))
    places = [group.place for group in groups]
    return Table("rows", title, columns,
                 rule_between(mark_best(rows, score_columns, places), places), sentences)


def evidence_values(found: Evidence) -> tuple[dict[str, Value], dict[str, str]]:
    """The primary score's statistics and the comparison with a baseline, and words in cells."""
    name = metric_name(found.metric)
    compared, words = comparison_values(
        found.comparison,
        found.obstacle or ("baseline" if found.is_baseline else "no baseline"))
    return {
        "metric": name, "interval": interval_value(found.estimate),
        **{f"{name}_{what}": getattr(found.estimate, what) if found.estimate else None
           for what in _DEVIATIONS},
        "image_groups": found.num_groups, **compared}, words
