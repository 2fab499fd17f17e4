"""An MLflow server that is killed, or comes back, while an ablation trains: nobody waits for it."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import suppress

import pytest
from mlflow import MlflowClient

from tests.waiting import wait_until

pytestmark = [
    pytest.mark.more,
    pytest.mark.timeout(3000),
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning"),
]


class Server:
    """A real ``mlflow server`` on loopback; what it holds outlives it."""

    def __init__(self, folder):
        self._folder, self._process = folder, None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self._port}"
        folder.mkdir()

    def start(self):
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port",
                 str(self._port), "--workers", "1", "--backend-store-uri",
                 f"sqlite:///{self._folder / 'store.db'}", "--artifacts-destination",
                 str(self._folder / "artifacts")],
                env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
                cwd=self._folder, stdout=log, stderr=log, start_new_session=True,
            )
        wait_until(self._answers)

    def _answers(self):
        assert self._process.poll() is None, (self._folder / "log").read_text()
        with suppress(OSError):
            return urllib.request.urlopen(f"{self.address}/health", timeout=60).status == 200

    def kill(self):
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


@pytest.fixture
def server(tmp_path):
    made = Server(tmp_path / "server")
    made.start()
    yield made
    made.kill()


def states(runs):
    found = {}
    for path in runs.glob("*/*/status.json"):
        found[path.parent.name] = json.loads(path.read_text())
    return found


def count(runs, state):
    return sum(one["state"] == state for one in states(runs).values())


@pytest.fixture
def arguments(tiny_data, tiny_recipe, tmp_path):
    path = tmp_path / "abl.yaml"
    path.write_text(json.dumps({
        "name": "abl", "base": tiny_recipe(budget={"steps": 60}, validation={"every": 10}),
        "threads": 1, "axes": {"seed": [0, 1, 2, 3, 4]}, "variants": {"a": {}, "b": {
            "optimizer.lr": 0.001}}}))
    return lambda uri: (
        "ablate", path, "--data", tiny_data, "--runs", "runs", "--device", "cpu",
        "--precision", "fp32", "--workers", 2, "--tracking-uri", uri)


def check_complete(address, runs):
    """Every run, once, with the scores that its folder holds and each of its records."""
    client = MlflowClient(address)
    (experiment,) = (e for e in client.search_experiments() if e.name == "cclcc/synthetic")
    found = {run.data.tags.get("cclcc.cell"): run
             for run in client.search_runs([experiment.experiment_id])}
    parent = found.pop(None)
    assert parent.info.status == "FINISHED"
    assert len(found) == len(states(runs)) == 10
    for path in runs.glob("*/*/result.json"):
        run = found[json.loads((path.parent / "cell.json").read_text())["digest"]]
        assert run.info.status == "FINISHED"
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        result = json.loads(path.read_text())
        assert run.data.metrics["test/dice"] == result["test"]["working"]["dice"]
        history = client.get_metric_history(run.info.run_id, "val/dice")
        assert [metric.step for metric in history] == [10, 20, 30, 40, 50, 60]
        assert "best.pt" in {file.path for file in client.list_artifacts(run.info.run_id)}


def test_training_goes_on_and_sync_completes_what_was_missed(server, start, cclcc, tmp_path):
    runs = tmp_path / "runs"
    process = start(server.address)
    wait_until(lambda: count(runs, "finished") >= 2 and count(runs, "running"))
    server.kill()
    missed = 10 - count(runs, "finished")
    out, errors = process.communicate(timeout=1500)
    assert process.returncode == 0, errors
    assert "10 of 10 runs done" in out
    warnings = [line for line in errors.splitlines() if line.startswith("warning:")]
    assert 1 <= len(warnings) <= missed + 1, errors  # the last is of the ablation's own run
    assert len(set(warnings)) == len(warnings)
    assert all("MLflow at http://127.0.0.1" in line for line in warnings)
    assert "Traceback" not in errors
    server.start()
    done = cclcc("sync", "--runs", "runs", "--tracking-uri", server.address)
    assert done.returncode == 0, done.stderr
    assert " of 10 runs changed" in done.stdout
    check_complete(server.address, runs)
    again = cclcc("sync", "--runs", "runs", "--tracking-uri", server.address)
    assert again.stdout == "0 of 10 runs changed in MLflow\n"


def test_a_server_that_is_back_hears_of_the_runs_that_follow(server, start, cclcc, tmp_path):
    runs = tmp_path / "runs"
    process = start(server.address)
    wait_until(lambda: count(runs, "finished") >= 1 and count(runs, "running"))
    server.kill()
    server.start()
    late = {name for name, one in states(runs).items() if one["state"] == "finished"}
    _, errors = process.communicate(timeout=1500)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    if len(late) < 8:  # it was back in time to hear of some from their start
        client = MlflowClient(server.address)
        (experiment,) = (e for e in client.search_experiments() if e.name == "cclcc/synthetic")
        heard = client.search_runs([experiment.experiment_id], "attributes.status = 'FINISHED'")
        assert len(heard) >= 2
    assert cclcc("sync", "--runs", "runs", "--tracking-uri", server.address).returncode == 0
    check_complete(server.address, runs)
