"""Which runs of two groups belong together: seeds, labelled subsets, folds, patients."""

import numpy as np
import pytest

from cclcc_cli.report.evidence.stacks import (
    FoldScores,
    Stack,
    common_seeds,
    compare_stacks,
    estimate_stack,
    share_images,
    stack_runs,
)
from cclcc_cli.report.evidence.statistics import (
    contrast,
    contrast_folds,
    difference,
    estimate,
    estimate_folds,
    unpaired,
)
from tests.report.stacking import image_scores, stack_of

PLAIN = (1.0, -1.0)


@pytest.fixture
def random():
    return np.random.default_rng(0)


def test_common_seeds_and_images_are_compared_in_one_order(random):
    first, second = random.random((2, 3, 4))
    one = stack_of(first, seeds=[5, 0, 1], stems="abcd")
    other = stack_of(second, seeds=[1, 5, 9], stems="dxba")
    found = compare_stacks((one, other), PLAIN)
    assert found == difference(first[[0, 2]][:, [0, 1, 3]], second[[1, 0]][:, [3, 2, 0]])
    assert common_seeds((one, other)) == ((1, 5), (0, 9))
    own, theirs = share_images((one, other))
    assert own == pytest.approx(first[[0, 2]][:, [0, 1, 3]].mean(0))
    assert theirs == pytest.approx(second[[1, 0]][:, [3, 2, 0]].mean(0))


def test_a_contrast_is_on_the_seeds_that_all_groups_have(random):
    tables = random.random((3, 4, 5))
    stacks = [stack_of(table, seeds=seeds) for table, seeds in
              zip(tables, ([0, 1, 2, 3], [1, 2, 3, 4], [0, 1, 2, 3]), strict=True)]
    weights = (0.5, 0.5, -1.0)
    assert compare_stacks(stacks, weights) == contrast(
        [tables[0][1:], tables[1][:3], tables[2][1:]], weights)


def test_one_common_seed_is_one_training_of_each(random):
    many, one = random.random((5, 9)), random.random((1, 9))
    found = compare_stacks((stack_of(many), stack_of(one, seeds=[3])), PLAIN)
    assert found == difference(many[[3]], one)
    assert found.num_repetitions == 1


def test_no_common_image_is_no_comparison(random):
    assert compare_stacks((stack_of(random.random((2, 3)), stems="abc"),
                           stack_of(random.random((2, 3)), stems="xyz")), PLAIN) is None


# Labelled subsets.

def test_seeds_are_averaged_in_each_labelled_subset(random):
    """Three subsets by two seeds; the other group lacks one run and has the rest in other order."""
    first, second = random.random((6, 8)), random.random((5, 8))
    one = stack_of(first, seeds=[0, 1] * 3, subsets=[0, 0, 1, 1, 2, 2])
    other = stack_of(second, seeds=[1, 0, 1, 0, 1], subsets=[2, 2, 1, 0, 0])
    found = compare_stacks((one, other), PLAIN)
    rows = [np.stack([first[[0, 1]].mean(0), first[3], first[[4, 5]].mean(0)]),
            np.stack([second[[3, 4]].mean(0), second[2], second[[0, 1]].mean(0)])]
    assert found == contrast(rows, PLAIN, "label subsets")
    assert (found.pairing, found.num_repetitions) == ("label subsets", 3)
    assert estimate_stack(one) == estimate(first.reshape(3, 2, 8).mean(1))


def test_one_labelled_subset_in_common_leaves_its_seeds(random):
    first, second = random.random((4, 8)), random.random((2, 8))
    found = compare_stacks((stack_of(first, seeds=[0, 1, 0, 1], subsets=[0, 0, 1, 1]),
                            stack_of(second, seeds=[0, 1], subsets=[1, 1])), PLAIN)
    assert found == difference(first[2:], second)
    assert found.pairing == "seeds"


def test_other_ways_to_choose_labels_share_their_seeds_all_the_same(random):
    """One subset each, a block of names and a random one: seeds are what the two have alike."""
    first, second = random.random((2, 3, 8))
    block = stack_of(first)
    drawn = stack_of(second, subsets=[0, 0, 0])
    assert compare_stacks((block, drawn), PLAIN) == difference(first, second)


# Folds.

def folded(tables, train=40, seeds=None):
    return Stack({fold: FoldScores(
        tuple((None, seed) for seed in (seeds or range(len(table)))),
        image_scores(table, [f"{fold}-{n}" for n in range(table.shape[1])]), train)
        for fold, table in tables.items()})


