"""What a trial's run reports, and when the pruner ends it."""

import csv

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import TrialState

from cclcc_cli.config import search_rules as config
from cclcc_cli.runs.folder import RunFolder
from cclcc_cli.runs.pruner import Pruned
from cclcc_cli.runs.records import BestRecord, ResultRecord, SplitScores, ValidationRecord
from cclcc_cli.sweeps.search import pruner as module
from cclcc_cli.sweeps.search.pruner import TrialPruner, TrialRun, build_pruner, worse_than
from cclcc_cli.sweeps.search.storage import open_storage

MEDIAN = config.MedianPruner(kind="median", startup_trials=1)
WILCOXON = config.WilcoxonPruner(kind="wilcoxon", startup_images=4)


@pytest.fixture
def study(tmp_path):
    module._storage.cache_clear()
    address = str(tmp_path / "journal.log")
    return optuna.create_study(storage=open_storage(address), study_name="s",
                               direction="maximize"), address


@pytest.fixture
def pruner(study):
    made, address = study

    def build(kind=MEDIAN, index=0, count=1, number=None, objective="dice"):
        if number is None:
            number = made.ask().number
        return TrialPruner(TrialRun(address, "s", number, index, count, 12, 4, objective,
                                    objective != "mae", kind, {}))

    return build


def record(step, dice):
    return ValidationRecord(step=step, val={"dice": dice, "mae": 1 - dice})


def images(*scores):
    return [{"dice": score} for score in scores]


def train(pruner, curve):
    """A training of 12 steps with validations at 4 and 8; why it ended early, if it did."""
    reason = pruner.resumed([])
    for step, dice in zip((4, 8), curve, strict=False):
        reason = reason or pruner.validated(record(step, dice), images(dice))
    if not reason:
        pruner.completed([record(step, dice) for step, dice in zip((4, 8, 12), curve, strict=True)])
    return reason


def test_every_validation_is_the_trials_intermediate_value(study, pruner):
    train(pruner(), [0.1, 0.2, 0.3])
    assert study[0].trials[0].intermediate_values == {4: 0.1, 8: 0.2, 12: 0.3}


def test_the_second_run_of_a_trial_follows_the_first(study, pruner):
    number = study[0].ask().number
    train(pruner(number=number, count=2), [0.1, 0.2, 0.3])
    train(pruner(number=number, count=2, index=1), [0.4, 0.5, 0.6])
    assert list(study[0].trials[0].intermediate_values) == [4, 8, 12, 16, 20, 24]


def test_a_trial_below_the_median_ends_and_one_above_it_does_not(study, pruner):
    train(pruner(), [0.4, 0.5, 0.6])
    study[0].tell(0, 0.6)
    assert train(pruner(), [0.3, 0.2, 0.1]) == "median, dice 0.3000"
    assert train(pruner(), [0.5, 0.6, 0.7]) is None


def test_of_a_loss_the_higher_one_ends(tmp_path):
    module._storage.cache_clear()
    address = str(tmp_path / "j.log")
    made = optuna.create_study(storage=open_storage(address), study_name="s")
    for number, (curve, ends) in enumerate(
        [([0.5, 0.6, 0.7], None), ([0.4, 0.4, 0.4], "median, mae 0.6000"), ([0.6] * 3, None)]
    ):
        made.ask()
        one = TrialPruner(TrialRun(address, "s", number, 0, 1, 12, 4, "mae", False, MEDIAN, {}))
        assert train(one, curve) == ends
        if ends is None:
            made.tell(number, 1 - curve[-1])


def test_a_run_killed_between_its_report_and_the_decision_still_ends(study, pruner):
    train(pruner(), [0.4, 0.5, 0.6])
    study[0].tell(0, 0.6)
    number = study[0].ask().number
    assert train(pruner(number=number), [0.3, 0.2, 0.1])
    assert pruner(number=number).resumed([record(4, 0.3)])


def test_validations_from_before_the_trial_are_reported_too(study, pruner):
    one = pruner(config.NoPruner())
    one.resumed([record(4, 0.3)])
    one.completed([record(4, 0.3), record(8, 0.4), record(12, 0.5)])
    assert study[0].trials[0].intermediate_values == {4: 0.3, 8: 0.4, 12: 0.5}


