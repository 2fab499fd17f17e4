"""What a person asks of the splits, and what is settled before any image was looked at."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from cclcc_cli.data.cutting import LabelRule
from cclcc_cli.data.split_lists import Given, read_lists
from cclcc_cli.data.splits import fold_folders
from cclcc_cli.errors import DataError


@dataclass(frozen=True)
class SplitRule:
    """How to split; None where nothing was asked for.

    Attributes:
        lists: folder with ``train.txt``, or ``labeled.txt`` and ``unlabeled.txt``, perhaps
            ``val.txt``, ``test.txt``, label orders ``labeled_seed0.txt``, and folders ``fold0``,
            ... of the same. Masks that lists of labels leave out are not used.
        val_share, test_share: parts cut off by seed where there is no list, from 0 to below 1.
        seed: of those cuts.
        folds: parts to cut for cross-validation.
        ignore_official: cut anew what has an official split.
        groups: CSV file of images that must stay together.
        drop_leaks: leave out the training side of pairs that show the same thing.
        labels: how label orders are drawn.
        only: all images are for this alone.
    """

    lists: Path | None = None
    val_share: float | None = None
    test_share: float | None = None
    seed: int | None = None
    folds: int | None = None
    ignore_official: bool = False
    groups: Path | None = None
    drop_leaks: bool = False
    labels: LabelRule = field(default_factory=LabelRule)
    only: Literal["train", "test"] | None = None


_PURPOSES = {"train": "training", "test": "testing"}


def settle(
    rule: SplitRule,
    official: Mapping[str, Sequence[str]],
    stems: Collection[str],
    extensions: Collection[str],
    unmasked: Collection[str] = (),
    official_source: str = "the official split",
) -> Given:
    """Read lists, take the official split, or leave it to a cut; and check that options apply.

    Args:
        rule: what was asked for.
        official: split to stems as the data set's authors have it; empty where they have none.
        stems: of all images with a mask.
        extensions: that an entry of a list may carry, such as ``.jpg``.
        unmasked: stems of the other images, which lists may name among the unlabelled.
        official_source: what the official split is called.

    Raises:
        DataError: lists that name unknown images or one image twice, or a share or a seed that
            is out of range or has nothing to apply to.
    """
    _check_numbers(rule)
    if rule.only is not None:
        _check_only(rule)
        return Given({rule.only: sorted(stems)}, f"all for {_PURPOSES[rule.only]}")
    if rule.lists is not None:
        given = read_lists(rule.lists, stems, extensions, unmasked)
        folds = [read_lists(folder, stems, extensions, unmasked)
                 for folder in fold_folders(rule.lists)]
        given = replace(given, folds=tuple(folds))
        if given.folds and rule.folds is not None:
            raise DataError(f"--folds does not apply: {rule.lists} lists folds of its own; "
                            f"leave one of them out")
    elif official and not rule.ignore_official:
        given = Given(official, official_source)
    else:
        given = Given()
    _check_applies(rule, given, official)
    _check_seeds(rule, given)
    return given


def _check_numbers(rule: SplitRule) -> None:
    if rule.val_share is not None and not 0 < rule.val_share < 1:
        raise DataError(
            f"--val-share {rule.val_share:g}: must lie between 0 and 1; validation images are "
            f"needed to choose the best checkpoint"
        )
    if rule.test_share is not None and not 0 <= rule.test_share < 1:
        raise DataError(f"--test-share {rule.test_share:g}: must lie from 0 to below 1")
    if rule.folds is not None and not 2 <= rule.folds <= 100:
        raise DataError(f"--folds {rule.folds}: must lie from 2 to 100")
    num_seeds = rule.labels.num_seeds
    if num_seeds is not None and not 1 <= num_seeds <= 100:
        raise DataError(f"--label-seeds {num_seeds}: must lie from 1 to 100")


def _check_seeds(rule: SplitRule, given: Given) -> None:
    """Refuse to draw labels beside lists that leave some out: nobody said that they may be used."""
    if rule.labels.num_seeds is not None and any(
            len(order) < len(given.parts["train"]) for order in given.orders.values()):
        raise DataError(f"--label-seeds does not apply: {rule.lists}/labeled_seed*.txt name the "
                        f"images whose masks may be used; leave one of them out")


def _check_only(rule: SplitRule) -> None:
    """Refuse what has nothing to cut where all images have one purpose."""
    given = {"--splits": rule.lists, "--val-share": rule.val_share, "--folds": rule.folds,
             "--test-share": rule.test_share, "--split-seed": rule.seed}
    named = [option for option, value in given.items() if value is not None]
    if named:
        raise DataError(f"--{rule.only}-only does not apply: {', '.join(named)} is given; leave "
                        f"one of them out")


def _check_applies(
    rule: SplitRule, given: Given, official: Mapping[str, Sequence[str]]
) -> None:
    """Refuse a share for a split that is given, and what has nothing to apply to."""
    lacking = {name for name in ("val", "test") for one in (given, *given.folds)
               if name not in one.parts}
    if rule.folds and "test" not in given.parts:
        lacking.add("val")  # each fold is tested in its turn, and validation cut from the rest
    shares = {"val": rule.val_share, "test": rule.test_share}
    where = f"{rule.lists}/{{}}.txt is there" if rule.lists else "there is an official {} split"
    for name, share in shares.items():
        if name not in lacking and share is not None:
            raise DataError(f"--{name}-share does not apply: {where.format(name)}; "
                            f"leave one of them out")
    complete = "val" not in lacking and not rule.test_share and not rule.folds
    if complete and rule.seed is not None:
        lists = f"{rule.lists} lists" if rule.lists else "the official split names"
        raise DataError(f"--split-seed does not apply: {lists} every split")
    if rule.ignore_official and not official:
        raise DataError("--ignore-official does not apply: there is no official split")
    if rule.ignore_official and rule.lists:
        raise DataError("--ignore-official does not apply: --splits is given; leave one out")
