"""All scores of a group, by fold and run, and what comes of them: an estimate, or a difference.

Which runs of two groups belong together is decided here, by their seeds, labelled subsets and
folds; ``report.statistics`` does the arithmetic.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from cclcc_cli.metrics.scores import Metric
from cclcc_cli.report.evidence.findings import Difference, Estimate, Pairing
from cclcc_cli.report.evidence.statistics import (
    Scores,
    contrast,
    contrast_folds,
    estimate,
    estimate_folds,
    unpaired,
)
from cclcc_cli.report.gather.finished import FinishedRun
from cclcc_cli.report.gather.images import ImageValues, RunScores

_T = TypeVar("_T")
Repeat = tuple[int | None, int]
"""Label seed, where the recipe fixes one, and seed of a run."""


@dataclass(frozen=True)
class FoldScores:
    """A group's runs on the main splits, or on one fold.

    Attributes:
        repeats: of the runs, one for each row.
        images: their scores, runs by images.
        train_images: of the fold, labelled or not.
    """

    repeats: tuple[Repeat, ...]
    images: ImageValues
    train_images: int = 0


@dataclass(frozen=True)
class Stack:
    """A group's runs by fold; None stands for the main splits."""

    folds: Mapping[int | None, FoldScores]

    @property
    def metric(self) -> Metric:
        """Which score these are."""
        return next(iter(self.folds.values())).images.metric

    @property
    def stems(self) -> set[str]:
        return {stem for fold in self.folds.values() for stem in fold.images.stems}

    @property
    def num_images(self) -> int:
        return len(self.stems)

    @property
    def num_groups(self) -> int | None:
        """Groups that its images come from; None where every image stands for itself."""
        images = [fold.images for fold in self.folds.values()]
        if all(each.groups is None for each in images):
            return None
        return len({unit for each in images for unit in _units(each)})

    def of(self, stems: Iterable[str]) -> "Stack | None":
        """The same for some of the images; None where it has none of them."""
        wanted, folds = set(stems), {}
        for fold, found in self.folds.items():
            if own := [stem for stem in found.images.stems if stem in wanted]:
                folds[fold] = replace(found, images=found.images.of(own))
        return Stack(folds) if folds else None

    def mean_over_runs(self) -> dict[str, float]:
        """Each image's score by its stem, mean over the runs that scored it."""
        values: dict[str, list[Scores]] = {}
        for fold in self.folds.values():
            for stem, column in zip(fold.images.stems, fold.images.values.T, strict=True):
                values.setdefault(stem, []).append(column)
        return {stem: float(np.concatenate(found).mean()) for stem, found in values.items()}


def stack_runs(runs: Iterable[FinishedRun], scores: RunScores) -> Stack | None:
    """The runs of a group; None where none has scores.

    Args:
        runs: of one group.
        scores: of their images, by run folder; runs of one fold have the same images.
    """
    by_fold: dict[int | None, list[FinishedRun]] = {}
    for run in runs:
        if run.path in scores:
            by_fold.setdefault(run.fold, []).append(run)
    folds = {}
    for fold, found in by_fold.items():
        stems = scores[found[0].path].stems
        rows = [scores[run.path].of(stems) for run in found]
        folds[fold] = FoldScores(
            tuple((run.subset, run.seed) for run in found),
            replace(rows[0], values=np.stack([row.values for row in rows]),
                    foreground=_first([row.foreground for row in rows]),
                    groups=_first([row.groups for row in rows])),
            found[0].train_images)
    return Stack(folds) if folds else None


def _first(values: Iterable[_T | None]) -> _T | None:
    """What one run's table holds counts for its group: older tables lack it."""
    return next((value for value in values if value is not None), None)


def estimate_stack(stack: Stack) -> Estimate:
    """A group's mean with its interval; images are those of the split, whatever groups they have.
    """
    folds = list(stack.folds.values())
    if len(folds) > 1:
        found = estimate_folds([_in_units(fold.images) for fold in folds], _ratio(folds),
                               stack.metric)
    else:
        found = estimate(_rows(_in_units(folds[0].images), folds[0].repeats)[0],
                         stack.metric)
    return replace(found, num_images=stack.num_images)


def compare_stacks(stacks: Sequence[Stack], weights: Sequence[float]) -> Difference | None:
    """A weighted sum of groups on what all of them have; None where that is no image.

    Args:
        stacks: of groups on one data set, of one score.
        weights: 1 and -1 for a plain difference.
    """
    tables = _share(stacks)
    if not tables:
        return None
    if len(tables) == 1:
        return _compare_runs(tables[0], weights, stacks[0].metric)
    per_image = [np.add.reduce([weight * _in_units(group.images).mean(axis=0)
                                for group, weight in zip(groups, weights, strict=True)])
                 for groups in tables]
    return contrast_folds([float(each.mean()) for each in per_image], np.concatenate(per_image),
                          _ratio([groups[0] for groups in tables]), weights, stacks[0].metric)


