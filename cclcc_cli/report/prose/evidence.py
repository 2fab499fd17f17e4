"""Evidence in sentences: which group is better, by how much, and how verdicts are reached."""

from collections.abc import Iterable, Sequence

from cclcc_cli.metrics.scores import MAIN, in_unit, metric_title, score_of
from cclcc_cli.report.evidence.findings import FEWEST_SEEDS, LEVEL, SEEDS_AHEAD
from cclcc_cli.report.evidence.verdicts import Comparison, Verdict
from cclcc_cli.report.evidence.weigh import Evidence
from cclcc_cli.report.gather.groups import look_alike, row_name
from cclcc_cli.report.prose.numbers import (
    change_text,
    margin_text,
    verdict_text,
)
from cclcc_cli.wording import few

ONE_SEED = ("These two trainings: with one shared seed (or one run on a side) the noise of seeds "
            "is unknown; p and interval are over images alone, about these two trainings and not "
            "about the methods, and outside any family.")
TWO_SEEDS = (f"Estimate only: fewer than {FEWEST_SEEDS} shared seeds give an interval and no "
             "verdict, outside any family.")
ONE_IMAGE = "One image stands for no other: no interval, p is 1."
ALONE = ("This looks at one pair and stands outside any family of comparisons: p and interval are "
         "not corrected.")


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
    sentences += left_over_sentences((row_name(found.group, alike), found.comparison)
                                     for found in compared if found.comparison)
    sentences += groups_text([found.num_groups for found in compared])
    if any(found.estimate and found.estimate.num_images == 1 for found in evidence):
        sentences.append(ONE_IMAGE)
    return sentences + rules_text([found.comparison for found in compared if found.comparison])


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
            return "given no verdict (estimate only), with"
        case _:
            return f"{verdict_text(comparison)} with"


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


def verdicts_text(comparison: Comparison) -> str:
    """What the words of verdicts mean; said with every table that has them."""
    row = score_of(comparison.metric)
    less = "" if row.more_is_better else f"Less {row.title} is better. "
    return (f"{less}Better or worse: p below {LEVEL:g}. Equivalent: otherwise, if the 90 % "
            "interval of the comparison alone lies within the margin of "
            f"{margin_text(comparison)}. "
            "Undecided: neither.")


def groups_text(counts: Sequence[int | None]) -> list[str]:
    """That means over patients or videos take the place of images, where they do."""
    known = sorted({count for count in counts if count})
    if not known:
        return []
    return [f"Images come from {' or '.join(map(str, known))} groups (patients, videos): "
            "intervals, differences and p are of group means, each group weighing the same; "
            "columns of scores are means over images."]


def left_over_sentences(compared: Iterable[tuple[str, Comparison]]) -> list[str]:
    """What each comparison left out, once for all that left out the same seeds."""
    left: dict[tuple[int, ...], list[str]] = {}
    for name, comparison in compared:
        if comparison.left_over:
            left.setdefault(comparison.left_over, []).append(name)
    return [left_over_text(few(names), seeds) for seeds, names in left.items()]


def left_over_text(who: str, seeds: Sequence[int]) -> str:
    """That a comparison is on common seeds alone."""
    several = "s" if len(seeds) > 1 else ""
    return (f"{who}: compared on the seeds that both sides have; left out: seed{several} "
            f"{few(seeds, 10)}.")


def need_text(comparison: Comparison) -> str:
    """What this design could have found, after a difference that is neither better nor worse."""
    if comparison.verdict not in ("equivalent", "undecided", "estimate only"):
        return ""
    text = gain_text(comparison)
    return f"; {text}" if text else ""


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
