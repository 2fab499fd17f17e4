"""Evidence as a reader sees it: columns beside the scores, sentences below, numbers for scripts."""

from collections.abc import Sequence

from cclcc_cli.metrics.scores import (
    MAIN,
    Metric,
    in_unit,
    metric_name,
    metric_title,
    score_of,
)
from cclcc_cli.report.evidence.statistics import FEWEST_SEEDS, LEVEL, SEEDS_AHEAD
from cclcc_cli.report.evidence.verdicts import Comparison, Verdict
from cclcc_cli.report.evidence.weigh import Evidence
from cclcc_cli.report.gather.groups import look_alike, row_name
from cclcc_cli.report.tables.rows import Record
from cclcc_cli.wording import few

DIFFERENCE = "difference from baseline"
COLUMNS = ("95 % interval", DIFFERENCE, "p (Holm)", "verdict")
"""Of the judged score's mean, and of the difference; ``p`` after Holm's correction."""

ONE_SEED = ("These two trainings: with one shared seed (or one run on a side) the noise of seeds "
            "is unknown; p and interval are over images alone, about these two trainings and not "
            "about the methods, and outside any family.")
TWO_SEEDS = (f"Estimate only: fewer than {FEWEST_SEEDS} shared seeds give an interval and no "
             "verdict, outside any family.")
ONE_IMAGE = "One image stands for no other: no interval, p is 1."
ALONE = ("This looks at one pair and stands outside any family of comparisons: p and interval are "
         "not corrected.")


def evidence_cells(found: Evidence) -> list[str]:
    """The columns' cells."""
    estimate, comparison = found.estimate, found.comparison
    interval = "none" if estimate is None else interval_text(
        estimate.low, estimate.high, found.metric)
    if comparison is None:
        word = found.obstacle or ("baseline" if found.is_baseline else "no baseline")
        return [interval, word, "", ""]
    return [interval, *comparison_cells(comparison)]


def comparison_cells(comparison: Comparison) -> list[str]:
    """The difference, its p and the verdict."""
    return [points_text(comparison), judged_p_text(comparison), verdict_text(comparison)]


def judged_p_text(comparison: Comparison) -> str:
    """What p there is: none of an estimate, over images of one seed."""
    if comparison.verdict == "estimate only":
        return ""
    images = " (images)" if comparison.verdict == "these two trainings" else ""
    return f"{p_text(comparison.p)}{images}"


def evidence_record(found: Evidence) -> Record:
    """Everything as numbers, scores as shares of 1; None where it does not apply."""
    estimate = found.estimate
    metric = metric_name(found.metric)
    record: Record = {f"{metric}_{name}": getattr(estimate, name) if estimate else None
                      for name in ("low", "high", "image_std", "seed_std", "rest_std")}
    return {"metric": metric, **record, "image_groups": found.num_groups,
            **comparison_record(found.comparison)}


def comparison_record(comparison: Comparison | None) -> Record:
    """A difference from a baseline as numbers; None where there is none.

    ``difference_low`` to ``difference_high`` is of the comparison alone; ``family_low`` to
    ``family_high`` holds with the family's others at once.
    """
    names = ("baseline", "baseline_recipe", "comparisons", "difference", "difference_low",
             "difference_high", "family_low", "family_high", "difference_images", "pairing",
             "repetitions", "seeds_left_over", "seed_correlation", "effect", "p", "p_holm",
             "p_wilcoxon", "p_wilcoxon_holm", "p_sign_flip", "p_sign_flip_holm", "margin",
             "within_margin", "verdict", "smallest_gain",
             *(f"smallest_gain_{count}_seeds" for count in SEEDS_AHEAD))
    if comparison is None:
        return dict.fromkeys(names)
    found, inside = comparison.difference, comparison.family > 0
    values: list[str | int | float | None] = [
        comparison.baseline.first.group, comparison.baseline.recipe, comparison.family, found.mean,
        found.low, found.high, comparison.low if inside else None,
        comparison.high if inside else None, found.num_images, found.pairing,
        found.num_repetitions, " ".join(map(str, comparison.left_over)), found.correlation,
        found.effect, found.p, comparison.p if inside else None, found.p_wilcoxon,
        comparison.p_wilcoxon if inside else None, found.p_sign_flip,
        comparison.p_sign_flip if inside else None, comparison.margin, comparison.within_margin,
        comparison.verdict, found.smallest_gain, *found.gains_ahead]
    return dict(zip(names, values, strict=True))


