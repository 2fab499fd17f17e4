"""Estimates and differences: against scipy, by hand, and where there is little to judge by."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cclcc_cli.report.paired_tests import sign_flip_p, wilcoxon_p
from cclcc_cli.report.statistics import difference, estimate, holm, verdict


@pytest.fixture
def random():
    return np.random.default_rng(0)


def crossed(random, num_seeds, num_images, *, seed_std, image_std=0.2, rest_std=0.1):
    """Scores whose variance components are known."""
    return (0.7 + random.normal(0, image_std, num_images)
            + random.normal(0, seed_std, (num_seeds, 1))
            + random.normal(0, rest_std, (num_seeds, num_images)))


# With one seed everything is scipy's.

def test_one_seed_is_scipys_t_test(random):
    first, second = random.normal(0.6, 0.2, (2, 1, 40))
    found = difference(first, second)
    known = stats.ttest_rel(first[0], second[0])
    assert found.p == pytest.approx(known.pvalue, rel=1e-9)
    # The bootstrap's shape on near-normal data: a tenth of the width is its own noise.
    interval = known.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx(
        interval, abs=0.1 * (interval.high - interval.low))
    assert not found.seed_noise_known


def test_the_interval_has_the_bootstraps_shape_where_scores_are_skewed(random):
    scores = 1 - random.exponential(0.2, (1, 30))
    found = estimate(scores)
    known = stats.bootstrap((scores[0],), np.mean, n_resamples=20_000, method="percentile",
                            rng=1).confidence_interval
    skew = (known.high - scores.mean()) / (scores.mean() - known.low)
    assert skew < 0.95
    assert (found.high - found.mean) / (found.mean - found.low) == pytest.approx(skew, abs=0.08)
    assert found.high - found.low > known.high - known.low  # widened to t


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


def test_the_noise_of_seeds_widens_what_images_alone_would_call_certain():
    images = np.linspace(-0.01, 0.01, 100)
    first = np.array([[0.70], [0.80], [0.75]]) + images
    second = np.array([[0.70], [0.66], [0.74]]) + images[::-1]
    found = difference(first, second)
    assert found.mean == pytest.approx(0.05)
    # Welch on the seeds' means, with which the images agree almost entirely.
    assert found.p == pytest.approx(
        stats.ttest_ind(first.mean(1), second.mean(1), equal_var=False).pvalue, rel=0.01)
    assert found.p > 0.15
    assert found.low < 0 < found.high
    assert max(found.p_wilcoxon, found.p_sign_flip) < 1e-3


def test_arms_may_have_unequal_seeds(random):
    found = difference(crossed(random, 5, 30, seed_std=0.01), np.full((1, 30), 0.2))
    assert found.mean > 0.3
    assert not found.seed_noise_known


def test_scores_upside_down_turn_the_difference_around(random):
    first, second = crossed(random, 3, 50, seed_std=0.02), crossed(random, 2, 50, seed_std=0.02)
    there, back = difference(first, second), difference(second, first)
    assert back.mean == pytest.approx(-there.mean)
    assert (back.p, back.p_wilcoxon) == pytest.approx((there.p, there.p_wilcoxon))
    assert back.effect == pytest.approx(-there.effect)


def test_the_effect_is_cohens_d_of_the_pairs():
    found = difference(np.array([[0.5, 0.7, 0.9]]), np.array([[0.4, 0.5, 0.6]]))
    assert found.effect == pytest.approx(0.2 / 0.1)


def test_seeds_needed_would_do(random):
    images = random.normal(0, 0.2, 400)

    def arm(count, shift):
        return (0.6 + shift + images + random.normal(0, 0.02, (count, 1))
                + random.normal(0, 0.05, (count, 400)))

    # 0.02 apart, each seed off by 0.02: by the normal rule (1.96 + 0.84)^2 * 2 = 15.7, by t 17.
    needed = [difference(arm(200, 0.02), arm(200, 0.0)).seeds_needed for _ in range(5)]
    assert np.median(needed) == pytest.approx(17, abs=3)
    found = np.mean([difference(arm(17, 0.02), arm(17, 0.0)).p < 0.05 for _ in range(200)])
    assert found == pytest.approx(0.8, abs=0.1)


def test_no_number_of_seeds_helps_where_images_are_the_noise(random):
    lasting = random.normal(0, 0.3, 30)
    lasting += 0.01 - lasting.mean()
    first = 0.5 + lasting + random.normal(0, 0.001, (3, 30))
    assert difference(first, np.full((3, 30), 0.5)).seeds_needed is None


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
    assert (found.low, found.high, found.effect, found.seeds_needed) == (None,) * 4
    alone = estimate(np.full((num_seeds, 1), 0.9))
    assert (alone.low, alone.high, alone.image_std) == (None, None, None)


def test_one_seed_has_no_noise_of_seeds(random):
    found = estimate(random.random((1, 20)))
    assert (found.std, found.seed_std, found.rest_std) == (None, None, None)
    assert found.low < found.mean < found.high


def test_a_difference_that_is_the_same_everywhere_has_no_effect_size():
    found = difference(np.full((2, 8), 0.75), np.full((2, 8), 0.5))
    assert (found.p, found.low, found.high, found.effect) == (0.0, 0.25, 0.25, None)
    assert found.seeds_needed == 2


@pytest.mark.parametrize(("scores", "message"), [
    (np.array([[0.5, np.nan]]), "finite"), (np.array([[0.5, np.inf]]), "finite"),
    (np.empty((0, 5)), "shape"), (np.array([0.5, 0.6]), "shape"),
])
def test_what_is_no_score_is_refused(scores, message):
    with pytest.raises(ValueError, match=message):
        estimate(scores)


def test_other_images_cannot_be_paired():
    with pytest.raises(ValueError, match="same images: 3 and 4"):
        difference(np.ones((2, 3)), np.ones((2, 4)))


# The family.

def test_holm_worked_out_by_hand():
    # 0.01 * 3, then 0.03 * 2, then 0.04 * 1, which may not fall below 0.06.
    assert holm(np.array([0.04, 0.01, 0.03])) == pytest.approx([0.06, 0.03, 0.06])
    assert holm(np.array([0.5, 0.9])).max() == 1.0
    assert holm(np.array([])).shape == (0,)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_keeps_the_order_and_lies_between_p_and_bonferroni(values):
    p = np.array(values)
    corrected = holm(p)
    assert (corrected >= p).all()
    assert (corrected <= np.minimum(p * len(p), 1) + 1e-12).all()
    assert (np.diff(corrected[np.argsort(p)]) >= 0).all()


@pytest.mark.parametrize(("mean", "p", "word"), [
    (0.1, 0.049, "better"), (-0.1, 0.049, "worse"), (0.1, 0.05, "within noise"),
])
def test_verdicts(mean, p, word):
    assert verdict(mean, p) == word


def test_the_same_scores_give_the_same_numbers(random):
    first, second = random.random((2, 3, 25))
    assert difference(first, second) == difference(first.copy(), second.copy())


def test_two_hundred_arms_of_five_seeds_take_seconds(random):
    baseline, started = random.random((5, 100)), time.process_time()
    for _ in range(200):
        difference(random.random((5, 100)), baseline)
    assert time.process_time() - started < 10