def test_a_trial_that_others_have_ended_ends_here(study, pruner):
    one = pruner()
    study[0].tell(0, state=TrialState.FAIL)
    with pytest.raises(Pruned, match="the trial is over"):
        one.validated(record(4, 0.1), images(0.1))


def result_of(folder, scores):
    with folder.images_table("val").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([["stem", "dice"], *([f"i{n}", s] for n, s in enumerate(scores))])
    mean = float(np.mean(scores))
    return ResultRecord(best=BestRecord(step=8, dice=mean),
                        val=SplitScores(working={"dice": mean}))


def test_wilcoxon_compares_images_with_the_best_trials_at_the_same_step(study, pruner, tmp_path):
    folder = RunFolder(tmp_path)
    best = pruner(WILCOXON)
    assert best.validated(record(4, 0.5), images(0.4, 0.5, 0.6, 0.5, 0.55)) is None  # none is done
    assert best.settle(folder, result_of(folder, [0.8, 0.7, 0.9, 0.8, 0.8])) == pytest.approx(0.8)
    study[0].tell(0, 0.8)
    # Worse on each image at this step, although the best trial's final scores are higher still.
    worse = pruner(WILCOXON)
    reason = worse.validated(record(4, 0.4), images(0.35, 0.42, 0.51, 0.44, 0.48))
    assert reason.startswith(
        "wilcoxon, dice 0.4400 against 0.5100 of trial 0 on 5 images, p = 0.03")
    same = pruner(WILCOXON)
    assert same.validated(record(4, 0.5), images(0.4, 0.5, 0.6, 0.5, 0.55)) is None
    assert pruner(WILCOXON).validated(record(8, 0.1), images(*[0.1] * 5)) is None  # no pairs there


def test_wilcoxon_counts_earlier_runs_at_their_end(study, pruner, tmp_path):
    folder = RunFolder(tmp_path)
    for number, shift in enumerate((0.0, -0.05)):
        study[0].ask()
        first = pruner(WILCOXON, number=number, count=2)
        first.settle(folder, result_of(folder, [0.5 + shift, 0.6 + shift]))
        second = pruner(WILCOXON, number=number, count=2, index=1)
        reason = second.validated(record(4, 0.3), images(0.3 + shift, 0.4 + 2 * shift))
        if number == 0:
            second.settle(folder, result_of(folder, [0.5, 0.6]))
            study[0].tell(0, 0.55)
    assert "on 4 images" in reason


@settings(max_examples=15)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=6, max_size=12),
       st.booleans())
def test_the_test_is_that_of_optunas_wilcoxon_pruner(pairs, higher):
    mine, others = zip(*pairs, strict=True)
    study = optuna.create_study(direction="maximize" if higher else "minimize")
    best = study.ask()
    for step, value in enumerate(others):
        best.report(value, step)
    study.tell(best, float(np.mean(others)))
    asked = study.ask()
    for step, value in enumerate(mine):
        asked.report(value, step)
    with optuna_quiet():
        pruner = optuna.pruners.WilcoxonPruner(p_threshold=0.1, n_startup_steps=6)
        expected = pruner.prune(study, study.trials[1])
    p = worse_than(mine, others, higher=higher)
    close = abs(np.mean(mine) - np.mean(others)) < 1e-9  # sums in another order
    assert close or (p < 0.1) == expected


def optuna_quiet():
    from cclcc_cli.sweeps.search.storage import quiet_experiments

    return quiet_experiments()


def test_pruners_are_built_as_optunas():
    hyperband = build_pruner(config.HyperbandPruner(kind="hyperband"), 100, 3, 10)
    assert (hyperband._min_resource, hyperband._max_resource) == (10, 300)
    median = build_pruner(config.MedianPruner(kind="median", warmup=0.3), 100, 1, 10)
    assert isinstance(median, optuna.pruners.MedianPruner)
    assert median._n_warmup_steps == 30
