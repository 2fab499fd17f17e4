"""Proposals: the listed first, then a function of seed, number and past alone."""

import json

import optuna
import pytest

from cclcc_cli.config.search_load import load_search
from cclcc_cli.sweeps.search.sampler import Proposer, read_setting, suggest

BASE = {"method": "clcc", "data": {"name": "scenes", "size": 320, "labeled": 0.1},
        "budget": {"steps": 100}, "clcc": {"contrast_weight": 0.1}}
SPACE = {
    "clcc.contrast_weight": {"kind": "log", "low": 0.01, "high": 1},
    "clcc.terms": [{"kind": "joint"}, {"kind": "two_stage"}],
    "clcc.terms.ramp_up": {"low": 0, "high": 0.5, "step": 0.05,
                           "when": {"clcc.terms": {"kind": "joint"}}},
    "clcc.grid": {"kind": "int", "low": 4, "high": 5},
}
BASE["clcc"]["terms"] = {"kind": "joint", "ramp_up": 0.25}


@pytest.fixture
def checked(tmp_path):
    def load(**keys):
        path = tmp_path / "s.yaml"
        path.write_text(json.dumps(
            {"name": "s", "base": BASE, "space": SPACE, "trials": 20, **keys}))
        return load_search(path)

    return load


def run(checked, trials, target=0.3):
    """Trials with a made-up objective, a new sampler for each, as after as many restarts."""
    study = optuna.create_study(direction="maximize")
    proposals = []
    for _ in range(trials):
        study.sampler = Proposer.of(checked)
        trial = study.ask()
        setting = suggest(checked.search.space, trial)
        proposals.append(setting)
        weight, grid = setting["clcc.contrast_weight"], setting["clcc.grid"]
        study.tell(trial, -abs(weight - target) + 0.01 * grid)
    return proposals, study


@pytest.mark.parametrize("sampler", ["tpe", "random", "gp"])
def test_restarts_between_all_trials_change_nothing_and_repeat_nothing(checked, sampler):
    search = checked(sampler={"kind": sampler, "seed": 3, **(
        {} if sampler == "random" else {"startup_trials": 4})})
    study = optuna.create_study(direction="maximize")
    study.sampler = Proposer.of(search)
    through = []
    for _ in range(8):
        trial = study.ask()
        through.append(suggest(search.search.space, trial))
        study.tell(trial, -abs(through[-1]["clcc.contrast_weight"] - 0.3)
                   + 0.01 * through[-1]["clcc.grid"])
    restarted, _ = run(search, 8)
    assert restarted == through
    weights = [point["clcc.contrast_weight"] for point in through]
    assert len(set(weights)) == 8
    other, _ = run(checked(sampler={"kind": sampler, "seed": 4}), 8)
    assert other[1:] != through[1:]


def test_the_listed_come_first_and_the_base_before_all(checked):
    proposals, _ = run(checked(enqueue=[{"clcc.grid": 4}]), 2)
    own = {"clcc.contrast_weight": 0.1, "clcc.terms": {"kind": "joint"},
           "clcc.terms.ramp_up": 0.25, "clcc.grid": 5}
    assert proposals == [own, {**own, "clcc.grid": 4}]


def test_a_setting_half_proposed_is_completed_as_it_would_have_been(checked):
    search = checked()
    for trials in (2, 14):  # before and after the sampler's own beginning
        _, whole = run(search, trials)
        _, broken = run(search, trials)
        whole.sampler = broken.sampler = Proposer.of(search)
        expected = suggest(search.search.space, whole.ask())
        trial = broken.ask()
        weight = SPACE["clcc.contrast_weight"]
        trial.suggest_float("clcc.contrast_weight", weight["low"], weight["high"], log=True)
        broken.sampler = Proposer.of(search)
        again = optuna.trial.Trial(broken, trial._trial_id)
        assert suggest(search.search.space, again) == expected


def test_what_a_condition_excludes_is_absent_and_the_stored_reads_back(checked):
    search = checked()
    proposals, study = run(search, 20)
    for point, trial in zip(proposals, study.trials, strict=True):
        assert ("clcc.terms.ramp_up" in point) == (point["clcc.terms"] == {"kind": "joint"})
        assert read_setting(search.search.space, trial.params) == point
    assert {point["clcc.terms"]["kind"] for point in proposals} == {"joint", "two_stage"}


def test_a_grid_is_gone_through_once(checked):
    space = {"clcc.grid": [4, 5], "clcc.symmetric": [False, True]}
    search = checked(space=space, sampler="grid")
    study = optuna.create_study()
    study.sampler = Proposer.of(search)
    points = [tuple(suggest(search.search.space, study.ask()).values())
              for _ in range(search.num_trials)]
    assert sorted(points) == [(4, False), (4, True), (5, False), (5, True)]
    assert points[0] == (5, False)  # the base's own


def test_proposals_follow_the_results_once_there_are_enough(checked):
    search = checked(sampler={"kind": "tpe", "startup_trials": 5})
    low, high = (run(search, 25, target)[0] for target in (0.02, 0.9))
    assert low[:5] == high[:5]
    means = [sum(point["clcc.contrast_weight"] for point in found[5:]) for found in (low, high)]
    assert means[0] < means[1] / 2
