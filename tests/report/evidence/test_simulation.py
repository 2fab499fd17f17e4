"""On simulated scores whose truth is known: how often intervals miss it, and tests err and find.

``python benchmarks/evidence.py`` prints the whole table; here are quick versions of it. With
4,000 trials the standard error of 5 % is 0.3 %, that of a power of 50 % 0.8 %.
"""

import numpy as np
import pytest

from benchmarks.evidence import GAINS, NUM_IMAGES, REFERENCE, World, draw, one_seed, simulate
from cclcc_cli.report.evidence.stacks import FoldScores, Stack, compare_stacks
from cclcc_cli.report.evidence.statistics import contrast, difference, unpaired
from cclcc_cli.report.evidence.variance import (
    crossed_noise,
    fold_noise,
    half_width,
    mean_squares,
    p_values,
)
from cclcc_cli.report.evidence.verdicts import BaselinePair, reach_verdicts
from cclcc_cli.report.gather.groups import Group
from tests.report.stacking import image_scores

TRIALS = 4000


@pytest.mark.parametrize("world", REFERENCE, ids=lambda world: world.name)
def test_of_shared_seeds_few_errors_and_as_much_power_as_its_reference(world):
    paired, unpaired_rates = simulate(world, TRIALS)
    assert 0.02 <= paired.false_positives <= 0.08
    assert 0.02 <= paired.missed <= 0.08
    for power, reference in zip(paired.power, REFERENCE[world], strict=True):
        expected = reference / 100
        error = (expected * (1 - expected) / TRIALS) ** 0.5
        assert power >= expected - 3 * error - 0.005  # the reference is rounded
    if world.seed_std:  # why seeds are paired
        assert paired.power[-1] > unpaired_rates.power[-1] + 0.3


