"""Estimates and differences: against scipy, by hand, and where there is little to judge by."""

import time

import numpy as np
import pytest
from scipy import stats

from cclcc_cli.report.evidence.findings import SEEDS_AHEAD
from cclcc_cli.report.evidence.paired_tests import sign_flip_p, wilcoxon_p
from cclcc_cli.report.evidence.statistics import (
    contrast,
    contrast_folds,
    difference,
    estimate,
    estimate_folds,
    unpaired,
)


@pytest.fixture
def random():
    return np.random.default_rng(0)


def crossed(random, num_seeds, num_images, *, seed_std, image_std=0.2, rest_std=0.1):
    """Scores whose variance components are known."""
    return (0.7 + random.normal(0, image_std, num_images)
            + random.normal(0, seed_std, (num_seeds, 1))
            + random.normal(0, rest_std, (num_seeds, num_images)))


# The default comparison, worked out by hand.

# E has seed means 1, 3, 5 and image means 1, 5: squares of images 3 * 8 = 24, of seeds 2 * 4 = 8;
# the rest is +-1, +-1, 0 from its two images: sum of squares 4 over (3-1)(2-1) = 2.
TABLE = np.array([[-2.0, 4.0], [2.0, 4.0], [3.0, 7.0]]) / 100


def test_variance_freedom_t_and_interval_by_hand():
    baseline = np.array([[0.5, 0.6], [0.4, 0.7], [0.3, 0.8]])
    found = difference(baseline + TABLE, baseline)
    variance = (24e-4 + 8e-4 - 2e-4) / 6
    freedom = (30e-4) ** 2 / ((24e-4) ** 2 / 1 + (8e-4) ** 2 / 2)
    assert freedom > 1
    assert found.mean == pytest.approx(0.03)
    assert found.error == pytest.approx(variance**0.5)
    assert found.freedom == pytest.approx(freedom)
    assert found.p == pytest.approx(2 * stats.t.sf(0.03 / variance**0.5, freedom))
    width = stats.t.ppf(0.975, freedom) * variance**0.5
    assert (found.low, found.high) == pytest.approx((0.03 - width, 0.03 + width))
    assert (found.pairing, found.num_repetitions, found.num_images) == ("seeds", 3, 2)


def test_freedom_is_never_below_the_smallest_components(random):
    """What the rest takes off the variance would else leave fewer degrees than any part has."""
    table = 0.1 * random.normal(0, 1, (3, 40))
    found = [contrast([0.02 * random.normal(0, 1, (3, 1)) + table[:, ::step]], [1.0])
             for step in (1, 2, 5) for _ in range(50)]
    assert min(one.freedom for one in found) >= 2


def test_seeds_that_vary_less_than_the_rest_do_not_count():
    table = np.array([[0.01, 0.03, 0.02], [0.03, 0.01, 0.02], [0.02, 0.02, 0.02]])
    found = contrast([table], [1.0])
    assert found.error**2 == pytest.approx(3 * table.mean(0).var(ddof=1) / 9)
    assert found.freedom == 2  # of the images, N - 1


def test_what_seeds_share_is_no_noise(random):
    """Today's seeds lie 20 points apart, and every one finds the same gain."""
    shared = np.array([[0.2], [0.4], [0.6]]) + random.uniform(0, 0.2, 50)
    first = shared + 0.03 + random.normal(0, 0.01, (3, 50))
    paired, apart = difference(first, shared), unpaired((first, shared), (1, -1))
    assert paired.p < 1e-4
    assert apart.p > 0.5
    assert paired.mean == pytest.approx(apart.mean)
    assert paired.correlation > 0.99
    assert apart.correlation is None


def test_correlation_is_of_the_sides_seed_means(random):
    first, second = (crossed(random, 4, 30, seed_std=0.05) for _ in range(2))
    found = difference(first, second).correlation
    assert found == pytest.approx(np.corrcoef(first.mean(1), second.mean(1))[0, 1])
    assert difference(first[:2], second[:2]).correlation is None  # always 1 or -1
    assert contrast([first, second], [0.5, 0.5]).correlation is None  # no second side


