"""A search from its file to its best recipe: real trainings on tiny images."""

import json

import pytest

from cclcc_cli.config import load_recipe
from cclcc_cli.config.search_load import load_search
from cclcc_cli.errors import DataError, RunError
from cclcc_cli.runs.folder import find_runs
from cclcc_cli.runs.listing import list_runs
from cclcc_cli.sweeps.display import SweepLines
from cclcc_cli.sweeps.search.plan import first_proposals
from cclcc_cli.sweeps.search.result import read_result, write_best
from cclcc_cli.sweeps.search.run import open_search, run_search
from cclcc_cli.tracking.address import tracking_uri
from cclcc_cli.tracking.mirror import sync
from cclcc_cli.tracking.parent import SEARCH
from cclcc_cli.tracking.tracker import connect

SPACE = {"optimizer.lr": {"kind": "log", "low": 0.001, "high": 0.01},
         "clcc.contrast_weight": [0.0, 1.0]}


@pytest.fixture
def write(tmp_path, tiny_recipe):
    def make(base=None, **keys):
        path = tmp_path / "s.yaml"
        path.write_text(json.dumps({"name": "s", "base": tiny_recipe(**(base or {})),
                                    "space": SPACE, "trials": 3, "threads": 1, **keys}))
        return path

    return make


@pytest.fixture
def opening(write, tmp_path, tiny_data):
    def make(storage=None, runs="runs", fresh=False, workers=1, **keys):
        return open_search(
            load_search(write(**keys)), data_root=tiny_data, runs_root=tmp_path / runs,
            storage=storage, device="cpu", precision="fp32", workers=workers, fresh=fresh,
        )

    return make


def run(opened, uri=None, fresh=False):
    lines = []
    summary = run_search(opened, workers=1, display=SweepLines(lines.append), tracking_uri=uri,
                         fresh=fresh)
    return summary, lines


def test_a_search_ends_with_a_recipe_and_never_reads_test(opening, tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "runs").mkdir()
    uri = tracking_uri(tmp_path / "runs")
    opened = opening()
    summary, lines = run(opened, uri)
    assert (summary.complete, summary.over) == (3, 3), lines
    result = read_result(opened)
    assert [t.setting for t in result.trials] == first_proposals(opened)
    assert result.best.value == max(t.value for t in result.trials)
    folders = find_runs(tmp_path / "runs")
    assert [f.status["test_reads"] for f in folders] == [0, 0, 0]
    assert not list((tmp_path / "runs").glob("*/*/test_images.csv"))
    assert {one.state for one in list_runs(tmp_path / "runs")} == {"validated"}
    _check_values(result, folders)
    _check_best(opened, result)
    _check_mlflow(uri, result)
    rebuilt = f"sqlite:///{tmp_path / 'rebuilt.db'}"
    sync(tmp_path / "runs", rebuilt)
    _check_mlflow(rebuilt, result)
    again, _ = run(opened, uri)
    assert (again.before, again.complete) == (3, 0)


def _check_values(result, folders):
    values = {f.trial["trial"]: f.read_json("result.json")["val"]["working"]["dice"]
              for f in folders}
    assert values == {t.number: t.value for t in result.trials}


def _check_best(opened, result):
    path = write_best(opened, result, "s.yaml")
    recipe = load_recipe(path)
    assert recipe.optimizer.lr == result.best.setting["optimizer.lr"]
    assert recipe.name == "s_best"
    head = path.read_text().split("name:")[0]
    assert f"trial {result.best.number}." in head
    assert f"  cclcc train {path}" in head
    assert "Digests: search" in head
    assert f"{result.best.value:.6f}; the test split was not read" in head


