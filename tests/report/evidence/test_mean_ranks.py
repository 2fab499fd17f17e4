"""Ranks over data sets: by hand, against scipy, and against a published example."""

import numpy as np
import pytest
from scipy import stats

from cclcc_cli.report.evidence.mean_ranks import (
    Block,
    compare_ranks,
    rank_methods,
    rank_stability,
)

DICE, HD95 = ("working", "dice"), ("own", "hd95")


def test_the_best_is_first_and_equals_share():
    assert rank_methods(np.array([0.5, 0.9, 0.5, 0.1]), DICE).tolist() == [2.5, 1, 2.5, 4]
    assert rank_methods(np.array([5.0, 9.0, 5.0, 1.0]), HD95).tolist() == [2.5, 4, 2.5, 1]


def test_friedman_by_hand():
    # Three methods, four blocks; sums of ranks 4, 9, 11 (mean 8):
    # chi-square = 12 / (4 * 3 * 4) * (16 + 81 + 121) - 3 * 4 * 4 = 54.5 - 48 = 6.5.
    ranks = np.array([[1.0, 2, 3], [1, 2, 3], [1, 3, 2], [1, 2, 3]])
    found = compare_ranks(ranks)
    assert found.mean_ranks.tolist() == [1, 2.25, 2.75]
    assert found.chi_square == pytest.approx(6.5)
    assert found.p == pytest.approx(np.exp(-6.5 / 2))  # of two degrees of freedom


@pytest.mark.parametrize("seed", range(6))
def test_friedman_is_scipys_also_with_ties(seed):
    random = np.random.default_rng(seed)
    values = random.integers(0, 5, (7, 4)) / 4 + random.normal(0, 0.1, (7, 4)) * (seed % 2)
    found = compare_ranks(rank_methods(values, DICE))
    expected = stats.friedmanchisquare(*values.T)
    assert (found.chi_square, found.p) == pytest.approx((expected.statistic, expected.pvalue))


def test_where_all_always_tie_nothing_differs():
    found = compare_ranks(np.full((5, 3), 2.0))
    assert (found.chi_square, found.p) == (0.0, 1.0)


@pytest.mark.parametrize(("count", "q"), [
    (2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (6, 2.850), (7, 2.949), (8, 3.031),
    (9, 3.102), (10, 3.164)])
def test_the_critical_difference_is_demsars(count, q):
    """His table 5a; four methods on 14 data sets differ by 1.25 (his section 3.2.2)."""
    ranks = np.tile(np.arange(1.0, count + 1), (14, 1))
    found = compare_ranks(ranks).critical_difference
    assert found == pytest.approx(q * (count * (count + 1) / (6 * 14)) ** 0.5, rel=1e-3)
    if count == 4:
        assert round(found, 2) == 1.25


def test_how_many_blocks_are_enough_is_where_the_largest_difference_becomes_critical():
    for count in (2, 3, 5, 14):
        row = np.arange(1.0, count + 1)
        enough = compare_ranks(np.tile(row, (1, 1))).enough_blocks
        assert compare_ranks(np.tile(row, (enough, 1))).critical_difference < count - 1
        fewer = compare_ranks(np.tile(row, (enough - 1, 1))).critical_difference
        assert fewer >= count - 1


@pytest.mark.parametrize("ranks", [np.ones((3, 1)), np.ones((0, 3))])
def test_nothing_to_compare_is_an_error(ranks):
    with pytest.raises(ValueError, match="compare nothing"):
        compare_ranks(ranks)


def test_a_gain_on_every_image_survives_any_draw_and_identical_methods_share():
    random = np.random.default_rng(0)
    images = random.uniform(0.2, 0.8, 40)
    ahead = rank_stability([Block("a", 8, np.stack([images, images + 0.01]))], DICE)
    assert (ahead.first.tolist(), ahead.kept.tolist()) == ([0, 1], [1, 1])
    farther = rank_stability([Block("a", 8, np.stack([images, images + 0.01]))], HD95)
    assert farther.first.tolist() == [1, 0]
    same = rank_stability([Block("a", 8, np.stack([images, images]))], DICE)
    assert (same.first.tolist(), same.kept.tolist()) == ([0.5, 0.5], [1, 1])


def test_a_difference_of_one_standard_error_is_kept_as_often_as_a_normal_says():
    """The sum of drawn differences is nearly normal: P(z > -1) is 0.841."""
    random = np.random.default_rng(1)
    noise = random.normal(0, 1, 400)
    noise = (noise - noise.mean()) / noise.std()
    difference = 0.1 * (noise + 1 / 400**0.5)  # one standard error above 0
    block = Block("a", 8, np.stack([np.full(400, 0.5), 0.5 + difference]))
    assert rank_stability([block], DICE).first[1] == pytest.approx(0.841, abs=0.03)


def test_blocks_of_one_data_set_draw_the_same_images():
    """The gain rests on the same few images in both blocks, so it is lost in both or in none."""
    gain = np.zeros(60)
    gain[:3] = 1.0
    gain[3:] = -0.02
    values = np.stack([np.full(60, 0.5), 0.5 + gain])
    together = rank_stability([Block("a", 4, values), Block("a", 8, values)], DICE)
    assert set(np.round(together.first + together.first[::-1], 9)) == {1.0}
    alone = rank_stability([Block("a", 4, values)], DICE)
    assert together.first[1] == alone.first[1]  # no draw in which the blocks disagree
    apart = rank_stability([Block("a", 4, values), Block("b", 8, values)], DICE)
    assert apart.kept[1] < together.kept[1]
