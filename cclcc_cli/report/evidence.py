"""Arms against their baselines: who is compared with whom, and what comes of it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cclcc_cli.errors import RunError
from cclcc_cli.metrics.scores import MAIN, Metric, gain
from cclcc_cli.report.gather import Split
from cclcc_cli.report.images import ImageScores, stack_seeds
from cclcc_cli.report.statistics import (
    Difference,
    Estimate,
    Verdict,
    difference,
    estimate,
    holm,
    verdict,
)
from cclcc_cli.report.tables import Arm, differing_conditions

DEFAULT_BASELINE = "supervised"
DECISIVE = ("data digest", "split digest", *(
    f"evaluation rule {topic!r}" for topic in ("threshold", "both_empty", "one_empty",
                                               "total_miss")))
"""Conditions without which two scores are not of the same thing."""


@dataclass(frozen=True)
class Comparison:
    """An arm less its baseline.

    Attributes:
        baseline: what it is compared with.
        difference: on the images that both have.
        p: corrected by Holm over all comparisons of the table.
        p_wilcoxon: the same.
        p_sign_flip: the same.
        verdict: of ``p``.
        metric: the score that is judged.
    """

    baseline: Arm
    difference: Difference
    p: float
    p_wilcoxon: float
    p_sign_flip: float
    verdict: Verdict
    metric: Metric = MAIN


@dataclass(frozen=True)
class Evidence:
    """What is known of an arm.

    Attributes:
        estimate: None where the split has no images.
        comparison: None for a baseline, and where there is none or no image in common.
        is_baseline: others are compared with it.
        obstacle: why there is no comparison with a baseline that there is.
        metric: the score that is judged.
    """

    arm: Arm
    estimate: Estimate | None
    comparison: Comparison | None
    is_baseline: bool
    obstacle: str | None = None
    metric: Metric = MAIN


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
    metric: Metric = MAIN,
) -> list[Evidence]:
    """Compare each arm with its baseline; all comparisons together are one family.

    Args:
        arms: rows of a table.
        scores: of their images, by run folder.
        baseline: method, recipe or arm; without it the supervised arm with as many labels.
        metric: which score these are.

    Raises:
        RunError: no arm is called so, or several that could be meant.
    """
    stacks = {arm.first.arm: stack_seeds(arm.runs, scores) for arm in arms}
    chosen_for = {arm.place: _choose_baseline(arm, arms, baseline)
                  for arm in {arm.place: arm for arm in arms}.values()}
    baselines = {arm.first.arm: chosen_for[arm.place] for arm in arms}
    if baseline is not None and not any(baselines.values()):
        raise RunError(f"--baseline {baseline}: no row is called so; there are {names_of(arms)}")
    used = {chosen.first.arm for arm in arms
            if (chosen := baselines[arm.first.arm]) is not None and chosen is not arm}
    found = {
        arm.first.arm: (chosen, compared) for arm in arms
        if (chosen := baselines[arm.first.arm]) is not None and chosen is not arm
        and (compared := compare_images(stacks[arm.first.arm], stacks[chosen.first.arm]))
    }
    comparisons = dict(zip(found, correct(list(found.values()), metric), strict=True))
    return [
        Evidence(arm, estimate(stack.values) if stack else None,
                 comparisons.get(arm.first.arm), arm.first.arm in used,
                 _obstacle(arm, baselines[arm.first.arm], stacks), metric)
        for arm in arms for stack in [stacks[arm.first.arm]]
    ]


def _obstacle(
    arm: Arm, baseline: Arm | None, stacks: Mapping[str, ImageScores | None]
) -> str | None:
    if baseline is None or baseline is arm:
        return None
    own, other = stacks[arm.first.arm], stacks[baseline.first.arm]
    if own is None or other is None:
        return "no scores"
    return "no image in common" if set(own.stems).isdisjoint(other.stems) else None


def compare_images(one: ImageScores | None, other: ImageScores | None) -> Difference | None:
    """On the images that both have, in the first's order; None where there is none."""
    if one is None or other is None:
        return None
    theirs = set(other.stems)
    common = [stem for stem in one.stems if stem in theirs]
    if not common:
        return None
    return difference(one.of(common).values, other.of(common).values)


def correct(
    family: Sequence[tuple[Arm, Difference]], metric: Metric = MAIN
) -> list[Comparison]:
    """Differences from baselines, judged as one family."""
    p, wilcoxon, sign_flip = (
        holm(np.array([getattr(found, name) for _, found in family]))
        for name in ("p", "p_wilcoxon", "p_sign_flip")
    )
    return [
        Comparison(baseline, found, float(p[n]), float(wilcoxon[n]), float(sign_flip[n]),
                   verdict(gain(found.mean, metric), float(p[n])), metric)
        for n, (baseline, found) in enumerate(family)
    ]


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
