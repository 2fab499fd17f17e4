"""Many workers on one folder of runs and one MLflow store: each run once, and told once."""

import json
import time

import pytest
from mlflow import MlflowClient

from cclcc_cli.tracking.parent import ABLATION_TAG

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning"),
]


@pytest.fixture
def arguments(environment, tiny_data, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    environment.pop("MLFLOW_TRACKING_URI", None)
    return lambda path, workers: (
        "ablate", path, "--data", tiny_data, "--runs", "runs", "--device", "cpu",
        "--precision", "fp32", "--workers", workers, "--json", "--no-report")


def scores(runs):
    """Each finished run's digest and test Dice, as its folder says."""
    return {
        json.loads((path.parent / "cell.json").read_text())["digest"]:
            json.loads(path.read_text())["test"]["working"]["dice"]
        for path in runs.glob("*/*/result.json")
    }


@pytest.mark.timeout(7000)
@pytest.mark.parametrize(
    ("count", "commands", "workers"),
    [(8, 2, 2), pytest.param(200, 1, 8, marks=pytest.mark.long),
     pytest.param(200, 2, 4, marks=pytest.mark.long)],
)
def test_nothing_is_lost_doubled_or_failed(
    start, tiny_recipe, tmp_path, make_database, count, commands, workers
):
    path, runs = tmp_path / "abl.yaml", tmp_path / "runs"
    make_database(runs / "mlflow.db")
    path.write_text(json.dumps({
        "name": "abl", "base": tiny_recipe(budget={"steps": 4}), "threads": 1,
        "variants": {"clcc": {}, "plain": {"method": "supervised"}},
        "axes": {"seed": list(range(count // 2))}}))
    begun = time.monotonic()
    processes = [start(path, workers) for _ in range(commands)]
    ends = []
    for process in processes:
        out, errors = process.communicate(timeout=6000)
        assert process.returncode == 0, errors
        assert "warning: MLflow" not in errors, errors
        ends.append(json.loads(out))
    print(f"{count} runs by {commands} x {workers} workers in {time.monotonic() - begun:.0f} s")
    assert sum(end["trained"] for end in ends) == count
    assert [(end["done"], end["failures"]) for end in ends] == [(count, [])] * commands
    statuses = [json.loads(path.read_text()) for path in runs.glob("*/*/status.json")]
    assert {(one["state"], one["sessions"]) for one in statuses} == {("finished", 1)}
    held = scores(runs)
    assert len(held) == len(statuses) == count

    client = MlflowClient(f"sqlite:///{runs / 'mlflow.db'}")
    (experiment,) = (e for e in client.search_experiments() if e.name == "cclcc/synthetic")
    found = client.search_runs([experiment.experiment_id], max_results=1000)
    (parent,) = (run for run in found if ABLATION_TAG in run.data.tags)
    children = [run for run in found if run is not parent]
    assert parent.info.status == "FINISHED"
    assert len(children) == count
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    assert {run.info.status for run in children} == {"FINISHED"}
    assert {run.data.tags["cclcc.cell"]: run.data.metrics["test/dice"]
            for run in children} == held
    for run in children[:10]:
        steps = [m.step for m in client.get_metric_history(run.info.run_id, "val/dice")]
        assert steps == [4]
