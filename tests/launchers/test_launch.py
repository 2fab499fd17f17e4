"""What machines that are not asked, or not there, can be trusted to compute."""

import os

import pytest

from cclcc_cli.config.launch import LocalLaunch, SlurmLaunch
from cclcc_cli.errors import LauncherError, RunError
from cclcc_cli.launchers import launch as module
from cclcc_cli.launchers.launch import open_launcher, settle_runtime
from cclcc_cli.training.runtime import Runtime


def settle(launch, device="auto", precision="fp32", workers=2, fixed=None):
    return settle_runtime(launch, device, precision, workers=workers, fixed_threads=fixed)


def test_a_local_launcher_shares_this_machine(tmp_path, monkeypatch):
    monkeypatch.setattr(
        module, "choose_threads", lambda fixed, workers: 10 * workers + (fixed or 0)
    )
    assert settle(LocalLaunch(), "cpu", fixed=3) == Runtime("cpu", "fp32", threads=23)
    opened = open_launcher(LocalLaunch(), workers=1, threads=1, name="n", folder=tmp_path / "none")
    with opened as launcher:
        assert launcher.executor.submit(os.getpid).result() != os.getpid()
        launcher.terminate()
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("device", ["cpu", "auto"])
def test_gpus_need_runs_that_compute_on_them(device, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(RunError, match=r"--gpus 0,1: runs compute on \w+ here; leave it out"):
        settle(LocalLaunch((0, 1)), device)


def test_gpus_that_are_not_there_are_named(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert settle(LocalLaunch((1, 0)), "cuda").device == "cuda"
    with pytest.raises(RunError, match=r"--gpus 0,2,5: no GPU 2, 5 here; there are 2, numbered"):
        settle(LocalLaunch((0, 2, 5)), "cuda")


def test_a_job_has_as_many_threads_as_cores(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)  # of the login node: not theirs
    assert settle(SlurmLaunch()) == Runtime("cpu", "fp32", threads=1)
    assert settle(SlurmLaunch({"cpus-per-task": "6"})).threads == 6
    assert settle(SlurmLaunch({"cpus-per-task": "6"}), fixed=2).threads == 2
    assert settle(SlurmLaunch(), fixed=4).threads == 4
    with pytest.raises(RunError, match="cpus-per-task=2: each run of this plan has 4 threads"):
        settle(SlurmLaunch({"cpus-per-task": "2"}), fixed=4)


def test_jobs_compute_on_a_gpu_where_they_ask_for_one():
    gpu = SlurmLaunch({"gpus-per-node": "1"})
    assert settle(gpu, precision="bf16") == Runtime("cuda", "bf16", threads=1)
    for launch, device, precision, words in [
        (gpu, "cpu", "fp32", "leave that --slurm option out"),
        (gpu, "auto", "auto", "cannot see the GPUs of the jobs; give bf16"),
        (SlurmLaunch(), "cuda", "fp32", "the jobs ask for no GPU; give --slurm gpus-per-node=1"),
    ]:
        with pytest.raises(RunError, match=words):
            settle(launch, device, precision)


@pytest.mark.parametrize(("package", "extra"), [("submitit", "slurm"), ("distributed", "dask")])
def test_a_missing_extra_is_named(monkeypatch, package, extra):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(LauncherError, match=rf"needs the package {package}: pip install 'cclcc\["):
        module._need(package, extra)
