"""``cclcc ablate`` as a user types it: it completes, whatever happens to its processes."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress

import psutil
import pytest

from tests.waiting import is_alive, wait_until


@pytest.fixture
def ablation_file(tmp_path, tiny_recipe):
    def write(steps=12, name="small", **keys):
        path = tmp_path / f"{name}.yaml"
        base = tiny_recipe(budget={"steps": steps}, validation={"every": 4})
        content = {"name": name, "base": base, "threads": 1,
                   "variants": {"clcc": {}, "plain": {"method": "supervised"}},
                   "axes": {"seed": [0, 1]}, **keys}
        path.write_text(json.dumps(content))
        return path

    return write


@pytest.fixture
def arguments(tiny_data):
    return lambda path, *more, runs="runs": (
        "ablate", path, "--data", tiny_data, "--runs", runs, "--device", "cpu",
        "--precision", "fp32", "--no-mlflow", "--no-report", *more)


@pytest.fixture
def ablate(cclcc, arguments):
    return lambda *words, **keys: cclcc(*arguments(*words, **keys))


def results(root):
    """What was computed: scores and weights by folder, without times."""
    return {
        path.parent.name: (path.read_bytes(), (path.parent / "best.pt").read_bytes(),
                           (path.parent / "test_images.csv").read_bytes())
        for path in root.glob("*/*/result.json")
    }


def statuses(root):
    return {path.parent.name: json.loads(path.read_text())
            for path in root.glob("*/*/status.json")}


def owners(root):
    """Processes that hold a run now, or held it when they were killed, by folder."""
    found = {}
    for path in root.glob("*/*/.owner.json"):
        with suppress(FileNotFoundError):  # let go since the folder was listed
            found[path.parent.name] = json.loads(path.read_text())["pid"]
    return found


def test_every_run_is_trained_once_and_then_passed_over(ablate, ablation_file, tmp_path):
    path = ablation_file()
    planned = ablate(path, "--dry-run")
    assert "4 to do; no run has finished, so the time" in planned.stdout
    assert not (tmp_path / "runs").exists()
    first = ablate(path, "--workers", "2")
    assert first.returncode == 0, first.stderr
    assert "4 of 4 runs done (4 now" in first.stdout
    assert "4/4 done" in first.stderr
    again = ablate(path, "--json", "--quiet")
    assert json.loads(again.stdout)["before"] == 4
    assert again.stderr == ""
    assert {s["sessions"] for s in statuses(tmp_path / "runs").values()} == {1}
    left = json.loads(ablate(path, "--dry-run", "--json").stdout)
    assert {run["state"] for run in left["runs"]} == {"done"}
    assert left["seconds_left"] == 0


def test_passing_over_what_is_done_loads_nothing_that_trains(
    cclcc, ablation_file, arguments, environment, tmp_path, make_database
):
    path = ablation_file(steps=4)
    make_database(tmp_path / "runs" / "mlflow.db")
    tracked = [str(word) for word in arguments(path) if not str(word).startswith("--no-")]
    assert cclcc(*tracked).returncode == 0
    code = (
        f"import sys; sys.argv = ['cclcc', *{tracked}]\n"
        "from cclcc_cli.cli.app import main\n"
        "main.__globals__['app'](standalone_mode=False)\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment,
                          capture_output=True, text=True, check=True, timeout=300)
    *_, said, modules = done.stdout.splitlines()
    assert "4 of 4 runs done (0 now, 0 meanwhile by other processes, 4 before)" in said
    loaded = set(modules.split())
    assert "cclcc_cli.sweeps.ablation" in loaded
    assert not loaded & {"torch", "scipy", "albumentations", "mlflow", "sqlalchemy", "pandas"}


def test_a_failing_run_stops_nothing_and_is_retried_only_when_asked(
    ablate, ablation_file, tmp_path
):
    path = ablation_file(variants={
        "bad": {"optimizer.lr": 1e30, "schedule.warmup": 0}, "good": {}}, axes={"seed": [0]})
    first = ablate(path)
    assert first.returncode == 3
    assert "1 of 2 runs done" in first.stdout
    assert "failed: bad seed=0: the loss is not finite at step" in first.stderr
    last = first.stderr.splitlines()[-1]
    assert last.startswith("error: 1 of 2 runs failed")
    assert "--retry" in last
    sessions = statuses(tmp_path / "runs")
    again = ablate(path)
    assert again.returncode == 3
    assert statuses(tmp_path / "runs") == sessions
    assert ablate(path, "--retry").returncode == 3
    (bad,) = (s for s in statuses(tmp_path / "runs").values() if s["state"] == "failed")
    assert bad["sessions"] == 2


def test_two_at_once_on_one_folder_double_nothing(start, ablation_file, tmp_path):
    path = ablation_file(axes={"seed": [0, 1, 2]})
    both = [start(path, "--json", "--quiet") for _ in range(2)]
    ends = [json.loads(process.communicate(timeout=300)[0]) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert [end["done"] for end in ends] == [6, 6]
    assert sum(end["trained"] for end in ends) == 6
    assert {s["sessions"] for s in statuses(tmp_path / "runs").values()} == {1}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_all_workers_and_says_how_to_go_on(start, ablation_file, tmp_path, number):
    process = start(ablation_file(steps=5000), "--workers", "2")
    root = tmp_path / "runs"
    wait_until(lambda: sum(s.get("step", 0) > 0 for s in statuses(root).values()) == 2)
    workers = set(owners(root).values())
    process.send_signal(number)
    _, errors = process.communicate(timeout=100)
    assert process.returncode == 128 + number
    assert "repeat the command to resume" in errors.splitlines()[-1]
    assert [s["state"] for s in statuses(root).values()] == ["stopped", "stopped"]
    assert len(workers) == 2
    assert not any(is_alive(pid) for pid in workers)


def training(process, root):
    """Workers of an ablation that are in the middle of a run now."""
    with suppress(psutil.NoSuchProcess):
        begun = {name for name, status in statuses(root).items() if status.get("step", 0) > 0}
        own = {child.pid for child in psutil.Process(process.pid).children(recursive=True)}
        return [pid for name, pid in owners(root).items() if name in begun and pid in own]
    return []


def kill_at_random(start, path, root, draw, kills):
    """kill -9 the parent or a worker, mostly in the middle of a run that this very start runs.

    Returns how many were killed, and how many of them were workers in the middle of a run.
    """
    process, killed, midway = start(path, "--workers", "2", "--quiet"), 0, 0
    while killed < kills and process.poll() in (None, -signal.SIGKILL):
        if process.poll() is not None:
            process = start(path, "--workers", "2", "--quiet")
        if draw.random() < 0.8:
            wait_until(lambda: training(process, root) or process.poll() is not None)  # noqa: B023
        time.sleep(draw.random() * 0.5)
        workers = training(process, root)
        victim = draw.choice([process.pid, *workers])
        if process.poll() is None and is_alive(victim):
            os.kill(victim, signal.SIGKILL)
            killed += 1
            midway += victim in workers
            if victim == process.pid:
                process.wait()
    if process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)
    return killed, midway


def finish(process):
    _, errors = process.communicate(timeout=2000)
    assert process.returncode == 0, errors


@pytest.mark.more
@pytest.mark.parametrize(("kills", "steps"), [
    (3, 200), pytest.param(100, 400, marks=pytest.mark.long)])
@pytest.mark.timeout(5000)
def test_killed_at_random_the_same_command_ends_with_the_same_bytes(
    start, ablation_file, tmp_path, kills, steps
):
    root = tmp_path / "runs"
    path = ablation_file(steps, axes={"seed": list(range(2 if kills < 10 else 60))})
    killed, midway = kill_at_random(start, path, root, random.Random(kills), kills)
    assert killed == kills
    assert midway >= kills // 10
    # Runs that nothing had reached would only take time.
    reached = {int(re.search(r"-seed(\d+)-", name)[1]) for name in statuses(root)}
    path = ablation_file(steps, axes={"seed": sorted(reached)})
    finish(start(path, "--workers", "2", "--retry"))
    sessions = [status["sessions"] for status in statuses(root).values()]
    assert max(sessions) > 1
    assert not list(root.glob("*/*/.owner.json"))
    finish(start(path, "--workers", "2", runs="whole"))
    whole = results(tmp_path / "whole")
    assert len(whole) == 2 * len(reached)
    assert results(root) == whole
    print(f"killed {killed}, of them workers in the middle of a run {midway}; "
          f"{sum(sessions)} sessions of {len(sessions)} runs; {len(whole)} compared")


def test_bad_files_are_refused_in_one_line_before_torch_loads(ablate, ablation_file, tmp_path):
    done = ablate(ablation_file(design="half"))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "design = 'half'" in done.stderr
    unequal = ablate(ablation_file(variants={"a": {}, "b": {"budget.steps": 8}}))
    assert unequal.returncode == 2
    assert "a: 12, b: 8" in unequal.stderr
    assert len(unequal.stderr.splitlines()) == 1
    assert not (tmp_path / "runs").exists()