def _check_mlflow(uri, result):
    client = connect(uri)
    experiment = client.get_experiment_by_name("cclcc/synthetic").experiment_id
    found = client.search_runs([experiment])
    (parent,) = (r for r in found if SEARCH.tag in r.data.tags)
    assert parent.info.status == "FINISHED"
    children = [r for r in found if r.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert len(children) == len(found) - 1 == 3
    assert {r.data.params["trial"] for r in children} == {"0", "1", "2"}
    lrs = {r.data.params["trial.lr"] for r in children}
    assert lrs == {t.words["lr"] for t in result.trials}
    assert not any(key.startswith("test/") for r in children for key in r.data.metrics)


def test_a_setting_that_was_trained_as_a_run_is_not_trained_again(opening, tmp_path):
    space = {"clcc.contrast_weight": [0.0, 1.0]}
    run(opening(space=space, sampler="grid", trials=2))
    sessions = [f.status["sessions"] for f in find_runs(tmp_path / "runs")]
    other = opening(name="other", space=space, sampler="grid", trials=2)
    assert run(other)[0].complete == 2
    folders = find_runs(tmp_path / "runs")
    assert [f.status["sessions"] for f in folders] == sessions == [1, 1]
    assert {f.trial["name"] for f in folders} == {"s"}  # the first that had them
    first, second = (read_result(opening(name=name, space=space, sampler="grid", trials=2))
                     for name in ("s", "other"))
    assert [t.value for t in first.trials] == [t.value for t in second.trials]


def test_a_diverged_trial_fails_with_its_reason_and_the_others_go_on(opening):
    space = {"optimizer.lr": [0.003, 1e30]}
    opened = opening(space=space, sampler="grid", trials=2,
                     base={"schedule": {"warmup": 0}, "optimizer": {"lr": 0.003}})
    summary, _ = run(opened)
    assert (summary.complete, len(summary.failures)) == (1, 1)
    bad = read_result(opened).trials[1]
    assert bad.state == "failed"
    assert "the loss is not finite" in bad.reason


def test_the_mean_over_seeds_and_a_hopeless_trial_is_pruned(opening, tmp_path):
    opened = opening(
        space={"optimizer.lr": [0.003, 1e-9]}, sampler="grid", trials=2, seeds=[0, 1],
        pruner={"kind": "median", "startup_trials": 1}, base={"budget": {"steps": 40}},
    )
    summary, lines = run(opened)
    good, bad = read_result(opened).trials
    runs = [f for f in find_runs(tmp_path / "runs") if f.trial["trial"] == 0]
    values = [f.read_json("result.json")["val"]["working"]["dice"] for f in runs]
    assert good.value == pytest.approx(sum(values) / 2)
    assert {f.read_json("cell.json")["recipe"]["seed"] for f in runs} == {0, 1}
    assert (bad.state, summary.pruned) == ("pruned", 1), lines
    (left,) = list_runs(tmp_path / "runs", states=["pruned"])
    assert "median, dice" in left.detail


def test_another_search_of_the_same_name_is_refused_and_fresh_begins_anew(opening, tmp_path):
    run(opening(trials=1))
    with pytest.raises(RunError) as caught:
        opening(trials=1, objective="iou")
    assert "objective dice -> iou" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert opening(trials=2).begun == {"complete": 1}  # more trials are the same search
    summary, lines = run(opening(trials=1, objective="iou", fresh=True), fresh=True)
    assert summary.complete == 1
    assert "is kept as" in lines[0]
    assert len(list((tmp_path / "runs/searches/s").glob("journal.log.former-1"))) == 1
    assert [f.status["sessions"] for f in find_runs(tmp_path / "runs")] == [1]


def test_looking_writes_nothing(opening, tmp_path):
    assert len(first_proposals(opening())) == 3
    assert not (tmp_path / "runs").exists()


def test_what_does_not_suit_is_refused_before_anything_runs(opening, tmp_path):
    with pytest.raises(RunError, match="unequal numbers of optimiser steps"):
        opening(base={"budget": {"epochs": 2}, "validation": {"every": 1}},
                space={"batch.labeled": [2, 4]})
    with pytest.raises(DataError, match="no fold 7|has no|fold"):
        opening(folds=[7])
    with pytest.raises(RunError, match="--workers 64"):
        opening(threads=2, workers=64)
    assert not (tmp_path / "runs").exists()
