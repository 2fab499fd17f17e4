"""What a reader must know before believing a table."""

from pathlib import Path

import pytest

from cclcc_cli.report.evidence.doubts import comparison_notes, differing_conditions
from cclcc_cli.report.gather.finished import Leak
from cclcc_cli.report.gather.groups import group_runs
from tests.report.made import run


def notes(*runs, split="test"):
    return comparison_notes(group_runs(runs), split)


def test_folds_may_have_other_splits_but_alike_in_each_group():
    def in_folds(group, *digests):
        return [run(group=group, fold=fold, path=Path(f"{group}{fold}"), data="polyps-64 folds",
                    conditions={"split digest": digest}) for fold, digest in enumerate(digests)]

    assert differing_conditions(group_runs([*in_folds("a", "s0", "s1"),
                                            *in_folds("b", "s0", "s1")]), "test") == []
    ((topic, _),) = differing_conditions(group_runs([*in_folds("a", "s0", "s1"),
                                                     *in_folds("b", "s0", "s2")]), "test")
    assert topic == "split digest"


def test_equal_conditions_need_no_note():
    both = {"group": "b", "method": "supervised"}
    assert notes(run(), run(seed=1), run(**both), run(seed=1, **both)) == []


def test_unequal_numbers_of_seeds_are_said():
    assert notes(run(), run(seed=1), run(group="b", method="supervised")) == [
        "polyps-64: compared rows have different numbers of seeds: 2 (clcc plain 80); "
        "1 (supervised plain 80)"]


def test_as_many_but_other_seeds_are_said():
    assert notes(run(), run(seed=1), run(group="b", method="supervised"),
                 run(group="b", method="supervised", seed=2)) == [
        "polyps-64: compared rows have different seeds: 0, 1 (clcc plain 80); "
        "0, 2 (supervised plain 80)"]


def test_seeds_on_other_data_are_not_compared():
    assert notes(run(), run(seed=1), run(group="b", data="skin-64")) == []


@pytest.mark.parametrize(("steps", "said"), [
    ((100, 300), "after 25 to 75 % of the steps"),
    ((400, 200), "after 50 to 100 % of the steps; in 1 of 2 runs that was the last one, so more "
     "steps might improve it"),
    ((200, None), "after 50 % of the steps"),
])
def test_which_checkpoint_was_judged_is_said(steps, said):
    found = notes(*(run(seed=seed, best_step=step) for seed, step in enumerate(steps)))
    assert found == [f"polyps-64: scores are of the checkpoint that was best on validation, {said}"]


@pytest.mark.parametrize(("changes", "topic", "values"), [
    ({"steps": 900}, "optimiser steps", ("900", "400")),
    *(
        ({"conditions": {**run().conditions, topic: "other"}}, topic,
         ("other", run().conditions[topic]))
        for topic in run().conditions
    ),
    ({"rules": {**run().rules, "test": {"threshold": "probs > 0.9"}}},
     "evaluation rule 'threshold'", ("probs > 0.9", "probs > 0.5")),
    ({"rules": {**run().rules, "test": {}}},
     "evaluation rule 'threshold'", ("not stated", "probs > 0.5")),
])
def test_what_differs_between_compared_rows_is_said(changes, topic, values):
    other, plain = values
    found = notes(run(), run(seed=1), run(group="b", labeled=20, **changes),
                  run(group="b", labeled=20, seed=1, **changes))
    assert found == [
        f"polyps-64: compared rows differ in {topic}: {other} (clcc plain 20); "
        f"{plain} (clcc plain 80)"
    ]


def test_rows_on_different_data_are_not_compared():
    assert notes(run(), run(group="b", data="skin-64", steps=900)) == []


def test_the_rules_of_the_split_shown_are_the_ones_compared():
    other = {"test": {"threshold": "probs > 0.9"}, "val": {"threshold": "probs > 0.5"}}
    assert len(notes(run(), run(group="b", rules=other))) == 1
    assert notes(run(), run(group="b", rules=other), split="val") == []


def test_a_note_names_three_rows_and_counts_the_rest():
    many = [run(group=group) for group in "abcde"]
    (note,) = notes(*many, run(group="f", steps=9))
    assert note.endswith(
        "400 (clcc plain 80 aaaaaaaa, clcc plain 80 bbbbbbbb, clcc plain 80 cccccccc, 2 more); "
        "9 (clcc plain 80 ffffffff)"
    )


def test_reading_the_test_split_twice_is_said_beside_test_scores():
    twice = run(test_reads=2)
    assert notes(twice) == ["runs/polyps-64/a-0: the test split was read 2 times"]
    assert notes(twice, split="val") == []


def test_leaks_are_told_with_the_dice_that_is_left_without_them():
    one_leaks = {"test": Leak(1, 100, 0.70), "val": Leak(2, 50, 0.60)}
    found = notes(
        run(0.75, leaks=one_leaks), run(0.77, seed=1, leaks={"test": Leak(1, 100, 0.72)}),
        run(0.74, group="b", method="supervised", leaks={"test": Leak(1, 100, 0.69)}),
        run(0.74, group="b", seed=1, method="supervised", leaks={"test": Leak(1, 100, 0.69)}),
    )
    assert found == [
        "polyps-64: 1 of 100 test images show the same content as an image used for training or "
        "selection (cclcc audit); Dice % without them: 71.00 (clcc plain 80), 69.00 "
        "(supervised plain 80)"]


def test_a_split_that_leaks_altogether_has_no_dice_without():
    (note,) = notes(run(leaks={"test": Leak(9, 9, None)}))
    assert note.endswith("Dice % without them: none (clcc plain 80)")