def summarize(evidence: Sequence[Evidence]) -> list[str]:
    """What the table says, in sentences: which is better, by how much, what is undecided."""
    buckets: dict[tuple[str, int, str], list[tuple[Evidence, Comparison]]] = {}
    for found in evidence:
        if found.comparison:
            first = found.group.first
            key = (first.data, first.labeled, found.comparison.baseline.first.group)
            buckets.setdefault(key, []).append((found, found.comparison))
    alike = look_alike([found.group for found in evidence])
    sentences = [sentence for bucket in buckets.values() for sentence in _group(bucket, alike)]
    compared = [found for found in evidence if found.comparison]
    sentences += [
        f"{row_name(found.group, alike)} is compared on the {shared} images that it shares with "
        f"its baseline, not on all of its {found.estimate.num_images}."
        for found in compared if found.comparison and found.estimate and not found.num_groups
        and (shared := found.comparison.difference.num_images) < found.estimate.num_images
    ]
    left: dict[tuple[int, ...], list[str]] = {}
    for found in compared:
        if found.comparison and found.comparison.left_over:
            left.setdefault(found.comparison.left_over, []).append(row_name(found.group, alike))
    sentences += [left_over_text(few(names), seeds) for seeds, names in left.items()]
    sentences += groups_text([found.num_groups for found in compared])
    if any(found.estimate and found.estimate.num_images == 1 for found in evidence):
        sentences.append(ONE_IMAGE)
    return sentences + rules_text([found.comparison for found in compared if found.comparison])


def rules_text(comparisons: Sequence[Comparison]) -> list[str]:
    """How verdicts were made: the margin, the families, and what stands outside them."""
    if not comparisons:
        return []
    said = [verdicts_text(comparisons[0])]
    verdicts = {comparison.verdict for comparison in comparisons}
    if "these two trainings" in verdicts:
        said.append(ONE_SEED)
    if "estimate only" in verdicts:
        said.append(TWO_SEEDS)
    sizes = sorted({comparison.family for comparison in comparisons if comparison.family})
    if sizes and sizes[-1] > 1:
        levels = " or ".join(f"{100 * (1 - LEVEL / size):.4g}" for size in sizes)
        said.append(
            f"The family is a baseline with what is compared with it "
            f"({' or '.join(map(str, sizes))} comparisons): p is after Holm's correction, and "
            f"intervals of differences hold for all of it at once in {100 * (1 - LEVEL):g} % "
            f"(Bonferroni, each {levels} %, which is wider than Holm asks for: an interval may "
            "hold 0 where p is below 0.05).")
    return said


def margin_text(comparison: Comparison) -> str:
    """As ``±2 points``, or ``±2 px``."""
    metric = comparison.metric
    return f"±{in_unit(comparison.margin, metric):g} {score_of(metric).difference_unit}"


def verdicts_text(comparison: Comparison) -> str:
    """What the words of verdicts mean; said with every table that has them."""
    row = score_of(comparison.metric)
    less = "" if row.more_is_better else f"Less {row.title} is better. "
    return (f"{less}Better or worse: p below {LEVEL:g}. Equivalent: not so, and the 90 % interval "
            f"of the comparison alone lies within the margin of {margin_text(comparison)}. "
            "Undecided: neither.")


def groups_text(counts: Sequence[int | None]) -> list[str]:
    """That means over patients or videos take the place of images, where they do."""
    known = sorted({count for count in counts if count})
    if not known:
        return []
    return [f"Images come from {' or '.join(map(str, known))} groups (patients, videos): "
            "intervals, differences and p are of group means, each group weighing the same; "
            "columns of scores are means over images."]


def left_over_text(who: str, seeds: Sequence[int]) -> str:
    """That a comparison is on common seeds alone."""
    several = "s" if len(seeds) > 1 else ""
    return (f"{who}: compared on the seeds that both sides have; left out: seed{several} "
            f"{few(seeds, 10)}.")


def gain_text(comparison: Comparison) -> str:
    """The smallest detectable gain, now and with more seeds, as a clause; empty if unknown."""
    difference, metric = comparison.difference, comparison.metric
    if difference.smallest_gain is None:
        return ""
    unit, smallest = score_of(metric).difference_unit, in_unit(difference.smallest_gain, metric)
    now = (f"this design finds a true difference of {smallest:.2f} {unit} four times in five"
           if difference.allows_verdict else "")
    known = [(count, each) for count, each in
             zip(SEEDS_AHEAD, difference.gains_ahead, strict=True) if each is not None]
    if not known:
        return now
    counts = _in_words([str(count) for count, _ in known])
    gains = _in_words([f"{in_unit(each, metric):.2f}" for _, each in known])
    what = "label subsets" if difference.pairing == "label subsets" else "seeds"
    ahead = f"with {counts} {what} {gains}"
    return f"{now}, {ahead}" if now else (
        f"{ahead} {unit} would be found four times in five, if seeds vary as these two do")


def _in_words(texts: Sequence[str]) -> str:
    return f"{', '.join(texts[:-1])} and {texts[-1]}"


