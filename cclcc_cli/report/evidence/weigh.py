"""Groups against their baselines: who is compared with whom, and what comes of it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cclcc_cli.errors import RunError
from cclcc_cli.metrics.scores import MAIN, Metric
from cclcc_cli.report.evidence.doubts import differing_conditions
from cclcc_cli.report.evidence.findings import Difference, Estimate
from cclcc_cli.report.evidence.stacks import (
    Stack,
    compare_stacks,
    estimate_stack,
    left_over_seeds,
    stack_runs,
)
from cclcc_cli.report.evidence.verdicts import BaselinePair, Comparison, reach_verdicts
from cclcc_cli.report.gather.finished import Split
from cclcc_cli.report.gather.groups import Group
from cclcc_cli.report.gather.images import RunScores
from cclcc_cli.wording import instead

DEFAULT_BASELINE = "supervised"
DECISIVE = ("data digest", "split digest", *(
    f"evaluation rule {topic!r}" for topic in ("threshold", "both_empty", "one_empty",
                                               "total_miss")))
"""Conditions without which two scores are not of the same thing."""


@dataclass(frozen=True)
class Evidence:
    """What is known of a group.

    Attributes:
        estimate: None where the split has no images.
        comparison: None for a baseline, and where there is none or no image in common.
        is_baseline: others are compared with it.
        obstacle: why there is no comparison with a baseline that there is.
        metric: the primary score.
        num_groups: that its images come from; None where every image stands for itself.
    """

    group: Group
    estimate: Estimate | None
    comparison: Comparison | None
    is_baseline: bool
    obstacle: str | None = None
    metric: Metric = MAIN
    num_groups: int | None = None


def primary_metric(evidence: Sequence[Evidence]) -> Metric:
    """The score that all of it is about."""
    return evidence[0].metric if evidence else MAIN


def check_comparable(groups: Sequence[Group], split: Split, metric: Metric = MAIN) -> None:
    """Rows of one data set must be of the same images, evaluated alike.

    Raises:
        RunError: they are not; names all that differs.
    """
    found = [text for topic, text in differing_conditions(groups, split) if topic in DECISIVE]
    scored = [group for group in groups if group.summary(split, metric)]
    found += [text for topic, text in differing_conditions(scored, split)
              if topic in rules_of(metric)]
    if found:
        raise RunError(f"{'; '.join(found)}: such scores are not comparable; give --runs "
                       "with comparable runs alone, or --across to show them anyway")


def rules_of(metric: Metric) -> tuple[str, ...]:
    """What is decisive for one score alone."""
    size, key = metric
    topics = (key, *(["own_size"] if size == "own" else []))
    return tuple(f"evaluation rule {topic!r}" for topic in topics)


def weigh(
    groups: Sequence[Group], scores: RunScores, baseline: str | None = None,
    metric: Metric = MAIN, margin: float | None = None,
) -> list[Evidence]:
    """Compare each group with its baseline.

    A family is a baseline with the groups of one data set and number of labels that are compared
    with it.

    Args:
        groups: rows of a table.
        scores: of their images, by run folder.
        baseline: method, recipe or group; without it the supervised group with as many labels.
        metric: which score these are.
        margin: within which a difference counts as none, in the score's own unit (a share of 1,
            or pixels); None for the default.

    Raises:
        RunError: no group is called so, or several that could be meant.
    """
    stacks = {group.first.group: stack_runs(group.runs, scores) for group in groups}
    chosen_for = {group.place: _choose_baseline(group, groups, baseline)
                  for group in {group.place: group for group in groups}.values()}
    baselines = {group.first.group: chosen_for[group.place] for group in groups}
    if baseline is not None and not any(baselines.values()):
        raise RunError(f"--baseline {baseline}: no row has this name; "
                       f"{instead(baseline, names_of(groups))}")
    used = {chosen.first.group for group in groups
            if (chosen := baselines[group.first.group]) is not None and chosen is not group}
    families: dict[tuple[tuple[str, int], str], dict[str, BaselinePair]] = {}
    obstacles: dict[str, str] = {}
    for group in groups:
        chosen = baselines[group.first.group]
        if chosen is None or chosen is group:
            continue
        sides = stacks[group.first.group], stacks[chosen.first.group]
        found = compare_images(*sides)
        if found is None:
            obstacles[group.first.group] = _obstacle(group, chosen, stacks)
        else:
            family = families.setdefault((group.place, chosen.first.group), {})
            family[group.first.group] = BaselinePair(chosen, found, left_over_seeds(sides))
    comparisons = {
        group: comparison for family in families.values()
        for group, comparison in zip(
            family, reach_verdicts(list(family.values()), margin, metric), strict=True)
    }
    return [
        Evidence(group, estimate_stack(stack) if stack else None,
                 comparisons.get(group.first.group), group.first.group in used,
                 obstacles.get(group.first.group), metric,
                 stack.num_groups if stack else None)
        for group in groups for stack in [stacks[group.first.group]]
    ]


def _obstacle(group: Group, baseline: Group, stacks: Mapping[str, Stack | None]) -> str:
    """Why a group could not be compared with its baseline."""
    own, other = stacks[group.first.group], stacks[baseline.first.group]
    if own is None or other is None:
        return "no scores"
    if own.folds.keys().isdisjoint(other.folds):
        return "no fold in common"
    return "no image in common"


def compare_images(one: Stack | None, other: Stack | None) -> Difference | None:
    """One less the other, on what both have; None where that is no image."""
    if one is None or other is None:
        return None
    return compare_stacks((one, other), (1.0, -1.0))


def unclear_baselines(groups: Sequence[Group]) -> list[str]:
    """In words, where it is not clear which group is the default baseline."""
    counts = Counter(group.place for group in groups if group.first.method == DEFAULT_BASELINE)
    return [
        f"{data}: {count} supervised groups have {labeled} labels; name one with --baseline "
        "to compare with it"
        for (data, labeled), count in counts.items() if count > 1
    ]


def find_named(groups: Sequence[Group], name: str) -> list[Group]:
    """Groups of that digest or recipe; where there is none, of that method."""
    exact = [group for group in groups
             if group.digest == name or any(run.name == name for run in group.runs)]
    return exact or [group for group in groups if group.first.method == name]


def names_of(groups: Sequence[Group]) -> list[str]:
    """What ``find_named`` knows of."""
    return list(dict.fromkeys(
        name for group in groups for name in (group.first.method, group.recipe)))


def _choose_baseline(group: Group, groups: Sequence[Group], name: str | None) -> Group | None:
    """With the same data and labels; one that was named may have other labels, if it is alone."""
    alike = [other for other in groups if other.place == group.place]
    if name is None:
        found = [other for other in alike if other.first.method == DEFAULT_BASELINE]
        return found[0] if len(found) == 1 else None
    found = find_named(alike, name) or find_named(
        [other for other in groups if other.first.data == group.first.data], name)
    if len(found) > 1:
        raise RunError(f"--baseline {name}: {ambiguity(found)}")
    return found[0] if found else None


def ambiguity(groups: Sequence[Group]) -> str:
    """That one name stands for several groups, and how to tell them apart."""
    several = ", ".join(f"{group.digest} ({group.first.data} {group.first.method} {group.recipe} "
                        f"{group.first.labeled})" for group in groups)
    return f"matches several groups: {several}; give one of these digests"
