"""Cutting a data set: into train, val and test, into folds, and the order of labels.

Every random choice orders stems by the SHA-256 of a key and the stem, so it depends on the
stems and the seed alone: not on the order of files, the platform or a library's version.
Images of one group, such as the frames of a video, stay on one side of a cut. Cuts and label
orders are stratified by foreground share, so that each part has small and large lesions alike.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice, pairwise
from math import fsum

from cclcc_cli.data.splits import SPLITS, Splits, share_of
from cclcc_cli.errors import DataError
from cclcc_cli.wording import counted

NUM_LABEL_SEEDS = 5
"""Seeds whose label order is drawn where nothing else is asked for."""

_CUT_STRATA = 10
_LABEL_STRATA = 5


@dataclass(frozen=True)
class Item:
    """One image as a cut sees it.

    Attributes:
        stem: its name.
        group: images of the same group stay together; its own stem where it has none.
        foreground: the mask's share of the image, 0 to 1.
    """

    stem: str
    group: str
    foreground: float


@dataclass(frozen=True)
class LabelRule:
    """How the orders are drawn in which training images get their labels.

    Attributes:
        num_seeds: orders are drawn for so many seeds, from 0; None draws NUM_LABEL_SEEDS of them
            where no order is given, and none beside those that are.
        by_group: label one group after another, as a clinic would label video by video, instead
            of image by image.
        given: seed to an order that is kept as it is, whole or not.
        only: training images whose masks may be used; None for all.
    """

    num_seeds: int | None = None
    by_group: bool = False
    given: Mapping[int, Sequence[str]] = field(default_factory=dict)
    only: Collection[str] | None = None


def build_splits(
    items: Iterable[Item],
    parts: Mapping[str, Iterable[str]],
    labels: LabelRule,
) -> Splits:
    """Splits from the stems of their parts, with a label order for every seed of the rule.

    Args:
        items: of all images; those in no part are dropped.
        parts: ``train``, and perhaps ``val`` and ``test``, to stems; disjoint.
        labels: how label orders are drawn.
    """
    of_stem = {item.stem: item for item in items}
    train, val, test = (tuple(sorted(parts.get(name, ()))) for name in SPLITS)
    training = [of_stem[stem] for stem in train if labels.only is None or stem in labels.only]
    num_drawn = labels.num_seeds or (0 if labels.given else NUM_LABEL_SEEDS)
    seeds = sorted({*range(num_drawn), *labels.given})
    orders = {seed: _label_order(training, seed, labels) for seed in seeds}
    dropped = of_stem.keys() - {*train, *val, *test}
    return Splits(train, val, test, orders, tuple(sorted(dropped)))


def cut(
    items: Sequence[Item], seed: int, val_share: float, test_share: float
) -> dict[str, tuple[str, ...]]:
    """Cut images into train, val and test: stratified, and every group on one side.

    A share is rounded, but at least one image; where groups are large it is only met nearly.

    Args:
        items: all different.
        seed: of the cut.
        val_share, test_share: parts of the whole, from 0 to below 1; 0 leaves a split empty.

    Raises:
        DataError: images or groups are too few to give every split one.
    """
    total = len(items)
    wanted = {"val": share_of(val_share, total), "test": share_of(test_share, total)}
    wanted["train"] = total - wanted["val"] - wanted["test"]
    if wanted["train"] < 1:
        raise DataError(
            f"{total} images with a validation share of {val_share:g} and a test share of "
            f"{test_share:g} leave none to train on; lower the shares or add images"
        )
    needed = [name for name in SPLITS if wanted[name]]
    groups = len({item.group for item in items})
    if groups < len(needed):
        raise DataError(
            f"{total} images that stay together in {counted(groups, 'group')} cannot be cut into "
            f"{', '.join(needed)}; give lists of every split with --splits"
        )
    bins = _fill(items, f"split {seed}", [wanted[name] for name in SPLITS])
    return dict(zip(SPLITS, bins, strict=True))


def cut_folds(items: Sequence[Item], seed: int, num_folds: int) -> list[tuple[str, ...]]:
    """Cut images into so many parts of nearly equal size, stratified, every group in one part.

    Raises:
        DataError: there are fewer groups than folds.
    """
    groups = len({item.group for item in items})
    if groups < num_folds:
        raise DataError(f"--folds {num_folds}: there are only {groups} images or groups that stay "
                        f"together; give at most that many folds")
    total = len(items)
    sizes = [total // num_folds + (fold < total % num_folds) for fold in range(num_folds)]
    return _fill(items, f"folds {seed}", sizes)


@dataclass(frozen=True)
class _Unit:
    """Images that are placed together: one, or a group."""

    name: str
    stems: tuple[str, ...]
    foreground: float


def _units(items: Iterable[Item]) -> list[_Unit]:
    members: defaultdict[str, list[Item]] = defaultdict(list)
    for item in items:
        members[item.group].append(item)
    return [
        _Unit(group, tuple(sorted(item.stem for item in found)),
              # fsum: the same to the last bit in any order, and in every version of Python
              fsum(item.foreground for item in found) / len(found))
        for group, found in members.items()
    ]


def _strata(units: Sequence[_Unit], purpose: str, most: int) -> list[list[_Unit]]:
    """Units of like foreground together, each stratum in an order drawn by ``purpose``.

    Which stratum comes first is drawn as well, and which are larger by one: where few are chosen,
    it would otherwise be from the same strata for every seed.
    """
    ranked = sorted(units, key=lambda unit: (unit.foreground, unit.name))
    count = max(1, min(most, len(ranked) // 2))
    drawn, turn = divmod(int.from_bytes(_draw("", purpose)[0], "big"), count)
    bounds = [(len(ranked) * stratum + drawn % count) // count for stratum in range(count + 1)]
    strata = [
        sorted(ranked[low:high], key=lambda unit: _draw(unit.name, purpose))
        for low, high in pairwise(bounds)
    ]
    return strata[turn:] + strata[:turn]


def _fill(items: Sequence[Item], purpose: str, sizes: Sequence[int]) -> list[tuple[str, ...]]:
    """Spread images over bins of the given sizes, groups whole.

    Groups go first, large ones before small ones, each where most is missing of what was due by
    then. Single images fill up the rest; where all are single, the sizes are met exactly. Where
    there are units enough, no bin that has a size stays empty.
    """
    bins: list[list[_Unit]] = [[] for _ in sizes]
    by_size: defaultdict[int, list[_Unit]] = defaultdict(list)
    for unit in _units(items):
        by_size[len(unit.stems).bit_length()].append(unit)  # 1, 2 to 3, 4 to 7, ...
    singles = by_size.pop(1, [])
    held, placed = [0] * len(sizes), 0
    for large in sorted(by_size, reverse=True):
        for unit in chain(*_strata(by_size[large], purpose, _CUT_STRATA)):
            placed += len(unit.stems)
            # Whole numbers: due is size * placed / total, compared without dividing.
            _, back = max((size * placed - had * len(items), -place)
                          for place, (size, had) in enumerate(zip(sizes, held, strict=True)))
            bins[-back].append(unit)
            held[-back] += len(unit.stems)
    if singles:
        _fill_up(bins, sizes, _strata(singles, purpose, _CUT_STRATA))
    _feed_empty(bins, sizes, purpose)
    return [tuple(sorted(stem for unit in found for stem in unit.stems)) for found in bins]


def _fill_up(
    bins: Sequence[list[_Unit]], sizes: Sequence[int], strata: Iterable[Sequence[_Unit]]
) -> None:
    """Deal single images by what the bins lack, each stratum in proportion to it, within 1."""
    lacks = [max(0, size - _num_images(found)) for size, found in zip(sizes, bins, strict=True)]
    total = sum(lacks)
    given, dealt = [0] * len(bins), 0
    for stratum in strata:
        dealt += len(stratum)
        counts = [lack * len(stratum) // total for lack in lacks]
        late = sorted(
            ((lack * dealt - (had + count) * total, -place) for place, (lack, had, count)
             in enumerate(zip(lacks, given, counts, strict=True)) if lack), reverse=True)
        for _, place in late[:len(stratum) - sum(counts)]:  # one more where most is missing
            counts[-place] += 1
        units = iter(stratum)
        for place, count in enumerate(counts):
            bins[place] += islice(units, count)
            given[place] += count


def _feed_empty(bins: Sequence[list[_Unit]], sizes: Sequence[int], purpose: str) -> None:
    """Where huge groups left a bin empty: give it the smallest unit of the one most overfull."""
    for place, size in enumerate(sizes):
        if size and not bins[place]:
            _, donor = max((_num_images(found) - sizes[other], other)
                           for other, found in enumerate(bins) if len(found) > 1)
            unit = min(bins[donor], key=lambda unit: (len(unit.stems), _draw(unit.name, purpose)))
            bins[donor].remove(unit)
            bins[place].append(unit)


def _num_images(units: Iterable[_Unit]) -> int:
    return sum(len(unit.stems) for unit in units)


def _label_order(items: Sequence[Item], seed: int, rule: LabelRule) -> tuple[str, ...]:
    """A permutation of the items' stems of which every beginning is spread over the strata."""
    if seed in rule.given:
        return tuple(rule.given[seed])
    purpose = f"labels {seed}"
    units = _units(items) if rule.by_group else [
        _Unit(item.stem, (item.stem,), item.foreground) for item in items]
    # Round by round, one unit of each stratum. Larger strata go first in a round, so that every
    # beginning is within 1 of proportion; but not in the first, where that would favour some.
    due = {
        unit.name: (place, -len(stratum) if place else 0)
        for stratum in _strata(units, purpose, _LABEL_STRATA)
        for place, unit in enumerate(stratum)
    }
    order = sorted(units, key=lambda unit: (due[unit.name], _draw(unit.name, purpose)))
    return tuple(stem for unit in order
                 for stem in sorted(unit.stems, key=lambda stem: _draw(stem, purpose)))


def _draw(name: str, purpose: str) -> tuple[bytes, str]:
    return hashlib.sha256(f"cclcc {purpose}\n{name}".encode()).digest(), name
