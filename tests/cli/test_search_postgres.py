"""A study that several machines share: two parents with nothing in common but a real server."""

import json
import signal
from contextlib import contextmanager

import optuna
import pytest

from cclcc_cli.sweeps.search.storage import open_storage
from tests.waiting import wait_until

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(1800)]


@pytest.fixture
def arguments(postgres_url, tmp_path, tiny_data, tiny_recipe):
    recipe = tiny_recipe(budget={"steps": 60})
    content = {"name": "shared", "base": recipe, "threads": 1, "trials": 6,
               "enqueue_base": False, "pruner": {"kind": "median", "startup_trials": 3},
               "space": {"optimizer.lr": {"kind": "log", "low": 1e-4, "high": 1e-2}}}
    (tmp_path / "s.yaml").write_text(json.dumps(content))
    return lambda runs: (
        "search", "s.yaml", "--data", tiny_data, "--runs", runs, "--storage", postgres_url,
        "--device", "cpu", "--precision", "fp32", "--no-mlflow", "--json", "--quiet")


def wait_until_trained(process, runs):
    """Until a run of a search's is in the middle."""
    def is_trained():
        assert process.poll() is None, process.communicate()
        return any(json.loads(p.read_text()).get("step", 0) > 0
                   for p in runs.glob("*/*/status.json"))

    wait_until(is_trained, 600)


@pytest.fixture
def outage(postgres_url):
    """Throw everybody out of the database, and let nobody in again before the end."""
    import psycopg

    address, name = postgres_url.replace("+psycopg", "").rsplit("/", 1)

    @contextmanager
    def gone():
        with psycopg.connect(f"{address}/postgres", autocommit=True) as server:
            server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                           "WHERE datname = %s", [name])
            yield
            server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

    return gone


def test_an_outage_ends_it_in_one_line_and_the_same_command_goes_on(start, outage, tmp_path):
    first = start("here")
    wait_until_trained(first, tmp_path / "here")
    with outage():
        _, errors = first.communicate(timeout=300)
    assert first.returncode == 2
    assert len(errors.splitlines()) == 1
    assert "the study's storage failed" in errors
    states = [json.loads(p.read_text())["state"] for p in
              (tmp_path / "here").glob("*/*/status.json")]
    assert "stopped" in states
    assert set(states) <= {"stopped", "validated", "pruned"}
    out, errors = start("here").communicate(timeout=600)
    result = json.loads(out)
    assert result["over"] == 6, errors
    assert {trial["state"] for trial in result["trials"]} <= {"complete", "pruned"}


def test_two_parents_one_of_them_killed_lose_and_double_nothing(start, postgres_url, tmp_path):
    first, second = start("here"), start("there")
    wait_until_trained(second, tmp_path / "there")
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
