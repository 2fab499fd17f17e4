"""What stands behind verdicts: how much images and seeds vary, and every p there is."""

from collections.abc import Sequence

from cclcc_cli.metrics.scores import heading, metric_title, score_of
from cclcc_cli.report.evidence.findings import SEEDS_AHEAD
from cclcc_cli.report.evidence.weigh import Evidence, primary_metric
from cclcc_cli.report.prose.numbers import p_text, paired_text
from cclcc_cli.report.tables.columns import NAME, change_column, row_names
from cclcc_cli.report.tables.rows import evidence_values
from cclcc_cli.report.tables.table import Column, Row, Table, Value, two_places

signed = "{:+.2f}".format


def build_statistics(evidence: Sequence[Evidence]) -> Table:
    """A row per group: spreads, pairing, every p, and the gains that this design can find."""
    metric = primary_metric(evidence)
    unit, points = score_of(metric).unit, score_of(metric).difference_unit
    columns = [
        NAME, Column("seeds", "seeds"), Column("images", "images"),
        Column("mean", f"mean {heading(metric)}", unit, form=two_places),
        *(Column(f"{what}_std", title, unit, form=two_places) for what, title in (
            ("image", "spread of images"), ("seed", "of seeds"), ("rest", "of the rest"))),
        change_column(metric), Column("paired_by", "paired by"),
        Column("seed_correlation", "seeds' correlation", form=signed),
        *(Column(key, title, form=p_text) for key, title in (
            ("p", "p"), ("p_holm", "p (Holm)"), ("p_wilcoxon", "p Wilcoxon"),
            ("p_sign_flip", "p sign flips"))),
        Column("effect", "effect (d)", form=signed),
        Column("smallest_gain", "smallest gain", unit, form=two_places),
        *(Column(f"smallest_gain_{count}_seeds", f"with {count} seeds", unit, form=two_places)
          for count in SEEDS_AHEAD)]
    rows = [_row(found, name) for found, name in zip(
        evidence, row_names([found.group for found in evidence]), strict=True)]
    return Table("statistics", "Behind the verdicts", columns, rows, [
        f"Spreads are standard deviations in {points} of {metric_title(metric)}: between images, "
        "between seeds, and what is left. p counts images and seeds; Wilcoxon and sign flips count "
        f"images alone, before correction. Smallest gain, in {points}: the true difference that "
        "this design finds four times in five, if it alone is tested, now and with more seeds."])


def _row(found: Evidence, name: str) -> Row:
    estimate, comparison = found.estimate, found.comparison
    compared, words = evidence_values(found)
    values: dict[str, Value] = {"name": name, **compared}
    if estimate:
        values |= {"seeds": estimate.num_seeds, "images": estimate.num_images,
                   "mean": estimate.mean, "image_std": estimate.image_std,
                   "seed_std": estimate.seed_std, "rest_std": estimate.rest_std}
    if comparison:
        values["paired_by"] = paired_text(comparison.difference)
        if not comparison.difference.allows_verdict:
            values["smallest_gain"] = None
    return Row(values, {key: word for key, word in words.items() if key == "change"})