@pytest.mark.parametrize("world", REFERENCE, ids=lambda world: world.name)
def test_marginal_effects_over_levels_that_share_seeds_err_as_rarely(world):
    paired, _ = simulate(world, TRIALS // 2, levels=3)
    assert 0.02 <= paired.false_positives <= 0.08
    assert 0.02 <= paired.missed <= 0.08


def test_taking_levels_for_independent_would_err_often():
    _, independent = simulate(World(0, 4, 3), TRIALS // 4, levels=3)
    assert independent.false_positives > 0.12


def test_seeds_that_are_not_shared_err_as_rarely():
    random = np.random.default_rng(1)
    found = []
    for _ in range(400):  # through the function that reports call
        images = random.normal(0, 20, 60)
        first, second = (images + random.normal(0, 4, 60) + random.normal(0, 2, (count, 1))
                         + random.normal(0, 8, (count, 60)) for count in (3, 5))
        found.append(unpaired((first / 100, second / 100), (1, -1)).p < 0.05)
    assert 0.015 <= np.mean(found) <= 0.085


def test_the_simulated_numbers_are_those_of_reports():
    scores = draw(np.random.default_rng(0), World(3, 1, 3), 20)[0] / 1000
    table = scores[0] - scores[1]
    p = p_values(table.mean(axis=(-2, -1)), crossed_noise(mean_squares(table)))
    assert [difference(*pair).p for pair in scores.swapaxes(0, 1)] == pytest.approx(p)
    marginal = draw(np.random.default_rng(0), World(3, 1, 3), 1, levels=2)[:, :, 0] / 1000
    groups = [*marginal[0], *marginal[1]]
    table = np.tensordot([0.5, -0.5, 0.5, -0.5], groups, 1)
    assert contrast(groups, [0.5, -0.5, 0.5, -0.5]).p == pytest.approx(float(
        p_values(table.mean(), crossed_noise(mean_squares(table)))))


def test_one_against_many_never_gives_a_verdict(make_run):
    """p over images calls noise of seeds a difference far more often than in 5 %."""
    world = World(6, 2, 3)
    assert one_seed(world, 1000) > 0.25
    scores = np.clip(70 + draw(np.random.default_rng(3), world, 60)[0], 0, 100) / 100
    baseline = Group((make_run(),))
    pairs = []
    for many, one in scores.swapaxes(0, 1):
        sides = [Stack({None: FoldScores(tuple((None, seed) for seed in range(len(rows))),
                                         image_scores(rows))}) for rows in (many, one[:1])]
        found = compare_stacks(sides, (1, -1))
        assert found == difference(many[:1], one[:1])  # the common seed alone
        pairs.append(BaselinePair(baseline, found))
    found_pairs = reach_verdicts(pairs, 0.02)
    assert {one.verdict for one in found_pairs} == {"these two trainings"}
    assert {(one.family, one.significant) for one in found_pairs} == {(0, False)}
    assert sum(pair.difference.p < 0.05 for pair in pairs) > 10


def test_a_family_without_any_difference_rarely_shows_one(make_run):
    random, world = np.random.default_rng(3), World(3, 1, 3)
    baseline, errors = Group((make_run(),)), 0
    for _ in range(60):
        scores = draw(random, world, 1, levels=4)[:, :, 0] / 1000
        family = [BaselinePair(baseline, difference(*level)) for level in scores]
        errors += any(found.significant for found in reach_verdicts(family, 0.02))
    assert errors / 60 <= 0.15  # uncorrected a fifth of them would


def test_labelled_subsets_take_the_place_of_seeds():
    """Four subsets by three seeds: what a subset does to a group is not averaged away by seeds."""
    random, subsets, seeds, trials = np.random.default_rng(4), 4, 3, TRIALS
    table = (random.normal(0, 8, (trials, 1, NUM_IMAGES))
             + random.normal(0, 2, (trials, subsets, 1))
             + random.normal(0, 1, (trials, subsets, seeds)).mean(axis=-1, keepdims=True)
             + random.normal(0, 8 / seeds**0.5, (trials, subsets, NUM_IMAGES)))
    noise = crossed_noise(mean_squares(table))
    found = p_values(table.mean(axis=(-2, -1)), noise) < 0.05
    assert 0.02 <= found.mean() <= 0.08


def test_folds_whose_training_images_overlap_err_as_rarely():
    """Fold means correlate by n_test / (n_test + n_train), as Nadeau and Bengio assume."""
    random, folds, ratio = np.random.default_rng(5), 5, 0.25
    shared = ratio / (1 + ratio)
    means = (random.normal(0, shared**0.5, (20_000, 1))
             + random.normal(0, (1 - shared) ** 0.5, (20_000, folds)))
    noise = fold_noise(means, ratio)
    assert 0.03 <= (p_values(means.mean(axis=-1), noise) < 0.05).mean() <= 0.07
    naive = fold_noise(means, 0.0)
    assert (p_values(means.mean(axis=-1), naive) < 0.05).mean() > 0.1


@pytest.mark.parametrize("world", [(3, 0.02), (5, 0.02), (3, 0.1)])
def test_intervals_of_a_groups_mean_hold_it(world):
    """Skewed, as Dice is: most images are easy."""
    (seeds, seed_std), random = world, np.random.default_rng(6)
    scores = (1 - random.gamma(2, 0.1, (TRIALS, 1, NUM_IMAGES))
              + random.normal(0, seed_std, (TRIALS, seeds, 1))
              + random.normal(0, 0.1, (TRIALS, seeds, NUM_IMAGES)))
    missed = (np.abs(scores.mean(axis=(-2, -1)) - 0.8)
              > half_width(crossed_noise(mean_squares(scores)), 0.05))
    assert 0.02 <= missed.mean() <= 0.09


def test_the_smallest_gain_is_found_four_times_in_five():
    world = World(3, 1, 5)
    scores = draw(np.random.default_rng(7), world, 300)[0] / 1000
    gain = np.median([difference(*pair).smallest_gain for pair in scores.swapaxes(0, 1)])
    table = draw(np.random.default_rng(8), world, TRIALS)[0] / 1000
    table = table[0] - table[1]
    noise = crossed_noise(mean_squares(table))
    found = p_values(table.mean(axis=(-2, -1)) + gain, noise) < 0.05
    assert found.mean() == pytest.approx(0.8, abs=0.04)
    assert GAINS[1] < 1000 * gain < GAINS[-1]


@pytest.mark.long
@pytest.mark.parametrize("levels", [1, 3])
@pytest.mark.parametrize("world", REFERENCE, ids=lambda world: world.name)
def test_the_whole_table(world, levels):
    paired, _ = simulate(world, 50_000, levels)
    assert 0.04 <= paired.false_positives <= 0.08
