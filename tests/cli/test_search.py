"""``cclcc search`` as a user types it: it completes, whatever happens to its processes."""

import json
import os
import random
import signal
import time
from contextlib import suppress

import optuna
import pytest

from cclcc_cli.sweeps.search.storage import open_storage
from tests.waiting import is_alive, wait_until


@pytest.fixture
def search_file(tmp_path, tiny_recipe):
    def write(steps=12, trials=3, **keys):
        path = tmp_path / "small.yaml"
        base = tiny_recipe(budget={"steps": steps}, validation={"every": 4})
        content = {"name": "small", "threads": 1, "trials": trials,
                   "space": {"optimizer.lr": {"kind": "log", "low": 1e-4, "high": 1e-2},
                             "clcc.contrast_weight": {"low": 0, "high": 1}},
                   "base": {**base, "clcc": {**base["clcc"], "contrast_weight": 0.5}},
                   "sampler": {"kind": "tpe", "startup_trials": 2}, **keys}
        path.write_text(json.dumps(content))
        return path

    return write


@pytest.fixture
def arguments(tiny_data):
    return lambda path, *more, runs="runs": (
        "search", path, "--data", tiny_data, "--runs", runs, "--device", "cpu",
        "--precision", "fp32", "--no-mlflow", *more)


@pytest.fixture
def search(cclcc, arguments):
    return lambda *words, **keys: cclcc(*arguments(*words, **keys))


def found(root, address=None):
    """Every trial without times: what an uninterrupted search has to equal."""
    storage = open_storage(address or str(root / "searches/small/journal.log"))
    trials = optuna.load_study(study_name="small", storage=storage).trials
    return [(t.number, t.state.name, t.params, t.value, t.intermediate_values) for t in trials]


def test_from_dry_run_to_the_best_recipe(search, cclcc, search_file, tmp_path, tiny_data):
    path = search_file()
    planned = search(path, "--dry-run", "--json")
    plan = json.loads(planned.stdout)
    assert (plan["trials"], plan["runs"], plan["begun"]) == (3, 3, {})
    assert not (tmp_path / "runs").exists()
    first = search(path, "--workers", "2")
    assert first.returncode == 0, first.stderr
    assert "small: 3 complete" in first.stdout
    assert "written: runs/searches/small/best.yaml" in first.stdout
    again = search(path, "--quiet", "--json")
    assert again.returncode == 0, again.stderr
    result = json.loads(again.stdout)
    assert [t["setting"] for t in result["trials"]][:2] == plan["first_proposals"][:2]
    assert result["over"] == 3
    reads = [json.loads(p.read_text())["test_reads"] for p in
             (tmp_path / "runs").glob("*/*/status.json")]
    assert reads == [0, 0, 0]
    said = (tmp_path / "runs/searches/small/best.yaml").read_text().splitlines()[1]
    assert first.stdout.splitlines()[-1].endswith(said.removeprefix("# ").strip())
    words = said.split()[2:]
    trained = cclcc(*words, "--data", tiny_data, "--no-mlflow", "--json")
    assert trained.returncode == 0, trained.stderr
    assert json.loads(trained.stdout)["test"] is not None
    # The search's own run: it was found trained, and only its test was read.
    reads = sorted(json.loads(p.read_text())["test_reads"] for p in
                   (tmp_path / "runs").glob("*/*/status.json"))
    assert reads == [0, 0, 1]


def test_bad_files_are_refused_in_one_line_before_torch_loads(search, search_file, tmp_path):
    done = search(search_file(objective="test.dice"))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "a search never reads the test split" in done.stderr
    assert not (tmp_path / "runs").exists()


def test_a_signal_saves_and_says_how_to_go_on(start, search_file, tmp_path):
    process = start(search_file(steps=5000), "--workers", "2")
    wait_until(lambda: len(training(tmp_path / "runs")) == 2)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=200)
    assert process.returncode == 128 + signal.SIGTERM
    assert "repeat the command to resume" in errors.splitlines()[-1]
    assert [trial[1] for trial in found(tmp_path / "runs")] == ["RUNNING", "RUNNING", "WAITING"]


