"""``--launcher`` of ``cclcc ablate`` and ``search``: the same bytes wherever runs run."""

import json
import os
import signal
import subprocess

import pytest

from tests import warm
from tests.waiting import wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def arguments(tiny_data, tmp_path, tiny_recipe):
    def build(launcher, *more, steps=12):
        path = tmp_path / f"{steps}.yaml"
        base = tiny_recipe(budget={"steps": steps}, validation={"every": 4})
        path.write_text(json.dumps({"name": "small", "base": base, "threads": 1,
                                    "variants": {"plain": {"method": "supervised"}},
                                    "axes": {"seed": [0, 1]}}))
        # A relative folder of runs: other machines have another current folder.
        return ("ablate", path, "--data", tiny_data, "--runs", f"runs-{launcher}", "--device",
                "cpu", "--precision", "fp32", "--no-mlflow", "--no-report", "--workers", "2",
                "--launcher",
                launcher, *more)

    return build


@pytest.fixture
def local_results(cclcc, arguments, tmp_path):
    assert cclcc(*arguments("local")).returncode == 0
    return results(tmp_path / "runs-local")


def results(root):
    return {path.parent.name: [(path.parent / name).read_bytes()
                               for name in ("result.json", "best.pt", "test_images.csv")]
            for path in root.glob("*/*/result.json")}


def states(root):
    found = [json.loads(path.read_text()) for path in root.glob("*/*/status.json")]
    return sorted((one["state"], one.get("step", 0) > 0) for one in found)


@pytest.fixture
def search(cclcc, tiny_data, tmp_path, tiny_recipe):
    """Search with a launcher; every trial, without times and places."""
    path = tmp_path / "search.yaml"
    # In twelve steps the net unlearns its lucky first weights: the slower it goes, the better.
    base = tiny_recipe(validation={"every": 4}, optimizer={"lr": 1e-6})
    path.write_text(json.dumps({
        "name": "small", "base": base, "threads": 1, "trials": 4,
        "sampler": {"kind": "tpe", "startup_trials": 3},
        "space": {"optimizer.lr": {"kind": "log", "low": 1e-6, "high": 1e-2}},
        "pruner": {"kind": "median", "startup_trials": 1}}))

    def run(launcher, *more):
        done = cclcc("search", path, "--data", tiny_data, "--runs", f"runs-{launcher}",
                     "--device", "cpu", "--precision", "fp32", "--no-mlflow", "--json",
                     "--launcher", launcher, *more)
        assert done.returncode == 0, done.stderr
        trials = json.loads(done.stdout)["trials"]
        assert len(trials) == 4
        assert {one["state"] for one in trials} == {"complete", "pruned"}
        return [(one["number"], one["setting"], one["value"]) for one in trials], {
            weights.parent.name: weights.read_bytes()
            for weights in tmp_path.glob(f"runs-{launcher}/*/*/best.pt")}

    return run


@pytest.mark.long  # the default tests have it on Slurm, and an ablation on both
def test_a_search_on_dask_finds_the_same(search, dask):
    assert search("dask", "--scheduler", dask.address) == search("local")


@pytest.mark.slurm
def test_a_search_on_slurm_finds_the_same(search, environment, slurm_conf):
    environment["SLURM_CONF"] = str(slurm_conf)
    assert search("slurm") == search("local")


@pytest.mark.more
def test_dask_gives_the_same_bytes(cclcc, arguments, dask, local_results, tmp_path):
    done = cclcc(*arguments("dask", "--scheduler", dask.address))
    assert done.returncode == 0, done.stderr
    assert "2 of 2 runs done (2 now" in done.stdout
    assert results(tmp_path / "runs-dask") == local_results


@pytest.mark.slurm
def test_slurm_gives_the_same_bytes_also_when_the_parent_is_killed(
    cclcc, command_line, environment, arguments, slurm_conf, local_results, tmp_path
):
    root = tmp_path / "runs-slurm"
    parent = warm.Popen(
        command_line(*arguments("slurm")), cwd=tmp_path, stderr=subprocess.DEVNULL,
        env={**environment, "SLURM_CONF": str(slurm_conf)},
    )
    wait_until(lambda: list(root.glob("ablations/small/jobs/*/*_submitted.pkl")))
    parent.kill()  # its jobs are in the queue and need it no more
    parent.wait()
    wait_until(lambda: len(results(root)) == 2)
    environment["SLURM_CONF"] = str(slurm_conf)
    again = cclcc(*arguments("slurm", "--json"))
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["before"] == 2
    assert results(root) == local_results


@pytest.mark.slurm
def test_ctrl_c_has_jobs_save_and_leave(
    command_line, environment, arguments, slurm_conf, tmp_path
):
    environment["SLURM_CONF"] = str(slurm_conf)
    root = tmp_path / "runs-slurm"
    parent = warm.Popen(
        command_line(*arguments("slurm", steps=100_000)), cwd=tmp_path, env=environment,
        stderr=subprocess.PIPE, text=True,
    )
    wait_until(lambda: states(root) == [("running", True)] * 2)
    os.kill(parent.pid, signal.SIGINT)
    _, errors = parent.communicate(timeout=200)
    assert parent.returncode == 128 + signal.SIGINT
    assert "repeat the command to resume" in errors.splitlines()[-1]
    assert states(root) == [("stopped", True)] * 2


@pytest.mark.parametrize(("options", "words"), [
    (("dask", "--scheduler", "tcp://127.0.0.1:1"), "no Dask scheduler answers"),
    (("local", "--gpus", "0"), "--gpus 0: runs compute on cpu here"),
    (("slurm", "--slurm", "array=3"), "array is set by cclcc itself"),
    (("slurm", "--slurm", "gpus-per-node=1"), "--device cpu: the jobs ask for a GPU"),
])
def test_what_cannot_be_is_refused_in_one_line(cclcc, arguments, tmp_path, options, words):
    done = cclcc(*arguments(*options))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert words in done.stderr
    assert not (tmp_path / f"runs-{options[0]}").exists()
