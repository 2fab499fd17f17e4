"""``cclcc train --processes`` as a user types it: one folder, one voice, the same result."""

import json
import signal
import subprocess
import sys
import time

import psutil
import pytest

from tests import warm

pytestmark = pytest.mark.slow


def mostly_more(chosen, *others):
    """One case in ``make test``, the others in ``make test-more``: each starts two processes."""
    return [chosen, *(pytest.param(*(other if isinstance(other, tuple) else (other,)),
                                   marks=pytest.mark.more) for other in others)]


@pytest.fixture
def arguments(tiny_data):
    return lambda path, *more: [
        "train", path, "--data", tiny_data, "--runs", "runs", "--no-mlflow", "--precision", "fp32",
        *more,
    ]


def folders(root):
    return sorted(path.parent for path in root.glob("runs/*/*/cell.json"))


def losses(folder):
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)["train"]["total"] for line in lines]


@pytest.mark.parametrize("method", mostly_more("clcc", "supervised", "mean_teacher"))
def test_two_processes_do_what_one_does(cclcc, recipe_file, arguments, tmp_path, method):
    path = recipe_file(method, optimizer={"name": "sgd", "lr": 0.01}, batch={
        "labeled": 3, **({} if method == "supervised" else {"unlabeled": 3})})
    one, two = cclcc(*arguments(path)), cclcc(*arguments(path, "--processes", 2))
    assert (one.returncode, two.returncode) == (0, 0), two.stderr
    assert two.stdout.count("run folder:") == 1
    assert two.stderr.count("step 12/12") == 1
    single, shared = sorted(folders(tmp_path), key=lambda f: "processes" in json.loads(
        (f / "cell.json").read_text())["runtime"])
    # A contrast on so small a network magnifies rounding: after four steps one process with one
    # thread and with two lie as far apart.
    told = 1 if method == "clcc" else 3
    assert losses(shared)[:told] == pytest.approx(losses(single)[:told], rel=1e-4)
    runs = [json.loads((f / "cell.json").read_text()) for f in (single, shared)]
    assert runs[1]["runtime"]["processes"] == 2
    assert runs[0]["arm"] == runs[1]["arm"]
    costs = [json.loads((f / "costs.json").read_text()) for f in (single, shared)]
    assert costs[0]["images_per_step"] == costs[1]["images_per_step"]
    again = cclcc(*arguments(path, "--processes", 2))
    assert "finished before, nothing was run" in again.stderr


@pytest.mark.more
def test_torchrun_starts_them_as_well(recipe_file, arguments, tmp_path, environment):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone",
               "--nproc-per-node", "2", "-m", "cclcc_cli",
               *map(str, arguments(recipe_file("supervised"), "--json"))]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True,
                          timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    (folder,) = folders(tmp_path)
    assert json.loads(done.stdout)["test"] == json.loads((folder / "result.json").read_text())[
        "test"]


@pytest.mark.parametrize(("change", "reason"), mostly_more(
    ("optimizer.lr=1e30", "the loss is not finite"),
    ("batch.labeled=1", "batch.labeled = 1 cannot be divided among 2 processes"),
    ("nonsense=1", "nonsense: unknown key"),
))
def test_a_failure_is_told_once(cclcc, recipe_file, arguments, change, reason):
    done = cclcc(*arguments(recipe_file(), "--processes", 2, "--quiet", "--set", change))
    assert done.returncode in (2, 3)
    assert done.stderr.startswith("error: ")
    assert reason in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.fixture
def started(recipe_file, arguments, tmp_path, environment, command_line):
    """A long training in two processes, and their ids: the parent's first."""
    path = recipe_file("supervised", budget={"steps": 5000}, validation={"every": 5000})
    process = warm.Popen(
        command_line(*arguments(path, "--processes", 2)),
        cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True,
    )
    for line in process.stderr:
        if "5000 steps" in line:
            break
    time.sleep(1)
    children = sorted(psutil.Process(process.pid).children(), key=lambda p: p.pid)
    leader = next(p for p in children if p.environ()["RANK"] == "0")
    follower = next(p for p in children if p.environ()["RANK"] == "1")
    yield process, leader, follower
    process.kill()
    process.stderr.close()


@pytest.mark.parametrize("whom", mostly_more("follower", "parent", "leader"))
def test_a_signal_to_any_of_them_stops_all_after_the_same_step(started, tmp_path, whom):
    process, leader, follower = started
    {"parent": process, "leader": leader, "follower": follower}[whom].send_signal(signal.SIGTERM)
    rest = process.stderr.read()
    assert process.wait(100) == 128 + signal.SIGTERM
    assert rest.count("repeat the command to resume") == 1
    (folder,) = folders(tmp_path)
    assert json.loads((folder / "status.json").read_text())["state"] == "stopped"
    assert (folder / "last.pt").exists()
    psutil.wait_procs([leader, follower], timeout=60)
    assert not any(p.is_running() for p in (leader, follower))


@pytest.mark.parametrize("whom", mostly_more("parent", "leader", "follower"))
def test_when_one_is_killed_none_stays_behind(started, tmp_path, whom):
    process, leader, follower = started
    {"parent": process, "leader": leader, "follower": follower}[whom].kill()
    rest = process.stderr.read()
    process.wait(100)
    psutil.wait_procs([leader, follower], timeout=60)
    assert not any(p.is_running() for p in (leader, follower))
    (folder,) = folders(tmp_path)
    state = json.loads((folder / "status.json").read_text())
    if whom == "parent":  # they notice, save and leave
        assert state["state"] == "stopped"
    else:
        assert process.returncode == 2
        assert rest.count("error:") == 1
        assert "last checkpoint" in rest
    if whom == "follower":
        assert state["state"] == "failed"
        assert "was lost" in state["error"]


def test_processes_that_would_train_different_runs_refuse(
    recipe_file, arguments, tmp_path, environment, command_line
):
    meeting = {"CCLCC_MEETING": str(tmp_path / "meeting"), "WORLD_SIZE": "2"}
    path = recipe_file("supervised")
    pair = [
        warm.Popen(
            command_line(*arguments(path, *more)), cwd=tmp_path, text=True,
            env={**environment, **meeting, "RANK": rank, "LOCAL_RANK": rank},
            stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
        )
        for rank, more in (("0", ()), ("1", ("--seed", "5")))
    ]
    errors = [process.communicate(timeout=100)[1] for process in pair]
    assert [process.returncode for process in pair] == [2, 2]
    assert "process 1 of 2 failed: this process would train another run than process 0" in errors[0]
    assert errors[1] == ""
