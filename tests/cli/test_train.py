"""``cclcc train`` as a user types it; killed at random, it ends as if it never was."""

import json
import random
import signal
import subprocess
import time

import pytest
import torch

from tests import warm


@pytest.fixture
def train(cclcc, tiny_data):
    def run(path, *arguments, runs="runs"):
        return cclcc("train", path, "--data", tiny_data, "--runs", runs, "--no-mlflow", *arguments)

    return run


def only_folder(root):
    (run,) = root.glob("*/*/cell.json")
    return run.parent


def computed(folder):
    """Every byte that training computed: weights, optimiser, random states, tables."""
    last = torch.load(folder / "last.pt", weights_only=True)
    last["progress"]["seconds"] = 0
    tensors = []

    def collect(value):
        if isinstance(value, torch.Tensor):
            tensors.append(value.numpy().tobytes())
        elif isinstance(value, dict):
            for key in value:
                tensors.append(key)
                collect(value[key])
        elif isinstance(value, (list, tuple)):
            for part in value:
                collect(part)
        else:
            tensors.append(value)

    collect(last)
    names = ["best.pt", "test_images.csv", "val_images.csv", "result.json"]
    return [tensors, *((folder / name).read_bytes() for name in names)]


def test_prints_the_result_and_where_it_is(train, recipe_file, tmp_path):
    done = train(recipe_file("supervised"))
    assert done.returncode == 0, done.stderr
    folder = only_folder(tmp_path / "runs")
    assert f"run folder: {folder.relative_to(tmp_path)}" in done.stdout
    assert "Dice %" in done.stdout
    assert "step 12/12 | loss" in done.stderr
    assert "left" in done.stderr


def test_json_and_quiet_suit_a_script(train, recipe_file, tmp_path):
    done = train(recipe_file("supervised"), "--json", "--quiet")
    assert done.stderr == ""
    result = json.loads(done.stdout)
    assert result["test"] == json.loads((only_folder(tmp_path / "runs") / "result.json")
                                        .read_text())["test"]


def test_a_finished_run_is_not_trained_again(train, recipe_file):
    path = recipe_file("supervised")
    first, second = train(path, "--json"), train(path, "--json")
    assert first.stdout == second.stdout
    assert "finished before, nothing was run" in second.stderr


def test_seed_is_a_change_of_the_recipe(train, recipe_file, tmp_path):
    path = recipe_file("supervised")
    train(path, "--seed", "3")
    train(path, "--set", "seed=3")
    assert json.loads((only_folder(tmp_path / "runs") / "cell.json").read_text())["recipe"][
        "seed"] == 3


@pytest.mark.slow
@pytest.mark.parametrize("method", ["supervised", pytest.param("clcc", marks=pytest.mark.more)])
def test_killed_at_random_steps_it_ends_with_the_same_bytes(
    train, command_line, recipe_file, tmp_path, tiny_data, environment, method
):
    path = recipe_file(method, budget={"steps": 40}, validation={"every": 5}, ema_decay=0.9)
    assert train(path, runs="whole").returncode == 0
    whole = computed(only_folder(tmp_path / "whole"))
    steps = sorted(random.Random(method).sample(range(3, 25), 3))
    command = command_line("train", path, "--data", tiny_data, "--runs", "runs", "--no-mlflow")
    killed = [kill_after(step, command, tmp_path, environment) for step in steps]
    assert sum(killed) >= 2
    done = train(path)
    assert done.returncode == 0, done.stderr
    folder = only_folder(tmp_path / "runs")
    assert computed(folder) == whole
    records = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [r["step"] for r in records] == list(range(5, 41, 5))


def kill_after(step, command, root, environment):
    """Start training and kill -9 it about when it is past a step: between two records.

    Returns whether it was killed, not done before.
    """
    process = warm.Popen(
        command, cwd=root, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline and process.poll() is None:
        log = [p for p in root.glob("runs/*/*/metrics.jsonl") if p.exists()]
        done = max((json.loads(line)["step"] for p in log
                    for line in p.read_text().splitlines() if line.endswith("}")), default=0)
        if done >= step - step % 5:
            time.sleep(0.01 * (step % 5))
            process.kill()
        time.sleep(0.005)
    process.kill()
    return process.wait() == -signal.SIGKILL


@pytest.mark.slow
def test_a_signal_saves_and_says_how_to_go_on(
    recipe_file, tmp_path, tiny_data, environment, command_line
):
    path = recipe_file("supervised", budget={"steps": 5000}, validation={"every": 5000})
    process = subprocess.Popen(
        command_line("train", path, "--data", tiny_data, "--runs", "runs", "--no-mlflow"),
        cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True,
    )
    for line in process.stderr:
        if "5000 steps" in line:
            break
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    _, rest = process.communicate(timeout=100)
    assert process.returncode == 128 + signal.SIGTERM
    assert "repeat the command to resume" in rest
    folder = only_folder(tmp_path / "runs")
    assert json.loads((folder / "status.json").read_text())["state"] == "stopped"
    assert (folder / "last.pt").exists()
