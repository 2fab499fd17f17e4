"""Groups as rows: numbers worked out by hand, what stands out, and what is kept for scripts."""

from dataclasses import replace

import pytest

from cclcc_cli.metrics.scores import ALL_METRICS
from cclcc_cli.report.evidence.doubts import comparison_notes, missing_notes
from cclcc_cli.report.gather.groups import group_runs, repeated_over
from cclcc_cli.report.render.records import records
from cclcc_cli.report.render.text import titles
from cclcc_cli.report.tables.columns import MAIN_METRICS, shown_metrics
from tests.report.made import DICE, run, table
from tests.report.shown import by_title, rows


def notes(*runs, split="test"):
    return comparison_notes(group_runs(runs), split)


def test_seeds_are_averaged_in_each_fold_before_the_deviation():
    """Fold means 0.6, 0.7, 0.8, however many seeds each has."""
    runs = [run(dice, seed=seed, fold=fold) for fold, seed, dice in
            ((0, 0, 0.5), (0, 1, 0.7), (1, 0, 0.7), (2, 0, 0.75), (2, 1, 0.85))]
    (group,) = group_runs(runs)
    assert (group.repeated, group.folds, group.seeds) == ("3 folds x 2", [0, 1, 2], [0, 1])
    found = group.summary("test", DICE)
    assert (found.mean, found.std, found.count) == pytest.approx((0.7, 0.1, 3))
    assert rows(table(*runs))[0][3] == "3 folds x 2"
    assert repeated_over([group]) == "folds"
    (record,) = records(table(*runs, metrics=[DICE]))
    assert (record["seeds"], record["folds"], record["label_subsets"]) == (2, 3, None)


def test_labelled_subsets_are_averaged_over_their_seeds():
    runs = [run(dice, seed=seed, label_seed=subset) for subset, seed, dice in
            ((0, 0, 0.5), (0, 1, 0.7), (4, 0, 0.7), (4, 1, 0.9))]
    (group,) = group_runs(runs)
    assert (group.repeated, group.subsets) == ("2 subsets x 2", [0, 4])
    assert group.summary("test", DICE).mean == pytest.approx(0.7)
    assert group.summary("test", DICE).count == 2


def test_mean_and_sample_deviation_over_seeds_worked_out_by_hand():
    # Dice 0.70, 0.72, 0.77: mean 0.73; deviations -0.03, -0.01, 0.04, squares sum to 0.0026,
    # over n - 1 = 2 gives 0.0013, whose root is 0.036056.
    made = table(run(0.70), run(0.72, seed=1), run(0.77, seed=2))
    assert titles(made)[:8] == [
        "method", "recipe", "labels", "seeds", "steps", "Dice %", "IoU %", "Dice % (original size)",
    ]
    assert rows(made)[0][:8] == [
        "clcc", "plain", "80 (10 %)", "3", "400",
        "73.00 ± 3.61", "50.00 ± 0.00", "63.00 ± 3.61",
    ]


def test_one_seed_has_no_deviation():
    made = table(run(0.7304), metrics=[DICE])
    assert by_title(made)["Dice %"] == "73.04 (1 seed)"
    (record,) = records(made)
    assert (record["dice_mean"], record["dice_std"], record["dice_n"]) == (0.7304, None, 1)


def test_rows_go_by_data_then_labels_then_method_then_name():
    def place(group, **changes):
        return run(group=group, **changes)

    made = table(
        place("a", data="skin-64"),
        place("b", labeled=80, method="supervised"),
        place("c", labeled=80, name="zeta"),
        place("d", labeled=80, name="alpha"),
        place("e", labeled=9),
        place("f", labeled=800),
    )
    assert [row[:4] for row in rows(made)] == [
        ["polyps-64", "clcc", "plain", "9 (1.12 %)"],
        ["polyps-64", "clcc", "alpha", "80 (10 %)"],
        ["polyps-64", "clcc", "zeta", "80 (10 %)"],
        ["polyps-64", "supervised", "plain", "80 (10 %)"],
        ["polyps-64", "clcc", "plain", "800 (100 %)"],
        ["skin-64", "clcc", "plain", "80 (10 %)"],
    ]


def test_the_data_set_is_a_column_only_if_there_are_several():
    assert "data" not in titles(table(run(), run(group="b", method="supervised")))
    assert titles(table(run(), run(group="b", data="skin-64")))[0] == "data"


def test_groups_that_look_alike_get_their_digest():
    made = table(run(group="b"), run(group="a"), run(group="a", seed=1))
    assert titles(made)[8] == "group"
    assert [(row[3], row[8]) for row in rows(made)] == [("2", "aaaaaaaa"), ("1", "bbbbbbbb")]


def test_a_renamed_recipe_stays_one_group_under_both_names():
    made = table(run(name="new"), run(name="old", seed=1))
    assert [row[1] for row in rows(made)] == ["new/old"]


def test_all_metrics_have_their_units():
    made = table(run(), metrics=ALL_METRICS)
    working = ["Dice %", "IoU %", "precision %", "recall %", "specificity %", "accuracy %",
               "MAE %", "HD95 px", "ASSD px", "NSD@1% %"]
    assert titles(made)[5:25] == [*working, *(f"{name} (original size)" for name in working)]
    assert rows(made)[0][22:25] == ["0.50 (1 seed)", "0.50 (1 seed)", "50.00 (1 seed)"]


def test_the_primary_score_comes_first_and_none_comes_twice():
    assert shown_metrics(DICE) == MAIN_METRICS
    assert shown_metrics(("own", "dice")) == (("own", "dice"), DICE, ("working", "iou"))
    assert sorted(shown_metrics(("own", "nsd"), every=True)) == sorted(ALL_METRICS)


def test_a_score_that_is_younger_than_a_run_is_none_and_is_said():
    nsd = ("working", "nsd")
    old, new = run(), run(seed=1)
    old = replace(old, scores={split: {**scores, nsd: None}
                               for split, scores in old.scores.items()})
    (group,) = group_runs([old, new])
    assert (group.summary("test", nsd).mean, group.summary("test", nsd).count) == (0.5, 1)
    assert missing_notes([group], "test", [DICE, nsd]) == [
        "1 of 2 runs have no NSD@1%, because they are older than the score: "
        "runs/polyps-64/a-0; cclcc train --fresh trains them again"]
    (alone,) = group_runs([old])
    assert alone.summary("test", nsd) is None
    assert by_title(table(old, metrics=[DICE, nsd]))["NSD@1% %"] == "none"


def test_the_validation_split_can_be_shown_instead():
    one = run()
    one = replace(one, scores={**one.scores, "val": {**one.scores["val"], DICE: 0.25}})
    assert by_title(table(one, split="val", metrics=[DICE]))["Dice %"] == "25.00 (1 seed)"


def test_steps_that_differ_between_seeds_are_shown_and_noted():
    runs = [run(), run(seed=1, steps=300)]
    assert rows(table(*runs))[0][4] == "300/400"
    assert notes(*runs) == [
        "polyps-64: compared rows differ in optimiser steps: 300 (clcc plain 80); "
        "400 (clcc plain 80)"
    ]
    (record,) = records(table(*runs, metrics=[DICE]))
    assert (record["steps_min"], record["steps_max"]) == (300, 400)


def test_a_run_without_test_scores_shows_none_and_says_so():
    without = run(test=False, test_reads=0)
    assert notes(without) == ["runs/polyps-64/a-0: has no test scores, its test split is empty"]
    assert rows(table(without))[0][5:8] == ["none"] * 3
    (record,) = records(table(without, metrics=[DICE]))
    assert (record["dice_mean"], record["dice_n"]) == (None, None)
