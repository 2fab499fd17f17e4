"""What each part of an ablation does: every factor's values against the baseline's, matched.

A factor is the variant, or an axis that does not merely repeat groups. The effect of a value is
the mean, over all pairs of groups that differ in this factor alone, of the group with the value
less the group with the baseline's: with one factor that is a plain comparison, in a full
design the marginal effect. It is treated like any difference, as one contrast, in which all groups
share the axis of seeds and the images. Folds and labelled subsets (the axis
``data.selection.seed``) repeat a group and are pooled. All effects of an ablation are one family,
which its file declares.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cclcc_cli.config.definition import Definition
from cclcc_cli.config.design import REPETITIONS, WHOLE, same
from cclcc_cli.errors import RunError
from cclcc_cli.metrics.scores import MAIN, Metric, score_of
from cclcc_cli.records import describe_damage
from cclcc_cli.report.evidence.findings import Difference
from cclcc_cli.report.evidence.stacks import (
    Stack,
    compare_stacks,
    estimate_stack,
    left_over_seeds,
    stack_runs,
)
from cclcc_cli.report.evidence.verdicts import BaselinePair, Comparison, reach_verdicts
from cclcc_cli.report.gather.finished import FinishedRun
from cclcc_cli.report.gather.groups import Group, build_group
from cclcc_cli.report.gather.images import RunScores
from cclcc_cli.runs.plan_record import PlanRecord, read_record, record_path
from cclcc_cli.wording import instead

VARIANT = "variant"
_DATA = ("data.name", "data.size")
"""Axes that change the images: effects are within one of their values, never between."""


@dataclass(frozen=True)
class PlannedAblation:
    """An ablation that ran.

    Attributes:
        definition: what the file said.
        folders: place to run folder.
    """

    name: str
    definition: Definition
    folders: Mapping[str, Path]

    def margin(self, metric: Metric) -> float | None:
        """Within which a difference counts as none, a share of 1.

        None for distances: the file's margin is in points, and pixels are something else.
        """
        row = score_of(metric)
        return self.definition.margin / row.factor if row.unit == "%" else None


@dataclass(frozen=True)
class Corner:
    """A group at its place in the design.

    Attributes:
        values: ``variant`` and every axis that is no repetition.
        group: its finished runs.
        stack: scores of their images; None where the split has none.
    """

    values: Mapping[str, Any]
    group: Group
    stack: Stack | None


@dataclass(frozen=True)
class Effect:
    """A value of a factor, on one data set.

    Attributes:
        factor: ``variant``, or the axis's key.
        value: of it; the baseline's, if that is what this is.
        is_baseline: others are compared with it.
        corners: all groups with this value.
        pairs: groups that differ in this factor alone, the baseline's second.
        mean: over the groups with this value; None without images, as for ``low`` and ``high``.
        low: of its 95 % interval.
        high: of it.
        single: what each pair alone differs by.
        comparison: of all pairs together; None for the baseline, and where no pair is.
    """

    data: str
    factor: str
    value: Any
    is_baseline: bool
    corners: Sequence[Corner]
    pairs: Sequence[tuple[Corner, Corner]]
    mean: float | None
    low: float | None
    high: float | None
    single: Sequence[float]
    comparison: Comparison | None


def only_ablation(root: Path) -> str:
    """The name of the only ablation that ran.

    Raises:
        RunError: there is none, or there are several.
    """
    there = _there(root)
    if len(there) != 1:
        raise RunError(f"name the ablation that is meant; in {root} there are: "
                       f"{', '.join(there) or 'none'}")
    return there[0]


def _there(root: Path) -> list[str]:
    return sorted(path.parent.name for path in root.glob("ablations/*/plan.json"))


def read_ablation(root: Path, name: str) -> PlannedAblation:
    """What an ablation was when it last ran.

    Raises:
        RunError: none of this name has run, or its record is damaged or from before the
            definition was kept.
    """
    path = record_path(root, name)
    if not path.exists():
        raise RunError(f"{name}: no ablation of this name has run below {root}; "
                       f"{instead(name, _there(root))}")
    record = read_record(root, name)
    if record.definition is None:
        raise RunError(f"{path}: does not say what its runs stand for; rerun the same cclcc "
                       "ablate command, which repeats no finished run")
    return PlannedAblation(name, _definition(record, path), {
        place: root / folders[-1] for place, folders in record.folders.items()})


def _definition(record: PlanRecord, path: Path) -> Definition:
    try:
        return Definition.model_validate(record.definition)
    except ValidationError as error:
        raise RunError(f"{path}: definition: {describe_damage(error)}; remove the file and rerun "
                       "the same cclcc ablate command") from None


def find_corners(
    ablation: PlannedAblation, runs: Sequence[FinishedRun], scores: RunScores
) -> list[Corner]:
    """Every group of the design that has a finished run, in reading order; one for each data set.

    Args:
        ablation: the design.
        runs: that are sound.
        scores: of their images, by run folder.
    """
    by_folder = {run.path: run for run in runs}
    corners: list[tuple[str, dict[str, Any], list[FinishedRun]]] = []
    for point in ablation.definition.points:
        folder = ablation.folders.get(point.place)
        run = by_folder.get(folder) if folder else None
        if run is None:
            continue
        values = {VARIANT: point.variant, **{
            key: value for key, value in point.values.items() if key not in REPETITIONS}}
        for data, previous, found in corners:
            if data == run.data and _alike(previous, values):
                if run not in found:  # places that came to the same run
                    found.append(run)
                break
        else:
            corners.append((run.data, values, [run]))
    groups = [(values, build_group(found)) for _, values, found in corners]
    return [Corner(values, group, stack_runs(group.runs, scores)) for values, group in groups]


def find_factors(definition: Definition) -> dict[str, list[Any]]:
    """What varies and is neither a repetition nor other images: each factor's values, in order."""
    factors: dict[str, list[Any]] = {}
    for point in definition.points:
        for key, value in {VARIANT: point.variant, **point.values}.items():
            if key in (*REPETITIONS, *_DATA):
                continue
            values = factors.setdefault(key, [])
            if not any(same(value, one) for one in values):
                values.append(value)
    return {key: values for key, values in factors.items() if len(values) > 1}