def test_folds_are_averaged_over_seeds_and_judged_by_their_means(random):
    first = {fold: random.random((3, 10)) for fold in range(4)}
    second = {fold: random.random((2, 10)) for fold in (3, 1, 0)}  # no fold 2, fewer seeds
    found = compare_stacks((folded(first), folded(second)), PLAIN)
    tables = [first[fold][:2] - second[fold] for fold in (0, 1, 3)]
    expected = contrast_folds([table.mean() for table in tables],
                              np.concatenate([table.mean(0) for table in tables]), 0.25, PLAIN)
    assert (found.mean, found.error, found.p, found.effect) == pytest.approx(
        (expected.mean, expected.error, expected.p, expected.effect))
    assert (found.pairing, found.num_repetitions, found.num_images) == ("folds", 3, 30)
    own, theirs = share_images((folded(first), folded(second)))
    assert (own - theirs).mean() == pytest.approx(found.mean)
    assert estimate_stack(folded(second)) == estimate_folds(list(second.values()), 0.25)


def test_one_fold_in_common_is_compared_as_itself(random):
    first = {fold: random.random((3, 10)) for fold in (0, 1)}
    second = {1: random.random((3, 10))}
    assert compare_stacks((folded(first), folded(second)), PLAIN) == difference(
        first[1], second[1])
    assert compare_stacks((folded({0: first[0]}), folded(second)), PLAIN) is None


def test_within_a_fold_without_common_seeds_each_side_keeps_its_own(random):
    first, second = ({fold: random.random((2, 6)) for fold in (0, 1, 2)} for _ in range(2))
    found = compare_stacks((folded(first), folded(second, seeds=[7, 8])), PLAIN)
    assert found.mean == pytest.approx(np.mean(
        [first[fold].mean() - second[fold].mean() for fold in first]))


# Patients and videos.

GROUPS = ["p1", "p1", "p1", "p2", "4", "5"]


def test_group_means_take_the_place_of_images_and_weigh_the_same(random):
    """Images that are alone stand for themselves."""
    first, second = random.random((2, 3, 6))
    one, other = stack_of(first, groups=GROUPS), stack_of(second)

    def means(rows):
        return np.column_stack([rows[:, :3].mean(1), rows[:, 3], rows[:, 4], rows[:, 5]])

    found = compare_stacks((one, other), PLAIN)
    assert found == difference(means(first), means(second))
    assert found.num_images == 4
    assert (one.num_groups, one.num_images, other.num_groups) == (4, 6, None)
    alone = estimate_stack(one)
    assert alone.mean == pytest.approx(means(first).mean())
    assert alone.num_images == 6


def test_images_of_one_patient_are_not_taken_for_independent():
    """Each patient's ten images agree: ten patients are ten cases, not a hundred."""
    random = np.random.default_rng(1)
    errors = {True: 0, False: 0}
    for _ in range(300):
        shared = np.repeat(random.normal(0, 0.1, 10), 10)
        table = 0.5 + shared + random.normal(0, 0.05, (3, 100))
        groups = [f"p{n // 10}" for n in range(100)]
        for known in errors:
            sides = [stack_of(rows, groups=groups if known else None)
                     for rows in (table, np.full((3, 100), 0.5))]
            errors[known] += compare_stacks(sides, PLAIN).p < 0.05
    assert 0.02 <= errors[True] / 300 <= 0.09
    assert errors[False] / 300 > 0.3


# From runs.

def test_runs_are_stacked_by_fold_with_their_repeats(make_run):
    runs = [make_run(group=f"{fold}{seed}", seed=seed, fold=fold, label_seed=2)
            for fold in (0, 1) for seed in (4, 5)]
    scores = {run.path: image_scores([[run.seed, run.fold]]).of(["0", "1"]) for run in runs}
    scores = {path: type(each)(each.stems, each.values[0]) for path, each in scores.items()}
    stack = stack_runs(runs[:-1], scores)
    assert list(stack.folds) == [0, 1]
    assert stack.folds[0].repeats == ((2, 4), (2, 5))
    assert stack.folds[0].images.values.tolist() == [[4, 0], [5, 0]]
    assert stack.folds[0].train_images == 800
    assert stack.folds[1].repeats == ((2, 4),)
    assert stack_runs(runs, {}) is None


def test_unshared_seeds_with_several_labelled_subsets_are_averaged_as_well(random):
    first, second = random.random((4, 8)), random.random((4, 8))
    found = compare_stacks((
        stack_of(first, seeds=[0, 1, 0, 1], subsets=[0, 0, 1, 1]),
        stack_of(second, seeds=[5, 6, 5, 6], subsets=[0, 0, 1, 1])), PLAIN)
    assert found == unpaired(
        [each.reshape(2, 2, 8).mean(1) for each in (first, second)], PLAIN)
