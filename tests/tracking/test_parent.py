"""An ablation's run in MLflow: made once however many ask, with the runs as its children."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from cclcc_cli.config.ablation import load_ablation
from cclcc_cli.sweeps.ablation import open_ablation, run_ablation
from cclcc_cli.sweeps.display import SweepLines
from cclcc_cli.tracking.address import tracking_uri
from cclcc_cli.tracking.mirror import sync
from cclcc_cli.tracking.parent import ABLATION_TAG, find_parent
from cclcc_cli.tracking.tracker import connect, find_experiment


@pytest.fixture
def uri(tmp_path, monkeypatch, make_database):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    make_database(tmp_path / "runs" / "mlflow.db")
    return tracking_uri(tmp_path / "runs")


def test_many_who_ask_at_once_get_one_parent(uri, tmp_path):
    experiment = find_experiment(connect(uri), "cclcc/scenes", tmp_path / "runs")

    def ask(_):
        return find_parent(connect(uri), experiment, "abl", tmp_path / "runs")

    with ThreadPoolExecutor(8) as threads:
        parents = set(threads.map(ask, range(8)))
    assert len(parents) == 1
    assert {run.info.run_id for run in connect(uri).search_runs([experiment])} == parents


def test_runs_are_children_of_the_ablation_and_stay_so_when_rebuilt(
    uri, tmp_path, tiny_data, tiny_recipe
):
    path, runs = tmp_path / "abl.yaml", tmp_path / "runs"
    path.write_text(json.dumps({"name": "abl", "base": tiny_recipe(), "threads": 1,
                                "axes": {"seed": [0, 1]}}))
    opened = open_ablation(load_ablation(path), data_root=tiny_data, runs_root=runs,
                           device="cpu", precision="fp32", workers=2)
    lines = []
    summary = run_ablation(opened, workers=2, retry=False, display=SweepLines(lines.append),
                           tracking_uri=uri)
    assert summary.trained == 2, lines
    assert family(uri) == ("FINISHED", 2), lines
    rebuilt = f"sqlite:///{tmp_path / 'rebuilt.db'}"
    sync(runs, rebuilt)
    assert family(rebuilt) == ("FINISHED", 2)


def family(uri):
    """The one parent's status, and how many children name it."""
    client = connect(uri)
    experiment = client.get_experiment_by_name("cclcc/synthetic").experiment_id
    found = client.search_runs([experiment])
    (parent,) = (run for run in found if ABLATION_TAG in run.data.tags)
    children = [run for run in found
                if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert len(children) == len(found) - 1
    return parent.info.status, len(children)
