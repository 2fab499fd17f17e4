"""A disk that fills up: one line says so, and with room made the same command ends the same.

The disk is a real one, a tmpfs of few kilobytes, for which a mount must be allowed.
"""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient

from cclcc_cli.data.store import load_store, store_path
from tests import warm

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")


class Disk:
    """A tmpfs at ``path`` whose size can be changed while it is in use."""

    def __init__(self, path):
        self.path = path
        path.mkdir()

    def mount(self, kilobytes):
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", self.path],
            capture_output=True, text=True, check=False,
        )
        if done.returncode:
            pytest.skip(f"no tmpfs can be mounted here: {done.stderr.strip()}")

    def remount(self, options):
        subprocess.run(["mount", "-o", f"remount,{options}", self.path], check=True)


@pytest.fixture
def disk(tmp_path):
    made = Disk(tmp_path / "disk")
    yield made
    subprocess.run(["umount", "--lazy", made.path], check=False, capture_output=True)


def outcome(root):
    """What was computed, by folder, without times."""
    return {
        path.parent.name: [(path.parent / name).read_bytes() for name in
                           ("result.json", "best.pt", "test_images.csv", "val_images.csv")]
        for path in root.glob("*/*/result.json")
    }


def refused(done, place, code=2, words="the disk is full (No space left on device)"):
    """The command ended with one line, which says where and what to do."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("error:"))
    assert done.stderr.splitlines()[-1] == line
    assert str(place) in line
    assert words in line
    return line


def unfinished(root):
    return {path.name for path in root.glob("*/*/.*.tmp")}


@pytest.mark.parametrize(
    "kilobytes",
    # Nothing fits; the identity; the best checkpoint; the last one, but not beside its successor.
    [pytest.param(4, marks=pytest.mark.slow), pytest.param(60, marks=pytest.mark.long),
     pytest.param(200, marks=pytest.mark.slow), 600],
)
def test_a_training_goes_on_once_there_is_room(
    cclcc, recipe_file, tiny_data, disk, tmp_path, kilobytes
):
    def train(runs):
        return cclcc("train", recipe_file(), "--data", tiny_data, "--runs", runs, "--device",
                     "cpu", "--precision", "fp32", "--no-mlflow", "--quiet")

    disk.mount(kilobytes)
    runs = disk.path / "runs"
    assert "the same command goes on" in refused(train(runs), runs)
    assert not unfinished(runs)
    disk.remount("size=8m")
    assert train(runs).returncode == 0
    assert train(tmp_path / "whole").returncode == 0
    whole = outcome(tmp_path / "whole")
    assert len(whole) == 1
    assert outcome(runs) == whole


@pytest.fixture
def ablation(cclcc, tiny_data, tiny_recipe, tmp_path):
    path = tmp_path / "abl.yaml"
    path.write_text(json.dumps({
        "name": "abl", "base": tiny_recipe(), "threads": 1,
        "variants": {"clcc": {}, "plain": {"method": "supervised"}}, "axes": {"seed": [0, 1]}}))
    return lambda runs, *more: cclcc(
        "ablate", path, "--data", tiny_data, "--runs", runs, "--device", "cpu", "--precision",
        "fp32", "--no-report", "--workers", "2", *more)


@pytest.mark.parametrize(
    "kilobytes", [pytest.param(16, marks=pytest.mark.long), 1000,
                  pytest.param(1600, marks=pytest.mark.long)]
)
def test_an_ablation_stops_at_once_and_goes_on_with_the_same_command(
    ablation, cclcc, disk, tmp_path, kilobytes
):
    disk.mount(kilobytes)
    runs = disk.path / "runs"
    refused(ablation(runs, "--no-mlflow"), runs)
    assert not unfinished(runs)
    if runs.exists():
        states = [one["state"] for one in json.loads(cclcc("ls", "--runs", runs, "--json").stdout)]
        assert not {"failed", "damaged", "running"} & set(states), states
    disk.remount("size=16m")
    done = ablation(runs, "--no-mlflow")
    assert done.returncode == 0, done.stderr
    assert "4 of 4 runs done" in done.stdout
    assert ablation(tmp_path / "whole", "--no-mlflow").returncode == 0
    whole = outcome(tmp_path / "whole")
    assert len(whole) == 4
    assert outcome(runs) == whole


@pytest.mark.slow
@pytest.mark.parametrize("room", [pytest.param(300, marks=pytest.mark.long), 1100])
def test_mlflows_store_on_the_same_disk_is_whole_again_afterwards(
    ablation, cclcc, disk, make_database, monkeypatch, room
):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    disk.mount(64_000)
    runs, ballast = disk.path / "runs", disk.path / "ballast"
    make_database(runs / "mlflow.db")
    free = os.statvfs(disk.path).f_bavail * os.statvfs(disk.path).f_frsize
    ballast.write_bytes(bytes(free - room * 1024))
    refused(ablation(runs), runs)
    ballast.unlink()
    done = ablation(runs)
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr
    assert cclcc("sync", "--runs", runs).returncode == 0
    assert cclcc("sync", "--runs", runs).stdout.startswith("0 of 4 runs changed")
    client = MlflowClient(f"sqlite:///{runs / 'mlflow.db'}")
    (experiment,) = (e for e in client.search_experiments() if e.name == "cclcc/synthetic")
    found = client.search_runs([experiment.experiment_id])
    assert [run.info.status for run in found] == ["FINISHED"] * 5
    scores = sorted(run.data.metrics["test/dice"] for run in found if "test/dice" in
                    run.data.metrics)
    assert scores == sorted(json.loads(path.read_text())["test"]["working"]["dice"]
                            for path in runs.glob("*/*/result.json"))


def test_a_disk_that_cannot_be_written_at_all_is_named(ablation, cclcc, recipe_file, tiny_data,
                                                       disk):
    disk.mount(64)
    disk.remount("ro")
    runs = disk.path / "runs"
    refused(ablation(runs, "--no-mlflow"), runs, words="cannot be written (Read-only file system")
    train = cclcc("train", recipe_file(), "--data", tiny_data, "--runs", runs, "--device", "cpu",
                  "--precision", "fp32", "--no-mlflow", "--quiet")
    refused(train, runs, words="cannot be written (Read-only file system")


def test_preparing_leaves_no_trace_of_itself_on_a_disk_that_fills_up(
    disk, command_line, environment, tmp_path
):
    disk.mount(64_000)
    data = disk.path / "data"
    command = command_line("prepare", "synthetic", "--count", 150, "--size", 96, "--data", data)
    with (tmp_path / "errors").open("w") as errors:
        process = warm.Popen(command, cwd=tmp_path, env=environment, stderr=errors,
                                   stdout=subprocess.DEVNULL)
        try:
            while not any(path.stat().st_size > 200_000 for path in data.rglob("images.npy")):
                assert process.poll() is None
                time.sleep(0.002)
            process.send_signal(signal.SIGSTOP)
            space = os.statvfs(disk.path)
            ballast = bytes(space.f_bavail * space.f_frsize - 100 * 1024)
            (disk.path / "ballast").write_bytes(ballast)
            process.send_signal(signal.SIGCONT)
            assert process.wait(timeout=200) == 2
        finally:
            process.kill()
            process.wait()
    lines = Path(tmp_path / "errors").read_text().splitlines()
    assert "cannot be written (No space left on device)" in lines[-1]
    assert not [path for path in disk.path.rglob("*") if path.is_file()
                and path.name != "ballast"]
    (disk.path / "ballast").unlink()
    assert warm.run(command, cwd=tmp_path, env=environment, check=False,
                    capture_output=True).returncode == 0
    elsewhere = [*command[:-1], str(tmp_path / "elsewhere")]
    assert warm.run(elsewhere, cwd=tmp_path, env=environment, check=False,
                    capture_output=True).returncode == 0
    stores = [load_store(store_path(root, "synthetic", 96))
              for root in (data, tmp_path / "elsewhere")]
    assert stores[0].info == stores[1].info
    assert (stores[0].images == stores[1].images).all()
