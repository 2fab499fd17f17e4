"""Evidence as a reader sees it: columns beside the scores, sentences below, numbers for scripts."""

from collections.abc import Sequence
from dataclasses import asdict

from cclcc_cli.metrics.scores import (
    MAIN,
    Metric,
    in_unit,
    metric_name,
    metric_title,
    score_of,
)
from cclcc_cli.report.evidence import Comparison, Evidence
from cclcc_cli.report.statistics import LEVEL, Difference
from cclcc_cli.report.tables import Record, look_alike, row_name
from cclcc_cli.wording import few

COLUMNS = ("95 % interval", "less baseline", "p (Holm)", "verdict")
"""Of the judged score's mean, and of the difference; ``p`` after Holm's correction."""

ONE_SEED = ("Where a side has one seed the noise of seeds is unknown: the verdict is on these "
            "trainings, not on the methods.")
ONE_IMAGE = "One image stands for no other: no interval, p is 1."


def evidence_cells(found: Evidence) -> list[str]:
    """The columns' cells."""
    estimate, comparison = found.estimate, found.comparison
    interval = "none" if estimate is None else interval_text(
        estimate.low, estimate.high, found.metric)
    if comparison is None:
        word = found.obstacle or ("baseline" if found.is_baseline else "no baseline")
        return [interval, word, "", ""]
    return [interval, points_text(comparison.difference, found.metric), p_text(comparison.p),
            verdict_text(comparison)]


def evidence_record(found: Evidence, family: int) -> Record:
    """Everything as numbers, scores as shares of 1; None where it does not apply.

    Args:
        found: of one arm.
        family: how many comparisons Holm's correction is over.
    """
    estimate = found.estimate
    metric = metric_name(found.metric)
    record: Record = {f"{metric}_{name}": getattr(estimate, name) if estimate else None
                      for name in ("low", "high", "image_std", "seed_std", "rest_std")}
    return {"metric": metric, **record, **comparison_record(found.comparison, family)}


def comparison_record(comparison: Comparison | None, family: int) -> Record:
    """A difference from a baseline as numbers; None where there is none."""
    told = asdict(comparison.difference) if comparison else {}
    return {
        "baseline": comparison.baseline.first.arm if comparison else None,
        "baseline_recipe": comparison.baseline.recipe if comparison else None,
        "comparisons": family if comparison else None,
        "difference": told.get("mean"),
        "difference_low": told.get("low"),
        "difference_high": told.get("high"),
        "difference_images": told.get("num_images"),
        "effect": told.get("effect"),
        "p": told.get("p"),
        "p_holm": comparison.p if comparison else None,
        "p_wilcoxon": told.get("p_wilcoxon"),
        "p_wilcoxon_holm": comparison.p_wilcoxon if comparison else None,
        "p_sign_flip": told.get("p_sign_flip"),
        "p_sign_flip_holm": comparison.p_sign_flip if comparison else None,
        "verdict": comparison.verdict if comparison else None,
        "seed_noise_known": told.get("seed_noise_known"),
        "seeds_needed": told.get("seeds_needed"),
    }


def summarize(evidence: Sequence[Evidence]) -> list[str]:
    """What the table says, in sentences: which is better, by how much, what is noise."""
    groups: dict[tuple[str, int, str], list[Evidence]] = {}
    for found in evidence:
        if found.comparison:
            first = found.arm.first
            key = (first.data, first.labeled, found.comparison.baseline.first.arm)
            groups.setdefault(key, []).append(found)
    alike = look_alike([found.arm for found in evidence])
    sentences = [sentence for group in groups.values() for sentence in _group(group, alike)]
    sentences += [
        f"{row_name(found.arm, alike)} is compared on the {shared} images that it shares with its "
        f"baseline, not on all of its {found.estimate.num_images}."
        for found in evidence if found.comparison and found.estimate
        and (shared := found.comparison.difference.num_images) < found.estimate.num_images
    ]
    if any(found.comparison and not found.comparison.difference.seed_noise_known
           for found in evidence):
        sentences.append(ONE_SEED)
    if any(found.estimate and found.estimate.num_images == 1 for found in evidence):
        sentences.append(ONE_IMAGE)
    family = count_comparisons(evidence)
    if family > 1:
        sentences.append(family_text(family))
    return sentences


def family_text(family: int) -> str:
    """What p is after."""
    return (f"p is after Holm's correction over {family} comparisons; images and, "
            "where there are several, seeds count as noise.")