def training(root):
    """Processes in the middle of a run that have got further themselves."""
    pids = []
    for path in root.glob("*/*/.owner.json"):
        with suppress(FileNotFoundError, ValueError):
            pid = json.loads(path.read_text())["pid"]
            status = json.loads((path.parent / "status.json").read_text())
            further = status["pid"] == pid and status["updated"] > status["session_started"]
            if further and is_alive(pid):
                pids.append(pid)
    return pids


def kill_at_random(start, path, root, draw, kills, pause):
    """kill -9 the parent or a worker, half the time in the middle of a run, else at any moment.

    Args:
        pause: up to so many seconds pass before it happens.
    """
    process, killed = start(path, "--quiet"), 0
    while killed < kills and process.poll() in (None, -signal.SIGKILL):
        if process.poll() is not None:
            process = start(path, "--quiet")
        if draw.random() < 0.5:
            wait_until(lambda: training(root) or process.poll() is not None)  # noqa: B023
        time.sleep(draw.random() * pause)
        victim = draw.choice([process.pid, *training(root)])
        if process.poll() is None and is_alive(victim):
            os.kill(victim, signal.SIGKILL)
            killed += 1
            if victim == process.pid:
                process.wait()
                if draw.random() < 0.2:  # in the middle of a record
                    with (root / "searches/small/journal.log").open("ab") as file:
                        file.write(b'{"op_code":9,"wor')
    if process.poll() is None:
        process.kill()
        process.wait()
    return killed


def finish(process):
    _, errors = process.communicate(timeout=3000)
    assert process.returncode == 0, errors


@pytest.mark.more
@pytest.mark.parametrize(
    ("kills", "pause", "trials", "steps"),
    [(3, 0.3, 4, 60), pytest.param(100, 6, 60, 200, marks=pytest.mark.long)])
@pytest.mark.timeout(7000)
def test_killed_at_random_the_same_command_finds_the_same_trials(
    start, search_file, tmp_path, kills, pause, trials, steps
):
    path = search_file(steps, trials, pruner={"kind": "median", "startup_trials": 2})
    runs = tmp_path / "runs"
    assert kill_at_random(start, path, runs, random.Random(kills), kills, pause) == kills
    reached = sum(trial[1] != "WAITING" for trial in found(runs))
    finish(start(path))
    sessions = [json.loads(p.read_text())["sessions"] for p in runs.glob("*/*/status.json")]
    assert max(sessions) > 1
    finish(start(path, runs="whole"))
    whole = found(tmp_path / "whole")
    assert {state for _, state, *_ in whole} <= {"COMPLETE", "PRUNED"}
    assert found(runs) == whole
    best = [(root / "searches/small/best.yaml").read_text().split("name:")[1]
            for root in (runs, tmp_path / "whole")]
    assert best[0] == best[1]
    print(f"killed {kills} while {reached} trials were reached; {sum(sessions)} sessions of "
          f"{len(sessions)} runs; {len(whole)} trials compared")


def test_two_parents_on_one_sqlite_file_lose_and_double_nothing(start, search_file, tmp_path):
    path = search_file(trials=5)
    address = f"sqlite:///{tmp_path}/s.db"
    both = [start(path, "--storage", address, "--json", "--quiet", runs=f"runs{n}")
            for n in range(2)]
    ends = [process.communicate(timeout=400) for process in both]
    assert [process.returncode for process in both] == [0, 0], ends
    assert [json.loads(out)["over"] for out, _ in ends] == [5, 5]
    trials = found(None, address)
    assert [(number, state) for number, state, *_ in trials[:5]] == [
        (number, "COMPLETE") for number in range(5)]
    sessions = [json.loads(p.read_text())["sessions"]
                for n in range(2) for p in (tmp_path / f"runs{n}").glob("*/*/status.json")]
    assert sessions == [1] * 5