def weigh_effects(
    definition: Definition, corners: Sequence[Corner], metric: Metric = MAIN,
    margin: float | None = None,
) -> list[Effect]:
    """Every factor's values on every data set; all effects together are one family.

    Args:
        definition: of the ablation.
        corners: its groups.
        metric: which score their images' are.
        margin: within which a difference counts as none, in the score's own unit; None for the
            default.
    """
    found = []
    for data in dict.fromkeys(corner.group.first.data for corner in corners):
        own = [corner for corner in corners if corner.group.first.data == data]
        for factor, values in find_factors(definition).items():
            baseline = definition.baseline[factor]
            near = own if definition.design != "one_factor" else [
                corner for corner in own if _only_differs_in(factor, corner, definition)]
            ordered = [*(value for value in values if same(value, baseline)),
                       *(value for value in values if not same(value, baseline))]
            found += [_effect(factor, value, baseline, near) for value in ordered
                      if any(same(corner.values[factor], value) for corner in near)]
    comparisons = iter(reach_verdicts([
        BaselinePair(effect.pairs[0][1].group, pooled, left_over_seeds(
            corner.stack for pair in effect.pairs for corner in pair))
        for effect, pooled in found if pooled], margin, metric))
    return [replace(effect, comparison=next(comparisons)) if pooled else effect
            for effect, pooled in found]


def _only_differs_in(factor: str, corner: Corner, definition: Definition) -> bool:
    """It is the baseline in everything else: where one factor moves, the others rest."""
    return all(key == factor or key in _DATA or same(value, definition.baseline[key])
               for key, value in corner.values.items())


def _effect(
    factor: str, value: Any, baseline: Any, corners: Sequence[Corner]
) -> tuple[Effect, Difference | None]:
    """The effect without its verdict, which needs the whole family, and the difference in it."""
    own = [corner for corner in corners if same(corner.values[factor], value)]
    is_baseline = same(value, baseline)
    pairs = [] if is_baseline else [
        (one, other) for one in own for other in corners
        if same(other.values[factor], baseline) and _alike(
            {**one.values, factor: None}, {**other.values, factor: None})
    ]
    pooled = _pooled(pairs) if pairs else None
    if pooled is None:
        pairs = []
    return Effect(
        corners[0].group.first.data, factor, value, is_baseline, own, pairs, *_mean(own),
        [found.mean for pair in pairs if (found := _pooled([pair]))], None,
    ), pooled


def _mean(corners: Sequence[Corner]) -> tuple[float | None, float | None, float | None]:
    """Over groups, with its interval."""
    stacks = [corner.stack for corner in corners if corner.stack]
    if len(stacks) == 1:
        only = estimate_stack(stacks[0])
        return only.mean, only.low, only.high
    pooled = compare_stacks(stacks, [1 / len(stacks)] * len(stacks)) if stacks else None
    return (pooled.mean, pooled.low, pooled.high) if pooled else (None, None, None)


def _pooled(pairs: Sequence[tuple[Corner, Corner]]) -> Difference | None:
    """The mean difference of pairs; runs that are on both sides count once, with their sum.

    None where some group has no scores, or all share no image.
    """
    weights: dict[tuple[Path, ...], float] = {}
    stacks: dict[tuple[Path, ...], Stack] = {}
    for pair in pairs:
        for corner, sign in zip(pair, (1, -1), strict=True):
            if corner.stack is None:
                return None
            runs = tuple(run.path for run in corner.group.runs)
            weights[runs] = weights.get(runs, 0.0) + sign / len(pairs)
            stacks[runs] = corner.stack
    left = {runs: weight for runs, weight in weights.items() if abs(weight) > 1e-12}
    if not left:  # the values come to the same runs
        (stack, *_) = stacks.values()
        return compare_stacks([stack, stack], (1.0, -1.0))
    return compare_stacks([stacks[runs] for runs in left], list(left.values()))


def _alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)


def left_out_part(effect: Effect, definition: Definition) -> str | None:
    """The part that a group of ``leave_one_out`` lacks, where it is compared with the whole."""
    whole = definition.design == "leave_one_out" and definition.baseline[VARIANT] == WHOLE
    if effect.factor != VARIANT or effect.is_baseline or not whole:
        return None
    return str(effect.value).removeprefix("without_")
