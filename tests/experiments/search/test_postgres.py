"""A study that several machines share: two parents with nothing in common but a real server."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import optuna
import pytest

from cclcc_cli.experiments.search.storage import open_storage

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(1800)]
ROOT = Path(__file__).parents[3]


@pytest.fixture
def start(postgres_url, tmp_path, tiny_data, tiny_recipe):
    recipe = tiny_recipe(budget={"steps": 60})
    content = {"name": "shared", "base": recipe, "threads": 1, "trials": 6,
               "enqueue_base": False, "pruner": {"kind": "median", "startup_trials": 3},
               "space": {"optimizer.lr": {"kind": "log", "low": 1e-4, "high": 1e-2}}}
    (tmp_path / "s.yaml").write_text(json.dumps(content))
    started = []

    def begin(runs):
        process = subprocess.Popen(
            [sys.executable, "-m", "cclcc_cli", "search", "s.yaml", "--data", str(tiny_data),
             "--runs", runs, "--storage", postgres_url, "--device", "cpu", "--precision", "fp32",
             "--no-mlflow", "--json", "--quiet"],
            cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def test_two_parents_one_of_them_killed_lose_and_double_nothing(start, postgres_url, tmp_path):
    first, second = start("here"), start("there")
    deadline = time.monotonic() + 600
    while not any(json.loads(p.read_text()).get("step", 0) > 0
                  for p in (tmp_path / "there").glob("*/*/status.json")):
        assert time.monotonic() < deadline
        assert second.poll() is None, second.communicate()
        time.sleep(0.05)
    second.send_signal(signal.SIGKILL)
    second.wait()
    out, errors = first.communicate(timeout=900)
    assert first.returncode == 0, errors
    assert json.loads(out)["over"] == 6
    storage = open_storage(postgres_url)
    trials = optuna.load_study(study_name="shared", storage=storage).trials
    storage.remove_session()
    storage.engine.dispose()
    assert [trial.number for trial in trials[:6]] == list(range(6))
    assert {trial.state.name for trial in trials[:6]} <= {"COMPLETE", "PRUNED"}
    assert {trial.state.name for trial in trials[6:]} <= {"WAITING"}
    assert len({trial.params["optimizer.lr"] for trial in trials[:6]}) == 6
    again, errors = start("third").communicate(timeout=600)
    assert json.loads(again)["over"] == 6, errors
    assert not list((tmp_path / "third").glob("*/*/cell.json"))
