"""Arms against their baselines: who is compared with whom, and what comes of it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cclcc_cli.errors import RunError
from cclcc_cli.metrics.scores import MAIN, Metric
from cclcc_cli.report.gather import Split
from cclcc_cli.report.images import ImageScores
from cclcc_cli.report.stacks import (
    Stack,
    compare_stacks,
    estimate_stack,
    left_over_seeds,
    stack_runs,
)
from cclcc_cli.report.statistics import Difference, Estimate
from cclcc_cli.report.tables import Arm, differing_conditions
from cclcc_cli.report.verdicts import Comparison, Pair, judge

DEFAULT_BASELINE = "supervised"
DECISIVE = ("data digest", "split digest", *(
    f"evaluation rule {topic!r}" for topic in ("threshold", "both_empty", "one_empty",
                                               "total_miss")))
"""Conditions without which two scores are not of the same thing."""


@dataclass(frozen=True)
class Evidence:
    """What is known of an arm.

    Attributes:
        estimate: None where the split has no images.
        comparison: None for a baseline, and where there is none or no image in common.
        is_baseline: others are compared with it.
        obstacle: why there is no comparison with a baseline that there is.
        metric: the score that is judged.
        num_groups: that its images come from; None where every image stands for itself.
    """

    arm: Arm
    estimate: Estimate | None
    comparison: Comparison | None
    is_baseline: bool
    obstacle: str | None = None
    metric: Metric = MAIN
    num_groups: int | None = None


def judged_metric(evidence: Sequence[Evidence]) -> Metric:
    """The score that all of it is about."""
    return evidence[0].metric if evidence else MAIN


def check_comparable(arms: Sequence[Arm], split: Split, metric: Metric = MAIN) -> None:
    """Rows of one data set must be of the same images, judged alike.

    Raises:
        RunError: they are not; names all that differs.
    """
    found = [text for topic, text in differing_conditions(arms, split) if topic in DECISIVE]
    judged = [arm for arm in arms if arm.summary(split, metric)]
    found += [text for topic, text in differing_conditions(judged, split)
              if topic in rules_of(metric)]
    if found:
        raise RunError(f"{'; '.join(found)}: such scores do not compare; give --runs with "
                       "comparable runs alone, or --across to show them all the same")


def rules_of(metric: Metric) -> tuple[str, ...]:
    """What is decisive for one score alone."""
    size, key = metric
    topics = (key, *(["own_size"] if size == "own" else []))
    return tuple(f"evaluation rule {topic!r}" for topic in topics)


def weigh(
    arms: Sequence[Arm], scores: Mapping[Path, ImageScores], baseline: str | None = None,
    metric: Metric = MAIN, margin: float | None = None,
) -> list[Evidence]:
    """Compare each group with its baseline.

    A family is a baseline with the groups of one data set and number of labels that are compared
    with it.

    Args:
        arms: rows of a table.
        scores: of their images, by run folder.
        baseline: method, recipe or arm; without it the supervised arm with as many labels.
        metric: which score these are.
        margin: within which a difference counts as none, in the score's own unit (a share of 1,
            or pixels); None for the default.

    Raises:
        RunError: no arm is called so, or several that could be meant.
    """
    stacks = {arm.first.arm: stack_runs(arm.runs, scores) for arm in arms}
    chosen_for = {arm.place: _choose_baseline(arm, arms, baseline)
                  for arm in {arm.place: arm for arm in arms}.values()}
    baselines = {arm.first.arm: chosen_for[arm.place] for arm in arms}
    if baseline is not None and not any(baselines.values()):
        raise RunError(f"--baseline {baseline}: no row is called so; there are {names_of(arms)}")
    used = {chosen.first.arm for arm in arms
            if (chosen := baselines[arm.first.arm]) is not None and chosen is not arm}
    families: dict[tuple[tuple[str, int], str], dict[str, Pair]] = {}
    obstacles: dict[str, str] = {}
    for arm in arms:
        chosen = baselines[arm.first.arm]
        if chosen is None or chosen is arm:
            continue
        sides = stacks[arm.first.arm], stacks[chosen.first.arm]
        found = compare_images(*sides)
        if found is None:
            obstacles[arm.first.arm] = _obstacle(arm, chosen, stacks)
        else:
            families.setdefault((arm.place, chosen.first.arm), {})[arm.first.arm] = Pair(
                chosen, found, left_over_seeds(sides))
    comparisons = {
        arm: comparison for family in families.values()
        for arm, comparison in zip(
            family, judge(list(family.values()), margin, metric), strict=True)
    }
    return [
        Evidence(arm, estimate_stack(stack) if stack else None,
                 comparisons.get(arm.first.arm), arm.first.arm in used,
                 obstacles.get(arm.first.arm), metric,
                 stack.num_groups if stack else None)
        for arm in arms for stack in [stacks[arm.first.arm]]
    ]


def _obstacle(arm: Arm, baseline: Arm, stacks: Mapping[str, Stack | None]) -> str:
    """Why an arm could not be compared with its baseline."""
    own, other = stacks[arm.first.arm], stacks[baseline.first.arm]
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


def unclear_baselines(arms: Sequence[Arm]) -> list[str]:
    """In words, where no default baseline can be told."""
    counts = Counter(arm.place for arm in arms if arm.first.method == DEFAULT_BASELINE)
    return [
        f"{data}: {count} supervised arms have {labeled} labels; nothing is compared with them, "
        "unless --baseline says with which"
        for (data, labeled), count in counts.items() if count > 1
    ]


def find_named(arms: Sequence[Arm], name: str) -> list[Arm]:
    """Arms of that digest or recipe; where there is none, of that method."""
    exact = [arm for arm in arms
             if arm.digest == name or any(run.name == name for run in arm.runs)]
    return exact or [arm for arm in arms if arm.first.method == name]


def names_of(arms: Sequence[Arm]) -> str:
    """What ``find_named`` knows of, for a message."""
    return ", ".join(dict.fromkeys(name for arm in arms for name in (arm.first.method, arm.recipe)))


def _choose_baseline(arm: Arm, arms: Sequence[Arm], name: str | None) -> Arm | None:
    """With the same data and labels; one that was named may have other labels, if it is alone."""
    alike = [other for other in arms if other.place == arm.place]
    if name is None:
        found = [other for other in alike if other.first.method == DEFAULT_BASELINE]
        return found[0] if len(found) == 1 else None
    found = find_named(alike, name) or find_named(
        [other for other in arms if other.first.data == arm.first.data], name)
    if len(found) > 1:
        raise RunError(f"--baseline {name}: {ambiguity(found)}")
    return found[0] if found else None


def ambiguity(arms: Sequence[Arm]) -> str:
    """That one name stands for several arms, and how to tell them apart."""
    several = ", ".join(f"{arm.digest} ({arm.first.data} {arm.first.method} {arm.recipe} "
                        f"{arm.first.labeled})" for arm in arms)
    return f"could be any of {several}; give one of these digests"