def test_a_contrast_shares_its_axis_of_seeds(random):
    groups = [crossed(random, 3, 40, seed_std=0.05) for _ in range(4)]
    weights = [0.5, -0.5, 0.5, -0.5]
    found = contrast(groups, weights)
    table = np.tensordot(weights, np.array(groups), 1)
    assert found.mean == pytest.approx(table.mean())
    alone = contrast([table], [1.0])
    assert (found.error, found.freedom, found.p) == pytest.approx(
        (alone.error, alone.freedom, alone.p))


# With one seed everything is scipy's.

def test_one_seed_is_scipys_t_test(random):
    first, second = random.normal(0.6, 0.1, (2, 1, 40))
    found = difference(first, second)
    known = stats.ttest_rel(first[0], second[0])
    assert found.p == pytest.approx(known.pvalue, rel=1e-9)
    assert (found.low, found.high) == pytest.approx(tuple(known.confidence_interval(0.95)))
    assert (found.num_repetitions, found.allows_verdict, found.smallest_gain) == (1, False, None)


def test_wilcoxon_and_sign_flips_are_scipys(random):
    differences = random.normal(0.03, 0.1, 12)
    assert wilcoxon_p(differences) == pytest.approx(stats.wilcoxon(differences).pvalue)
    known = stats.permutation_test(
        (differences,), np.sum, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip_p(differences) == pytest.approx(known.pvalue, abs=1e-12)


def test_many_images_are_flipped_at_random_near_scipys(random):
    differences = random.normal(0.02, 0.1, 60)
    known = stats.permutation_test(
        (differences,), np.sum, permutation_type="samples", n_resamples=50_000, rng=1)
    assert sign_flip_p(differences) == pytest.approx(known.pvalue, abs=0.01)


def test_ties_and_images_that_do_not_differ():
    differences = np.array([0, 0, 0.1, 0.1, 0.1, -0.1, 0.2, 0.2, 0, 0.3])
    assert wilcoxon_p(differences) == pytest.approx(
        stats.wilcoxon(differences[differences != 0]).pvalue)
    assert wilcoxon_p(np.full(9, 1e-16)) == 1.0  # rounding, no difference


# Two levels.

def test_variance_components_worked_out_by_hand():
    # Seeds' means 0.5, 0.7; images' 0.4, 0.8; mean 0.6; the rest is +-0.1, squares sum to 0.04
    # over (2-1)(2-1). Images: 2 * 0.08 = 0.16, less 0.04, over 2 seeds 0.06. Seeds: 2 * 0.02.
    found = estimate(np.array([[0.4, 0.6], [0.4, 1.0]]))
    assert found.mean == pytest.approx(0.6)
    assert found.std == pytest.approx(0.02**0.5)
    assert found.image_std == pytest.approx(0.06**0.5)
    assert found.seed_std == pytest.approx(0)
    assert found.rest_std == pytest.approx(0.2)


def test_images_and_seeds_are_told_apart(random):
    found = [estimate(crossed(random, 20, 100, seed_std=0.05)) for _ in range(30)]
    assert np.mean([f.image_std for f in found]) == pytest.approx(0.2, rel=0.05)
    assert np.mean([f.seed_std for f in found]) == pytest.approx(0.05, rel=0.1)
    assert np.mean([f.rest_std for f in found]) == pytest.approx(0.1, rel=0.02)


# Seeds that are not shared.

def test_unshared_seeds_are_each_groups_noise():
    images = np.linspace(-0.01, 0.01, 100)
    first = np.array([[0.70], [0.80], [0.75]]) + images
    second = np.array([[0.70], [0.66], [0.74]]) + images[::-1]
    found = unpaired((first, second), (1, -1))
    assert found.mean == pytest.approx(0.05)
    # Welch on the seeds' means, with which the images agree almost entirely.
    assert found.p == pytest.approx(
        stats.ttest_ind(first.mean(1), second.mean(1), equal_var=False).pvalue, rel=0.01)
    assert found.low < 0 < found.high
    assert max(found.p_wilcoxon, found.p_sign_flip) < 1e-3
    assert (found.pairing, found.num_repetitions, found.correlation) == ("none", 3, None)


def test_unshared_seeds_may_be_unequal_in_number(random):
    found = unpaired((crossed(random, 5, 30, seed_std=0.01), crossed(random, 3, 30, seed_std=0.01)),
                     (1, -1))
    assert (found.num_repetitions, found.allows_verdict) == (3, True)


def test_one_against_many_unshared_ones_is_of_images_alone(random):
    many, one = crossed(random, 5, 30, seed_std=0.1), crossed(random, 1, 30, seed_std=0.1)
    found = unpaired((many, one), (1, -1))
    assert found.p == pytest.approx(stats.ttest_rel(many.mean(0), one[0]).pvalue)
    assert (found.num_repetitions, found.smallest_gain) == (1, None)


# Folds.

def test_folds_by_hand():
    means, ratio = [0.01, 0.03, 0.02, 0.06], 0.25
    found = contrast_folds(means, np.repeat(means, 10), ratio, (1, -1))
    assert found.error**2 == pytest.approx((1 / 4 + 1 / 4) * np.var(means, ddof=1))
    assert (found.freedom, found.num_repetitions, found.num_images) == (3, 4, 40)
    t = 0.03 / found.error
    assert found.p == pytest.approx(2 * stats.t.sf(t, 3))
    assert found.gains_ahead == (None, None, None)  # more seeds make no more folds
    assert found.smallest_gain > 0


def test_a_mean_over_folds_weighs_each_alike():
    found = estimate_folds([np.full((3, 10), 0.5), np.full((1, 30), 0.7)], 0.25)
    assert found.mean == pytest.approx(0.6)
    assert (found.num_seeds, found.num_images) == (2, 40)
    assert (found.low, found.high) == (0.0, 1.0)  # two folds say little


# Range.

def test_intervals_stay_within_what_scores_can_be():
    high = np.array([[0.99, 1.0, 0.7], [1.0, 0.99, 1.0], [0.6, 1.0, 1.0]])
    found = estimate(high)
    assert found.low < found.mean < found.high == 1.0
    apart = difference(high, 1 - high)
    assert apart.low < apart.high <= 1.0
    assert apart.interval(1e-6) == (-1.0, 1.0)
    assert contrast([high, 1 - high], [0.5, 0.5]).bounds == (0.0, 1.0)


def test_a_wider_level_is_a_wider_interval(random):
    found = difference(*random.normal(0.5, 0.05, (2, 3, 30)))
    assert found.interval(0.05) == (found.low, found.high)
    low, high = found.interval(0.01)
    assert low < found.low < found.high < high


def test_scores_upside_down_turn_the_difference_around(random):
    first, second = crossed(random, 3, 50, seed_std=0.02), crossed(random, 3, 50, seed_std=0.02)
    there, back = difference(first, second), difference(second, first)
    assert back.mean == pytest.approx(-there.mean)
    assert (back.p, back.p_wilcoxon) == pytest.approx((there.p, there.p_wilcoxon))
    assert back.effect == pytest.approx(-there.effect)


def test_the_effect_is_cohens_d_of_the_pairs():
    found = difference(np.array([[0.5, 0.7, 0.9]]), np.array([[0.4, 0.5, 0.6]]))
    assert found.effect == pytest.approx(0.2 / 0.1)


# The smallest gain.

def test_the_smallest_gain_is_the_noncentral_ts(random):
    found = difference(*random.normal(0.5, 0.1, (2, 4, 50)))
    critical = stats.t.ppf(0.975, found.freedom)
    power = stats.nct.sf(critical, found.freedom, found.smallest_gain / found.error)
    assert power == pytest.approx(0.8, abs=1e-6)


def test_it_does_not_depend_on_what_was_observed(random):
    first, second = (crossed(random, 3, 50, seed_std=0.02) for _ in range(2))
    shifted, found = difference(first + 0.1, second), difference(first, second)
    assert shifted.smallest_gain == pytest.approx(found.smallest_gain)
    assert shifted.gains_ahead == pytest.approx(found.gains_ahead)


@pytest.mark.parametrize("how", [difference, lambda one, other: unpaired((one, other), (1, -1))])
def test_more_seeds_find_less_down_to_what_images_leave(random, how):
    lasting = random.normal(0, 0.1, 60)
    found = [how(crossed(random, 5, 60, seed_std=0.03, image_std=0) + lasting,
                 crossed(random, 5, 60, seed_std=0.03, image_std=0)) for _ in range(40)]
    assert all(one.gains_ahead[0] > one.gains_ahead[1] > one.gains_ahead[2] for one in found)
    with_ten = [how(crossed(random, 10, 60, seed_std=0.03, image_std=0) + lasting,
                    crossed(random, 10, 60, seed_std=0.03, image_std=0)) for _ in range(40)]
    foretold = np.median([one.gains_ahead[SEEDS_AHEAD.index(10)] for one in found])
    assert foretold == pytest.approx(np.median([one.smallest_gain for one in with_ten]), rel=0.2)
    limit = (1.96 + 0.84) * lasting.std(ddof=1) / 60**0.5
    assert min(one.gains_ahead[-1] for one in found) > 0.7 * limit


def test_with_as_many_seeds_as_there_are_it_is_todays(random):
    table = crossed(random, 5, 80, seed_std=0.05)
    found = contrast([table], [1.0])
    assert found.gains_ahead[0] == pytest.approx(found.smallest_gain)


# Little to judge by.

@pytest.mark.parametrize("num_seeds", [1, 3])
def test_identical_results_are_not_different(random, num_seeds):
    scores = random.random((num_seeds, 20))
    found = difference(scores, scores.copy())
    assert (found.p, found.p_wilcoxon, found.p_sign_flip) == (1.0, 1.0, 1.0)
    assert (found.mean, found.effect) == (0.0, 0.0)
    assert found.low <= 0 <= found.high


@pytest.mark.parametrize("num_seeds", [1, 4])
def test_one_image_stands_for_no_other(num_seeds):
    found = difference(np.full((num_seeds, 1), 0.9), np.full((num_seeds, 1), 0.1))
    assert (found.p, found.p_wilcoxon, found.p_sign_flip) == (1.0, 1.0, 1.0)
    assert (found.low, found.high, found.effect, found.smallest_gain) == (None,) * 4
    alone = estimate(np.full((num_seeds, 1), 0.9))
    assert (alone.low, alone.high, alone.image_std) == (None, None, None)


def test_one_seed_has_no_noise_of_seeds(random):
    found = estimate(random.random((1, 20)))
    assert (found.std, found.seed_std, found.rest_std) == (None, None, None)
    assert found.low < found.mean < found.high


def test_a_difference_that_is_the_same_everywhere_has_no_effect_size():
    found = difference(np.full((2, 8), 0.75), np.full((2, 8), 0.5))
    assert (found.p, found.low, found.high, found.effect) == (0.0, 0.25, 0.25, None)
    assert found.smallest_gain == 0


@pytest.mark.parametrize(("scores", "message"), [
    (np.array([[0.5, np.nan]]), "finite"), (np.array([[0.5, np.inf]]), "finite"),
    (np.empty((0, 5)), "shape"), (np.array([0.5, 0.6]), "shape"),
])
def test_what_is_no_score_is_refused(scores, message):
    with pytest.raises(ValueError, match=message):
        estimate(scores)


def test_other_images_or_seeds_cannot_be_paired():
    with pytest.raises(ValueError, match=r"same seeds and images: \(2, 3\) and \(2, 4\)"):
        difference(np.ones((2, 3)), np.ones((2, 4)))
    with pytest.raises(ValueError, match=r"same seeds and images: \(2, 3\) and \(1, 3\)"):
        difference(np.ones((2, 3)), np.ones((1, 3)))
    with pytest.raises(ValueError, match="same images: 3 and 4"):
        unpaired((np.ones((2, 3)), np.ones((2, 4))), (1, -1))


def test_the_same_scores_give_the_same_numbers(random):
    first, second = random.random((2, 3, 25))
    assert difference(first, second) == difference(first.copy(), second.copy())


def test_two_hundred_groups_of_five_seeds_take_seconds(random):
    baseline, started = random.random((5, 100)), time.process_time()
    for _ in range(200):
        difference(random.random((5, 100)), baseline)
    assert time.process_time() - started < 5
