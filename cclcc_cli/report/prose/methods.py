"""A methods section from what the runs' folders hold: what all groups share once, then differences.

Each setting is a clause for each group. Where all groups have the same it is one sentence; else it
is said for whom which clause holds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cclcc_cli.config.clauses import NOTHING
from cclcc_cli.metrics.scores import MAIN, Metric, in_unit, metric_title, score_of
from cclcc_cli.report.evidence.findings import FEWEST_SEEDS, LEVEL, Pairing
from cclcc_cli.report.evidence.verdicts import Comparison, default_margin
from cclcc_cli.report.gather.details import GroupDetails
from cclcc_cli.report.gather.finished import Split
from cclcc_cli.report.gather.groups import look_alike, row_name
from cclcc_cli.report.prose.template import describe_method, describe_settings
from cclcc_cli.wording import listed

MOST_CLAUSES = 8
"""Settings that differ in more ways are left to the table of recipes."""
_NAMED = 6


@dataclass(frozen=True)
class Passage:
    """Some paragraphs under a heading."""

    title: str
    paragraphs: Sequence[str]


def write_methods(
    groups: Sequence[GroupDetails], split: Split, comparisons: Sequence[Comparison],
    metric: Metric = MAIN,
) -> list[Passage]:
    """The section, passage by passage; groups whose recipe is unreadable are left out and named.

    Args:
        groups: of the table.
        split: whose scores are compared.
        comparisons: of groups with their baselines.
        metric: the primary score.
    """
    known = [group for group in groups if group.recipe is not None]
    passages = []
    if known:
        said = [describe_settings(group) for group in known]
        settings = {title: " ".join(filter(None, (
            _sentence(known, clauses)
            for clauses in zip(*(each[title] for each in said), strict=True))))
            for title in said[0]}
        software = settings.pop("Software")
        evaluation = " ".join([
            settings.pop("Evaluation"), *_rules(known, split, metric), _readings(known)])
        passages = [
            *(Passage(title, [text]) for title, text in settings.items()),
            Passage("Methods", _methods(known)), Passage("Evaluation", [evaluation]),
            Passage("Statistics", [_statistics(comparisons, metric)]),
            Passage("Software", [software] if software else [])]
    missing = [group for group in groups if group.recipe is None]
    if missing:
        passages.append(Passage("Not described", [
            f"The recipe of {_names(missing, groups)} cannot be read by this version of cclcc and "
            "is left out here."]))
    return [passage for passage in passages if passage.paragraphs]


def _sentence(groups: Sequence[GroupDetails], clauses: Sequence[str]) -> str:
    """One clause of all groups as a sentence; nothing where none has it."""
    buckets: dict[str, list[GroupDetails]] = {}
    for group, clause in zip(groups, clauses, strict=True):
        buckets.setdefault(clause, []).append(group)
    if list(buckets) == [""]:
        return ""
    if len(buckets) == 1:
        return f"{_capital(next(iter(buckets)))}."
    said = sorted(((text, bucket) for text, bucket in buckets.items() if text),
                  key=lambda each: len(each[1]))
    if len(said) > MOST_CLAUSES:
        text, bucket = said[-1]
        return (f"Most often, for {_names(bucket, groups)}, {text}; {len(said) - 1} other settings "
                "are listed in the table of recipes.")
    names = [_names(bucket, groups) for _, bucket in said]
    if "" not in buckets and len(said[-1][1]) > 2:
        names[-1] = "all others"
    return _capital("; ".join(f"for {who}, {text}" for who, (text, _) in
                              zip(names, said, strict=True))) + "."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _names(bucket: Sequence[GroupDetails], groups: Sequence[GroupDetails]) -> str:
    alike = look_alike([group.group for group in groups])
    names = [row_name(group.group, alike) for group in bucket]
    if len(names) > _NAMED:
        rest = len(names) - _NAMED + 1
        names = [*names[:_NAMED - 1], f"{rest} more"]
    return listed(names)


def _methods(groups: Sequence[GroupDetails]) -> list[str]:
    """A sentence for each bucket of groups that minimise the same."""
    buckets: dict[tuple[str, str], list[GroupDetails]] = {}
    for group in groups:
        assert group.recipe is not None
        clause = describe_method(group.recipe)
        source = group.recipe.source if clause else ""
        buckets.setdefault((clause or NOTHING, source), []).append(group)
    if len(buckets) > 2 * MOST_CLAUSES:
        return [f"{len(buckets)} losses were compared; the table of recipes lists their weights "
                "and constants."]
    return [f"For {_names(bucket, groups)}{f' ({source})' if source else ''}, {text}."
            for (text, source), bucket in buckets.items()]


def _rules(groups: Sequence[GroupDetails], split: Split, metric: Metric) -> list[str]:
    """The conventions that results are stamped with, where all have the same."""
    cases = (("both_empty", "Where truth and prediction are both empty, {}"),
             ("total_miss", "where no pixel is found, {}"),
             ("one_empty", "where one of the two is empty, {}"),
             ("own_size", "scores at an image's own size are of {}"),
             *([(metric[1], f"{score_of(metric).title} is the {{}}")]
               if metric[1] in ("nsd", "hd95", "assd") else []))
    rules = []
    for topic, form in cases:
        values = {group.group.first.rules[split].get(topic) for group in groups}
        if len(values) == 1 and (value := values.pop()):
            rules.append(form.format(value.replace("; ", " and ")))
    return [f"{_capital('; '.join(rules))}."] if rules else []


def _readings(groups: Sequence[GroupDetails]) -> str:
    reads = [run.run.test_reads for group in groups for run in group.runs]
    if max(reads) <= 1:
        return "No run read the test split more than once."
    return f"Runs read the test split up to {max(reads)} times."


def _statistics(comparisons: Sequence[Comparison], metric: Metric) -> str:
    row = score_of(metric)
    less = "" if row.more_is_better else ", of which less is better"
    pairings = dict.fromkeys(one.difference.pairing for one in comparisons)
    ways = [_WAYS[pairing] for pairing in pairings]
    margin = comparisons[0].margin if comparisons else default_margin(metric)
    text = [
        f"The primary score is {metric_title(metric)}{less}. Scores are means over images and "
        "seeds, with the standard deviation over seeds. "
        f"{100 * (1 - LEVEL):g} % intervals are of Student's t, with the two-way variance of "
        "images and seeds and Satterthwaite's degrees of freedom.", *ways]
    families = sorted({one.family for one in comparisons if one.family > 1})
    if families:
        text.append(
            f"p is corrected by Holm's method, and intervals of differences by Bonferroni's, over "
            f"the {' or '.join(map(str, families))} comparisons with a baseline.")
    return " ".join([
        *text, f"A difference with p below {LEVEL:g} is called better or worse; one whose 90 % "
        f"interval lies within ±{in_unit(margin, metric):g} {row.difference_unit} equivalent; any "
        f"other undecided. Fewer than {FEWEST_SEEDS} shared seeds allow no verdict."])


_WAYS: Mapping[Pairing, str] = {
    "seeds": "Differences are paired by seed and by image: the variance is that of the differences "
             "over the seeds and images that both groups share.",
    "label subsets": "Differences are paired by labelled subset and by image, after the mean over "
                     "each subset's seeds.",
    "folds": "Differences are averaged over seeds and images in each fold; the variance of their "
             "mean over folds is corrected for overlapping training images (Nadeau and Bengio, "
             "2003).",
    "none": "Where groups share no seed, differences are paired by image alone, and each group's "
            "seeds are noise of their own.",
}
