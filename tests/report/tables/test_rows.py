"""Runs as rows: numbers worked out by hand, and notes on what makes them doubtful."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest

from cclcc_cli.metrics.scores import ALL_METRICS, SCORES
from cclcc_cli.report.evidence.doubts import comparison_notes, differing_conditions, missing_notes
from cclcc_cli.report.gather.finished import FinishedRun, Leak
from cclcc_cli.report.gather.groups import group_runs, repeated_over
from cclcc_cli.report.tables.rows import (
    MAIN_METRICS,
    build_table,
    shown_metrics,
    to_csv,
    to_markdown,
    to_records,
)

DICE = ("working", "dice")


def run(dice=0.5, *, group="a", seed=0, test=True, **changes):
    """A run whose every score is 0.5 apart from Dice (working 0.5 or given, own 0.1 less)."""
    scores = {(size, name): 0.5 for size in ("working", "own") for name in SCORES}
    scores |= {DICE: dice, ("own", "dice"): dice - 0.1}
    made = FinishedRun(
        path=Path(f"runs/polyps-64/{group}-{seed}"), group=group * 64, data="polyps-64",
        method="clcc", name="plain", labeled=80, train_images=800, seed=seed, steps=400,
        scores={"val": scores, **({"test": scores} if test else {})},
        rules={split: {"threshold": "probs > 0.5"} for split in ("val", "test")},
        conditions={"data digest": "d1", "split digest": "s1", "device and precision": "cpu fp32"},
        test_reads=1, leaks={},
    )
    return replace(made, **changes)


def table(*runs, split="test", metrics=MAIN_METRICS):
    return build_table(group_runs(runs), split, metrics)


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
    assert table(*runs)[1][0][3] == "3 folds x 2"
    assert repeated_over([group]) == "folds"
    (record,) = to_records([group], "test", [DICE])
    assert (record["seeds"], record["folds"], record["label_subsets"]) == (2, 3, None)


def test_labelled_subsets_are_averaged_over_their_seeds():
    runs = [run(dice, seed=seed, label_seed=subset) for subset, seed, dice in
            ((0, 0, 0.5), (0, 1, 0.7), (4, 0, 0.7), (4, 1, 0.9))]
    (group,) = group_runs(runs)
    assert (group.repeated, group.subsets) == ("2 subsets x 2", [0, 4])
    assert group.summary("test", DICE).mean == pytest.approx(0.7)
    assert group.summary("test", DICE).count == 2


def test_folds_may_have_other_splits_but_alike_in_each_group():
    def in_folds(group, *digests):
        return [run(group=group, fold=fold, path=Path(f"{group}{fold}"), data="polyps-64 folds",
                    conditions={"split digest": digest}) for fold, digest in enumerate(digests)]

    assert differing_conditions(group_runs([*in_folds("a", "s0", "s1"),
                                            *in_folds("b", "s0", "s1")]), "test") == []
    ((topic, _),) = differing_conditions(group_runs([*in_folds("a", "s0", "s1"),
                                                     *in_folds("b", "s0", "s2")]), "test")
    assert topic == "split digest"


def test_mean_and_sample_deviation_over_seeds_worked_out_by_hand():
    # Dice 0.70, 0.72, 0.77: mean 0.73; deviations -0.03, -0.01, 0.04, squares sum to 0.0026,
    # over n - 1 = 2 gives 0.0013, whose root is 0.036056.
    columns, rows = table(run(0.70), run(0.72, seed=1), run(0.77, seed=2))
    assert columns == [
        "method", "recipe", "labels", "seeds", "steps", "Dice %", "IoU %", "Dice % (original size)",
    ]
    assert rows == [[
        "clcc", "plain", "80 (10 %)", "3", "400",
        "73.00 ± 3.61", "50.00 ± 0.00", "63.00 ± 3.61",
    ]]


def test_one_seed_has_no_deviation():
    groups = group_runs([run(0.7304)])
    assert build_table(groups, "test", [DICE])[1][0][-1] == "73.04 (1 seed)"
    assert groups[0].summary("test", DICE).std is None
    (record,) = to_records(groups, "test", [DICE])
    assert (record["dice_mean"], record["dice_std"], record["dice_n"]) == (0.7304, None, 1)


def test_rows_go_by_data_then_labels_then_method_then_name():
    def place(group, **changes):
        return run(group=group, **changes)

    _, rows = table(
        place("a", data="skin-64"),
        place("b", labeled=80, method="supervised"),
        place("c", labeled=80, name="zeta"),
        place("d", labeled=80, name="alpha"),
        place("e", labeled=9),
        place("f", labeled=800),
    )
    assert [row[:4] for row in rows] == [
        ["polyps-64", "clcc", "plain", "9 (1.12 %)"],
        ["polyps-64", "clcc", "alpha", "80 (10 %)"],
        ["polyps-64", "clcc", "zeta", "80 (10 %)"],
        ["polyps-64", "supervised", "plain", "80 (10 %)"],
        ["polyps-64", "clcc", "plain", "800 (100 %)"],
        ["skin-64", "clcc", "plain", "80 (10 %)"],
    ]


def test_the_data_set_is_a_column_only_if_there_are_several():
    assert "data" not in table(run(), run(group="b", method="supervised"))[0]
    assert table(run(), run(group="b", data="skin-64"))[0][0] == "data"


def test_groups_that_look_alike_get_their_digest():
    columns, rows = table(run(group="b"), run(group="a"), run(group="a", seed=1))
    assert columns[-1] == "group"
    assert [(row[3], row[-1]) for row in rows] == [("2", "aaaaaaaa"), ("1", "bbbbbbbb")]


def test_a_renamed_recipe_stays_one_group_under_both_names():
    _, rows = table(run(name="new"), run(name="old", seed=1))
    assert [row[1] for row in rows] == ["new/old"]


def test_all_metrics_have_their_units():
    columns, rows = table(run(), metrics=ALL_METRICS)
    working = ["Dice %", "IoU %", "precision %", "recall %", "specificity %", "accuracy %",
               "MAE %", "HD95 px", "ASSD px", "NSD@1% %"]
    assert columns[5:] == [*working, *(f"{name} (original size)" for name in working)]
    assert rows[0][-3:] == ["0.50 (1 seed)", "0.50 (1 seed)", "50.00 (1 seed)"]


def test_the_judged_score_comes_first_and_none_comes_twice():
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
        "1 of 2 runs are older than NSD@1% and have none: runs/polyps-64/a-0; "
        "cclcc train --fresh makes them anew"]
    (alone,) = group_runs([old])
    assert alone.summary("test", nsd) is None
    assert build_table([alone], "test", [nsd])[1][0][-1] == "none"


def test_the_validation_split_can_be_shown_instead():
    one = run()
    one = replace(one, scores={**one.scores, "val": {**one.scores["val"], DICE: 0.25}})
    assert table(one, split="val", metrics=[DICE])[1][0][-1] == "25.00 (1 seed)"


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
     "steps might do better"),
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


def test_steps_that_differ_between_seeds_are_shown_and_noted():
    runs = [run(), run(seed=1, steps=300)]
    assert table(*runs)[1][0][4] == "300/400"
    assert notes(*runs) == [
        "polyps-64: compared rows differ in optimiser steps: 300 (clcc plain 80); "
        "400 (clcc plain 80)"
    ]
    (record,) = to_records(group_runs(runs), "test", [DICE])
    assert (record["steps_min"], record["steps_max"]) == (300, 400)


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


def test_a_run_without_test_scores_shows_none_and_says_so():
    without = run(test=False, test_reads=0)
    assert notes(without) == ["runs/polyps-64/a-0: has no test scores, its test split is empty"]
    assert table(without)[1][0][-3:] == ["none"] * 3
    (record,) = to_records(group_runs([without]), "test", [DICE])
    assert (record["dice_mean"], record["dice_n"]) == (None, 0)


def test_csv_gives_back_every_number_unrounded():
    groups = group_runs([run(0.1), run(0.2, seed=1), run(1 / 3, group="b", method="supervised")])
    records = to_records(groups, "test", ALL_METRICS)

    first, second = csv.DictReader(io.StringIO(to_csv(records)))

    assert (first["data"], first["method"], first["group"]) == ("polyps-64", "clcc", "a" * 64)
    assert (first["labeled"], first["train_images"], first["seeds"]) == ("80", "800", "2")
    assert float(first["dice_mean"]) == groups[0].summary("test", DICE).mean
    assert float(first["dice_std"]) == pytest.approx(0.1 / 2**0.5, rel=1e-15)
    assert (float(second["dice_mean"]), second["dice_std"], second["dice_n"]) == (1 / 3, "", "1")
    assert float(second["dice_original_mean"]) == 1 / 3 - 0.1
    assert set(first) == set(records[0])


def test_markdown_gives_back_the_table_and_lists_the_notes():
    columns, rows = table(run(), run(group="b", method="supervised", steps=9))
    found = ["one thing", "another"]

    title, _, head, rule, *body = to_markdown("scores", columns, rows, found).splitlines()

    def cells(line):
        return [cell.strip() for cell in line.strip("|").split("|")]

    assert title == "scores"
    assert cells(head) == columns
    assert set(cells(rule)) == {"---"}
    assert [cells(line) for line in body[:2]] == rows
    assert body[2:] == ["", "- one thing", "- another"]
    assert to_markdown("scores", columns, rows, []).endswith("|\n")


def test_leaks_are_told_with_the_dice_that_is_left_without_them():
    one_leaks = {"test": Leak(1, 100, 0.70), "val": Leak(2, 50, 0.60)}
    found = notes(
        run(0.75, leaks=one_leaks), run(0.77, seed=1, leaks={"test": Leak(1, 100, 0.72)}),
        run(0.74, group="b", method="supervised", leaks={"test": Leak(1, 100, 0.69)}),
        run(0.74, group="b", seed=1, method="supervised", leaks={"test": Leak(1, 100, 0.69)}),
    )
    assert found == [
        "polyps-64: 1 of 100 test images show the same thing as an image that trains or selects "
        "(cclcc audit); Dice % without them: 71.00 (clcc plain 80), 69.00 (supervised plain 80)"]


def test_a_split_that_leaks_altogether_has_no_dice_without():
    (note,) = notes(run(leaks={"test": Leak(9, 9, None)}))
    assert note.endswith("Dice % without them: none (clcc plain 80)")
