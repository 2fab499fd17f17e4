"""What a mean hides, worked out by hand."""

import numpy as np
import pytest

from cclcc_cli.report.evidence.spread import (
    NO_LESION,
    collect_foreground,
    cut_strata,
    measure_spread,
)
from cclcc_cli.report.evidence.stacks import FoldScores, Stack
from cclcc_cli.report.gather.images import ImageValues
from tests.report.stacking import image_scores, stack_of

DICE, HD95 = ("working", "dice"), ("working", "hd95")


def of(*rows, metric=DICE):
    return stack_of(rows, metric=metric)


def test_by_hand_each_seed_alone_then_their_mean():
    # Seed 0: 0.0, 0.25, 0.5, 0.75, 1.0: quartiles 0.25, 0.5, 0.75, worst of 5 is 0.0.
    # Seed 1: 0.2, 0.2, 0.6, 0.6, 0.6: quartiles 0.2, 0.6, 0.6, worst 0.2.
    scores = of([1.0, 0.25, 0.5, 0.75, 0.0], [0.6, 0.2, 0.6, 0.2, 0.6])
    found = measure_spread(scores, scores)
    assert (found.median, found.lower, found.upper) == pytest.approx((0.55, 0.225, 0.675))
    assert found.worst_tenth == pytest.approx(0.1)
    assert found.failures == 4 / 10  # 0.5 itself is no failure


def test_the_worst_of_a_distance_are_the_largest_and_failures_are_dices():
    values = np.arange(1.0, 31.0)  # a tenth of 30 is 3
    dice = np.where(values > 24, 0.1, 0.9)
    found = measure_spread(of(values, metric=HD95), of(dice))
    assert found.worst_tenth == (28 + 29 + 30) / 3
    assert found.failures == 6 / 30
    assert measure_spread(of(values, metric=HD95), None).failures is None
    assert measure_spread(of(values / 30), of(dice)).worst_tenth == pytest.approx(2 / 30)


def test_of_folds_the_mean_of_each_whatever_its_size():
    folds = Stack({0: FoldScores(((None, 0),), image_scores([[0.4, 0.6]])),
                   1: FoldScores(((None, 0),), image_scores([[0.8] * 6], range(2, 8)))})
    found = measure_spread(folds, folds)
    assert (found.median, found.failures) == pytest.approx((0.65, 0.25))


def test_a_tenth_is_rounded_up():
    assert measure_spread(of(np.arange(11.0)), None).worst_tenth == 0.5


def test_terciles_by_hand_and_images_without_a_lesion_apart():
    sizes = {f"i{n}": n / 100 for n in range(1, 10)} | {"empty": 0.0}
    strata = cut_strata(sizes)
    assert strata.cuts == pytest.approx((0.01 + 8 / 3 * 0.01, 0.01 + 16 / 3 * 0.01))
    assert strata.stems == {
        "small": ("i1", "i2", "i3"), "medium": ("i4", "i5", "i6"), "large": ("i7", "i8", "i9"),
        NO_LESION: ("empty",)}


def test_every_image_is_in_one_stratum_also_where_sizes_are_equal():
    for sizes in ([0.1] * 5, [0.1, 0.1, 0.1, 0.3], [0.2], [0.1, 0.2]):
        strata = cut_strata({str(n): size for n, size in enumerate(sizes)})
        members = [stem for stems in strata.stems.values() for stem in stems]
        assert sorted(members) == [str(n) for n in range(len(sizes))]


@pytest.mark.parametrize("sizes", [{}, {"a": 0.0}])
def test_without_lesions_of_known_size_there_are_no_strata(sizes):
    assert cut_strata(sizes) is None


def test_sizes_come_from_whichever_table_has_them():
    old = ImageValues(("a", "b"), np.zeros((1, 2)))
    new = ImageValues(("b", "c"), np.zeros((1, 2)), foreground=np.array([0.1, 0.2]))
    assert collect_foreground([old, new]) == {"b": 0.1, "c": 0.2}