def p_text(p: float) -> str:
    """Three places; less is not told apart."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def verdict_text(comparison: Comparison) -> str:
    """The verdict; and where a significant difference lies within the margin, that as well."""
    both = comparison.within_margin and comparison.verdict in ("better", "worse")
    return f"{comparison.verdict} (within the margin)" if both else comparison.verdict


def mark(found: Evidence) -> str:
    """As a sign in a table: ``*`` better than the baseline, ``†`` worse."""
    return mark_of(found.comparison)


def mark_of(comparison: Comparison | None) -> str:
    """The same of a comparison; there is no sign without one, or outside of a family."""
    if comparison is None or not comparison.significant:
        return ""
    return "*" if comparison.verdict == "better" else "†"


def _group(bucket: Sequence[tuple[Evidence, Comparison]], alike: bool) -> list[str]:
    """About all groups with the same data, labels and baseline."""
    first, comparison = bucket[0]
    by = "" if first.metric == MAIN else f"by {metric_title(first.metric)} "
    sentence = (f"{first.group.first.data}, {first.group.first.labeled} labels, {by}"
                f"against {row_name(comparison.baseline, alike)}:")
    if len(bucket) == 1:
        return [f"{sentence} {row_name(first.group, alike)} is {_claim(comparison)} "
                f"{change_text(comparison)}{need_text(comparison)}."]
    by_verdict: dict[Verdict, list[tuple[Evidence, Comparison]]] = {
        "better": [], "worse": [], "equivalent": [], "undecided": [], "estimate only": [],
        "these two trainings": []}
    for found, compared in bucket:
        by_verdict[compared.verdict].append((found, compared))
    parts = [_listed(word, by_verdict[word], alike)
             for word in ("better", "worse") if by_verdict[word]]
    parts += [f"{len(found)} {word} ({few([row_name(each.group, alike) for each, _ in found])})"
              for word, found in by_verdict.items() if found and word not in ("better", "worse")]
    sentences = [f"{sentence} of {len(bucket)}, {'; '.join(parts)}."]
    if undecided := by_verdict["undecided"]:
        found, compared = max(undecided, key=lambda each: abs(each[1].difference.mean))
        sentences.append(f"The largest undecided difference is {row_name(found.group, alike)} with "
                         f"{change_text(compared)}{need_text(compared)}.")
    return sentences


def _claim(comparison: Comparison) -> str:
    """As ``better with`` or ``compared by these two trainings, with``."""
    match comparison.verdict:
        case "these two trainings":
            return "compared by these two trainings alone, with"
        case "estimate only":
            return "not judged (estimate only), with"
        case _:
            return f"{verdict_text(comparison)} with"


def need_text(comparison: Comparison) -> str:
    """What this design could have found, after a difference that is neither better nor worse."""
    if comparison.verdict not in ("equivalent", "undecided", "estimate only"):
        return ""
    text = gain_text(comparison)
    return f"; {text}" if text else ""


def _listed(
    word: str, found: Sequence[tuple[Evidence, Comparison]], alike: bool
) -> str:
    """As ``2 better by 1.50 to 2.10 points (the largest first)``."""
    ordered = sorted(found, key=lambda each: -abs(each[1].difference.mean))
    metric = ordered[0][1].metric
    sizes = [f"{abs(in_unit(comparison.difference.mean, metric)):.2f}"
             for _, comparison in ordered]
    span = sizes[0] if len(sizes) == 1 else f"{sizes[-1]} to {sizes[0]}"
    names = few([row_name(each.group, alike) for each, _ in ordered])
    return f"{len(found)} {word} by {span} {score_of(metric).difference_unit} ({names})"


def interval_text(low: float | None, high: float | None, metric: Metric = MAIN) -> str:
    """In the score's unit."""
    if low is None or high is None:
        return "none"
    return f"{in_unit(low, metric):.2f} to {in_unit(high, metric):.2f}"


def points_text(comparison: Comparison) -> str:
    """The difference and its interval in the score's unit: points, or pixels."""
    return difference_text(comparison.difference.mean, comparison.low, comparison.high,
                           comparison.metric)


def difference_text(
    mean: float, low: float | None, high: float | None, metric: Metric
) -> str:
    """As ``+1.20 (0.10 to 2.30)``."""
    return f"{in_unit(mean, metric):+.2f} ({interval_text(low, high, metric)})"


def change_text(comparison: Comparison) -> str:
    """The same in a sentence, as ``+1.20 (0.10 to 2.30) points``."""
    return f"{points_text(comparison)} {score_of(comparison.metric).difference_unit}"


def correlation_text(correlation: float | None) -> str:
    """Of seeds; empty where it is not known."""
    return "" if correlation is None else f"{correlation:+.2f}"


def gains_cells(comparison: Comparison) -> list[str]:
    """Smallest detectable gains in the score's unit: now, and with each of ``SEEDS_AHEAD`` seeds.
    """
    found = comparison.difference
    gains = (found.smallest_gain if found.allows_verdict else None, *found.gains_ahead)
    return ["" if each is None else f"{in_unit(each, comparison.metric):.2f}" for each in gains]