def share_images(stacks: Sequence[Stack]) -> list[Scores]:
    """Each group's scores of the images that all have, means over the runs that are compared."""
    tables = _share(stacks)
    return [np.concatenate([groups[place].images.values.mean(axis=0) for groups in tables])
            for place in range(len(stacks))]


def common_seeds(stacks: Sequence[Stack]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Seeds that all groups have, and those that only some have."""
    seeds = [{seed for fold in stack.folds.values() for _, seed in fold.repeats}
             for stack in stacks]
    common = set.intersection(*seeds)
    return tuple(sorted(common)), tuple(sorted(set.union(*seeds) - common))


def left_over_seeds(stacks: Iterable[Stack | None]) -> tuple[int, ...]:
    """Seeds that a comparison leaves out, since only some groups have them.

    None where no seed is common: each group then keeps its own.
    """
    common, rest = common_seeds([stack for stack in stacks if stack])
    return rest if common else ()


def _share(stacks: Sequence[Stack]) -> list[list[FoldScores]]:
    """By fold that all groups have: the images that all have, and the runs, where there are some.

    Without a common run each group keeps its own.
    """
    tables = []
    for fold in stacks[0].folds:
        if all(fold in stack.folds for stack in stacks):
            groups = _align([stack.folds[fold] for stack in stacks])
            common = _common_repeats(groups) if groups else []
            tables.append([_of_runs(group, common) for group in groups] if common else groups)
    return [groups for groups in tables if groups]


def _compare_runs(
    groups: Sequence[FoldScores], weights: Sequence[float], metric: Metric
) -> Difference:
    """On the same images, in the same order; paired where the runs are the same as well."""
    found = [_rows(_in_units(group.images), group.repeats) for group in groups]
    rows = [each for each, _ in found]
    if all(group.repeats == groups[0].repeats for group in groups):
        return contrast(rows, weights, found[0][1], metric)
    return unpaired(rows, weights, metric)


def _common_repeats(groups: Sequence[FoldScores]) -> list[Repeat]:
    """Runs that all groups have, in the first's order.

    Label seeds count where some group has several; else a seed is a seed.
    """
    repeats = [group.repeats for group in groups]
    if all(len({subset for subset, _ in each}) == 1 for each in repeats):
        seeds = set.intersection(*({seed for _, seed in each} for each in repeats))
        return [(None, seed) for _, seed in repeats[0] if seed in seeds]
    shared = set(repeats[0]).intersection(*repeats[1:])
    return [repeat for repeat in repeats[0] if repeat in shared]


def _of_runs(group: FoldScores, repeats: Sequence[Repeat]) -> FoldScores:
    """Some of the rows, in the order asked for; without a label seed the only one is meant."""
    places = {repeat: row for row, repeat in enumerate(group.repeats)}
    places |= {(None, seed): row for row, (_, seed) in enumerate(group.repeats)
               if len({subset for subset, _ in group.repeats}) == 1}
    images = group.images
    values = images.values[[places[repeat] for repeat in repeats]]
    return replace(group, repeats=tuple(repeats), images=replace(images, values=values))


def _align(groups: Sequence[FoldScores]) -> list[FoldScores]:
    """On the images that all have, in the first's order; none where there is none."""
    shared = set(groups[0].images.stems).intersection(*(g.images.stems for g in groups[1:]))
    stems = [stem for stem in groups[0].images.stems if stem in shared]
    if not stems:
        return []
    images = [group.images.of(stems) for group in groups]
    known = _first([each.groups for each in images])
    return [replace(group, images=replace(each, groups=known))
            for group, each in zip(groups, images, strict=True)]


def _units(images: ImageValues) -> tuple[str, ...]:
    """What each image belongs to: its group, or itself."""
    return images.stems if images.groups is None else images.groups


def _in_units(images: ImageValues) -> Scores:
    """Means over each group's images, ``(R, G)``; the scores as they are without groups."""
    if images.groups is None:
        return images.values
    places = {unit: place for place, unit in enumerate(dict.fromkeys(_units(images)))}
    member = np.zeros((len(images.stems), len(places)))
    member[np.arange(len(images.stems)), [places[unit] for unit in _units(images)]] = 1
    means: Scores = images.values @ member / member.sum(axis=0)
    return means


def _rows(values: Scores, repeats: Sequence[Repeat]) -> tuple[Scores, Pairing]:
    """What is repeated: seeds, or labelled subsets where there are several, means over seeds."""
    subsets = [subset for subset, _ in repeats]
    different = dict.fromkeys(subsets)
    if len(different) == 1:
        return values, "seeds"
    return np.stack([values[[one == subset for one in subsets]].mean(axis=0)
                     for subset in different]), "label subsets"


def _ratio(folds: Sequence[FoldScores]) -> float:
    """Test images over images that train, mean over folds."""
    return float(np.mean([len(fold.images.stems) / fold.train_images for fold in folds]))