def count_comparisons(evidence: Sequence[Evidence]) -> int:
    """The family that Holm's correction is over."""
    return sum(found.comparison is not None for found in evidence)


def need_text(difference: Difference, seeds: int) -> str:
    """How many seeds would find such a difference, as the end of a sentence."""
    if difference.mean == 0:
        return "there is no difference to find"
    if difference.seeds_needed is not None:
        return (f"about {difference.seeds_needed} seeds per arm would find it, if it alone were "
                f"tested, four times in five; there are {seeds}")
    if not difference.seed_noise_known:
        return "how many seeds would find it cannot be told from one"
    return (f"no number of seeds would find it on {difference.num_images} images: "
            "more images would")


def p_text(p: float) -> str:
    """Three places; less is not told apart."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def verdict_text(comparison: Comparison) -> str:
    """The verdict, and whether it is on trainings or on methods."""
    known = comparison.difference.seed_noise_known
    return comparison.verdict if known else f"{comparison.verdict} (1 seed)"


def mark(found: Evidence) -> str:
    """As a sign in a table: ``*`` better than the baseline, ``†`` worse."""
    return mark_of(found.comparison)


def mark_of(comparison: Comparison | None) -> str:
    """The same of a comparison; without one there is no sign."""
    if comparison is None or comparison.p >= LEVEL:
        return ""
    return "*" if comparison.verdict == "better" else "†"


def _group(group: Sequence[Evidence], alike: bool) -> list[str]:
    """About all arms with the same data, labels and baseline."""
    by_verdict: dict[str, list[tuple[Evidence, Comparison]]] = {
        "better": [], "worse": [], "within noise": []}
    for found in group:
        if found.comparison:
            by_verdict[found.comparison.verdict].append((found, found.comparison))
    first, comparison = next((f, f.comparison) for f in group if f.comparison)
    metric = first.metric
    by = "" if metric == MAIN else f"by {metric_title(metric)} "
    sentence = (f"{first.arm.first.data}, {first.arm.first.labeled} labels, {by}"
                f"against {row_name(comparison.baseline, alike)}:")
    if len(group) == 1:
        return [f"{sentence} {row_name(first.arm, alike)} is {verdict_text(comparison)} with "
                f"{change_text(comparison)}{_need(first, comparison)}."]
    parts = [_listed(word, by_verdict[word], alike)
             for word in ("better", "worse") if by_verdict[word]]
    noise = by_verdict["within noise"]
    if noise:
        parts.append(f"{len(noise)} within noise")
    sentences = [f"{sentence} of {len(group)}, {'; '.join(parts)}."]
    if noise:
        found, comparison = max(noise, key=lambda each: abs(each[1].difference.mean))
        sentences.append(
            f"The largest difference within noise is {row_name(found.arm, alike)} with "
            f"{change_text(comparison)}{_need(found, comparison)}.")
    return sentences


def _need(found: Evidence, comparison: Comparison) -> str:
    if comparison.verdict != "within noise":
        return ""
    seeds = min(len(found.arm.runs), len(comparison.baseline.runs))
    return f": {need_text(comparison.difference, seeds)}"


def _listed(word: str, found: Sequence[tuple[Evidence, Comparison]], alike: bool) -> str:
    """As ``2 better by 1.50 to 2.10 points (the largest first)``."""
    ordered = sorted(found, key=lambda each: -abs(each[1].difference.mean))
    metric = ordered[0][1].metric
    sizes = [f"{abs(in_unit(comparison.difference.mean, metric)):.2f}"
             for _, comparison in ordered]
    span = sizes[0] if len(sizes) == 1 else f"{sizes[-1]} to {sizes[0]}"
    names = few([row_name(each.arm, alike) for each, _ in ordered])
    return f"{len(found)} {word} by {span} {score_of(metric).difference_unit} ({names})"


def interval_text(low: float | None, high: float | None, metric: Metric = MAIN) -> str:
    """In the score's unit."""
    if low is None or high is None:
        return "none"
    return f"{in_unit(low, metric):.2f} to {in_unit(high, metric):.2f}"


def points_text(difference: Difference, metric: Metric = MAIN) -> str:
    """The difference and its interval in the score's unit: points, or pixels."""
    interval = interval_text(difference.low, difference.high, metric)
    return f"{in_unit(difference.mean, metric):+.2f} ({interval})"


def change_text(comparison: Comparison) -> str:
    """The same in a sentence, as ``+1.20 (0.10 to 2.30) points``."""
    metric = comparison.metric
    return f"{points_text(comparison.difference, metric)} {score_of(metric).difference_unit}"
