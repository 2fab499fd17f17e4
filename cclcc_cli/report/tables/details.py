"""What stands behind a verdict and what groups cost, laid out beside the main table."""

from collections.abc import Sequence

from cclcc_cli.metrics.scores import heading, in_unit
from cclcc_cli.report.evidence.statistics import SEEDS_AHEAD, Difference
from cclcc_cli.report.evidence.weigh import Evidence, judged_metric
from cclcc_cli.report.gather.details import GroupDetails
from cclcc_cli.report.gather.groups import look_alike, row_name
from cclcc_cli.report.prose import evidence as words
from cclcc_cli.report.tables.costs import COLUMNS as COST_COLUMNS
from cclcc_cli.report.tables.costs import cost_cells
from cclcc_cli.report.tables.layouts import Layout

STATISTICS_COLUMNS = (
    "spread of images", "of seeds", "of the rest", words.DIFFERENCE, "paired by",
    "seeds' correlation", "p", "p (Holm)", "p Wilcoxon", "p sign flips", "effect (d)",
    "smallest gain", *(f"with {count} seeds" for count in SEEDS_AHEAD))
_ABOUT_COMPARISON = len(STATISTICS_COLUMNS) - 3
COSTS_COLUMNS = ("group", "steps", "images learnt from, in all", "minutes", *COST_COLUMNS)


def lay_out_statistics(evidence: Sequence[Evidence]) -> Layout:
    """A row per group: how much images and seeds vary, and every p there is."""
    alike, metric = look_alike([found.group for found in evidence]), judged_metric(evidence)
    rows = []
    for found in evidence:
        estimate, comparison = found.estimate, found.comparison
        row = [row_name(found.group, alike)]
        row += (["", "", "", "", "", ""] if estimate is None else [
            str(estimate.num_seeds), str(estimate.num_images),
            f"{in_unit(estimate.mean, metric):.2f}",
            *("" if spread is None else f"{in_unit(spread, metric):.2f}"
              for spread in (estimate.image_std, estimate.seed_std, estimate.rest_std))])
        if comparison is None:
            rows.append([*row, found.obstacle or ("baseline" if found.is_baseline else
                                                  "no baseline"), *[""] * (_ABOUT_COMPARISON - 1)])
            continue
        difference = comparison.difference
        rows.append([
            *row, words.points_text(comparison), paired_text(difference),
            words.correlation_text(difference.correlation), words.p_text(difference.p),
            words.p_text(comparison.p) if comparison.family else "",
            words.p_text(difference.p_wilcoxon), words.p_text(difference.p_sign_flip),
            "" if difference.effect is None else f"{difference.effect:+.2f}",
            *words.gains_cells(comparison)])
    return plain_layout(
        ["group", "seeds", "images", f"mean {heading(metric)}", *STATISTICS_COLUMNS], rows)


def paired_text(difference: Difference) -> str:
    """As ``3 seeds``, or that none is shared."""
    if difference.pairing == "none":
        return "images alone"
    count = difference.num_repetitions
    what = difference.pairing.removesuffix("s") if count == 1 else difference.pairing
    return f"{count} {what}"


def lay_out_costs(groups: Sequence[GroupDetails]) -> Layout:
    """A row per group: steps, images seen and time, which a fair comparison has alike."""
    alike = look_alike([group.group for group in groups])
    rows = []
    for group in groups:
        steps = sorted({run.run.steps for run in group.runs})
        images = [run.run.costs.learning_images * run.run.steps for run in group.runs
                  if run.run.costs is not None]
        seconds = [run.status["seconds"] for run in group.runs
                   if isinstance(run.status.get("seconds"), int | float)]
        rows.append([
            row_name(group.group, alike), "/".join(map(str, steps)), _mean(images, 1, ".0f"),
            _mean(seconds, 60, ".1f"), *cost_cells(group.group)])
    return plain_layout(COSTS_COLUMNS, rows)


def plain_layout(
    columns: Sequence[str], rows: Sequence[Sequence[str]], num_keys: int = 1
) -> Layout:
    """A table in which nothing stands out."""
    return Layout(columns, rows, [[0] * len(columns) for _ in rows],
                  [[""] * len(columns) for _ in rows], [], num_keys)


def _mean(values: Sequence[float], unit: float, form: str) -> str:
    return format(sum(values) / len(values) / unit, form) if values else ""
