"""Splits made whole: what is given, and the rest cut by seed; folds; images dropped."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from cclcc_cli.data.cutting import Item, LabelRule, build_splits, cut, cut_folds
from cclcc_cli.data.split_lists import Given
from cclcc_cli.data.split_rule import SplitRule
from cclcc_cli.data.splits import SPLITS, Splits
from cclcc_cli.errors import DataError

_VAL_SHARE = _TEST_SHARE = 0.1


@dataclass(frozen=True)
class SplitSet:
    """The splits of a store.

    Attributes:
        main: used where a recipe names no fold.
        folds: of a cross-validation; empty without.
        rule: how they came about, in words.
    """

    main: Splits
    folds: tuple[Splits, ...]
    rule: str

    @property
    def all(self) -> tuple[Splits, ...]:
        """The main splits, then the folds."""
        return (self.main, *self.folds)

    def each(self, change: Callable[[Splits], Splits]) -> "SplitSet":
        """The same with all of them changed alike."""
        return replace(self, main=change(self.main),
                       folds=tuple(change(fold) for fold in self.folds))


def make_splits(rule: SplitRule, given: Given, items: Sequence[Item]) -> SplitSet:
    """Complete what is given by cuts, and cut the folds.

    Where a test split is given it stays the test split of every fold, and each part validates in
    its turn; otherwise each part is tested in its turn, and validation is cut from the rest.

    Args:
        rule: what was asked for.
        given: what was settled of it.
        items: all images that are in a list, or all.

    Raises:
        DataError: images or groups are too few.
    """
    main = _complete(rule, given, items)
    if given.folds:
        folds = tuple(_complete(rule, fold, items) for fold in given.folds)
    elif rule.folds:
        folds = _cross_validation(rule, given, items)
    else:
        folds = ()
    return SplitSet(main, folds, _describe(rule, given, len(folds)))


def drop(splits: Splits, stems: Collection[str], items: Iterable[Item], rule: SplitRule) -> Splits:
    """The same splits without some images.

    Raises:
        DataError: a split would be left empty.
    """
    parts = {name: [stem for stem in getattr(splits, name) if stem not in stems]
             for name in SPLITS}
    for name in SPLITS:
        if getattr(splits, name) and not parts[name]:
            raise DataError(f"--drop-leaks would leave the {name} split empty; cut other splits")
    labels = replace(rule.labels, given={
        seed: [stem for stem in splits.label_orders[seed] if stem not in stems]
        for seed in splits.label_orders})
    kept = build_splits(items, parts, labels)
    dropped = {*kept.dropped, *(stem for stem in splits.pool if stem in stems)}
    return replace(kept, dropped=tuple(sorted(dropped)),
                   pool=tuple(stem for stem in splits.pool if stem not in stems))


def _shares(rule: SplitRule, given: Given) -> tuple[float, float]:
    """The shares of val and test to cut off; 0 for what is given.

    Where train is given, test is only cut if a share asks for it.
    """
    if rule.only is not None:
        return 0, 0
    val = _VAL_SHARE if rule.val_share is None else rule.val_share
    test = (0 if given.parts else _TEST_SHARE) if rule.test_share is None else rule.test_share
    return 0 if "val" in given.parts else val, 0 if "test" in given.parts else test


def _complete(rule: SplitRule, given: Given, items: Sequence[Item]) -> Splits:
    """What is given, and the rest cut from train, or from all where nothing is."""
    fixed = dict(given.parts)
    if fixed and "train" not in fixed:
        return build_splits(items, fixed, rule.labels)  # for tests alone
    pool = set(fixed.pop("train", (item.stem for item in items)))
    parts = cut([item for item in items if item.stem in pool], rule.seed or 0,
                *_shares(rule, given))
    return build_splits(items, {**parts, **fixed}, _labels(rule, given, parts["train"]))


def _labels(rule: SplitRule, given: Given, train: Iterable[str]) -> LabelRule:
    """How the labels of these training images are ordered, by the lists that were given."""
    kept = {*train}
    orders = {seed: [stem for stem in order if stem in kept]
              for seed, order in given.orders.items()}
    return replace(rule.labels, given=orders, only=given.labeled)


def _cross_validation(
    rule: SplitRule, given: Given, items: Sequence[Item]
) -> tuple[Splits, ...]:
    assert rule.folds is not None
    seed = rule.seed or 0
    test = set(given.parts.get("test", ()))
    apart = test.union(given.dropped)
    pool = [item for item in items if item.stem not in apart]
    folds = []
    for held_out in cut_folds(pool, seed, rule.folds):
        held = set(held_out)
        rest = [item for item in pool if item.stem not in held]
        if test:
            parts: dict[str, Iterable[str]] = {
                "train": [item.stem for item in rest], "val": held_out, "test": test}
        else:
            share = _VAL_SHARE if rule.val_share is None else rule.val_share
            parts = {**cut(rest, seed, share, 0), "test": held_out}
        folds.append(build_splits(items, parts, _labels(rule, given, parts["train"])))
    return tuple(folds)


def _describe(rule: SplitRule, given: Given, num_folds: int) -> str:
    words = [given.source] if given.source else []
    how = f"cut by seed {rule.seed or 0}, stratified by foreground, groups whole"
    names = [name for name, share in zip(("val", "test"), _shares(rule, given), strict=True)
             if share]
    if names:
        words.append(f"{', '.join(names if given.parts else ['train', *names])} {how}")
    if num_folds:
        words.append(f"{num_folds} folds" if given.folds or names else f"{num_folds} folds {how}")
    return "; ".join(words)
