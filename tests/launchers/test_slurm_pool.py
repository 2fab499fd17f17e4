"""Calls as jobs of a real Slurm, whatever Slurm does to them."""

import subprocess
from concurrent.futures import wait

import pytest

from cclcc_cli.errors import LauncherError
from cclcc_cli.launchers.remote import CallFailed, WorkerLost
from cclcc_cli.launchers.slurm_pool import SlurmPool
from tests.calls import be_killed, fail, finish, started, work
from tests.services import ROOT
from tests.waiting import wait_until

pytestmark = [pytest.mark.slurm, pytest.mark.slow]
PATIENCE = 300


@pytest.fixture
def pool(slurm_conf, monkeypatch, tmp_path):
    monkeypatch.setenv("SLURM_CONF", str(slurm_conf))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    opened = []

    def open_pool(cpus=1, options=None):
        opened.append(SlurmPool(tmp_path / "jobs", "test", cpus, options or {}, look_every=0.2,
                                settle=1))
        return opened[-1]

    yield open_pool
    for one in opened:
        names = [job.name for job in one._jobs]
        if names:
            slurm("scancel", *names)
        one.shutdown()


def slurm(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def queue():
    """State by number, of jobs that are not over."""
    lines = slurm("squeue", "--noheader", "--array", "--format=%i %T").splitlines()
    return dict(line.split() for line in lines)


def test_what_waits_together_is_one_array_and_leaves_nothing_behind(pool, tmp_path):
    opened = pool()
    futures = [opened.submit(finish, word) for word in "abc"]
    assert [future.result(PATIENCE).reason for future in futures] == ["a", "b", "c"]
    listed = slurm("squeue", "--noheader", "--array", "--states=all", "--format=%i %j")
    arrays = {line.split("_")[0] for line in listed.splitlines() if line.endswith("cclcc-test")}
    assert len(arrays) == 1
    opened.shutdown()
    assert list((tmp_path / "jobs").iterdir()) == []


@pytest.mark.parametrize("how", ["the time limit's warning", "a more urgent job"])
def test_a_job_that_is_pushed_out_saves_queues_again_and_ends_well(pool, tmp_path, how):
    future = pool().submit(work, tmp_path / "book")
    wait_until(lambda: started(tmp_path / "book"))
    (name,) = queue()
    if how == "a more urgent job":
        slurm("sbatch", "--partition=urgent", "--cpus-per-task=4", "--output=/dev/null",
              "--wrap=true")
    else:
        slurm("scancel", "--signal=USR2", name)
    wait_until(lambda: queue().get(name) == "PENDING")
    assert not future.done()
    slurm("scontrol", "update", f"JobId={name}", "StartTime=now")  # Slurm itself waits two minutes
    assert future.result(PATIENCE).reason == "at last"
    assert len(started(tmp_path / "book")) == 2


def test_a_cancelled_job_is_a_lost_worker_whose_log_is_named(pool, tmp_path):
    future = pool().submit(work, tmp_path / "book")
    wait_until(lambda: started(tmp_path / "book"))
    (name,) = queue()
    slurm("scancel", name)
    lost = future.exception(PATIENCE)
    assert isinstance(lost, WorkerLost)
    assert lost.blame
    assert f"its Slurm job {name} ended without a result (cancelled); log {tmp_path}" in str(lost)


def test_a_killed_process_and_a_bug_are_told_with_the_end_of_the_log(pool):
    opened = pool()
    killed, bug = (opened.submit(function).exception(PATIENCE) for function in (be_killed, fail))
    assert isinstance(killed, WorkerLost)
    assert "(failed); log" in str(killed)
    assert "Killed" in str(killed)
    assert isinstance(bug, CallFailed)
    assert str(bug).startswith("ValueError: a bug (log ")


def test_stopping_saves_what_runs_and_cancels_what_waits(pool, tmp_path):
    opened = pool(cpus=3)  # of four: the second must wait
    first = opened.submit(work, tmp_path / "book")
    wait_until(lambda: started(tmp_path / "book"))
    second = opened.submit(work, tmp_path / "other")
    wait_until(lambda: sorted(queue().values()) == ["PENDING", "RUNNING"])
    opened.terminate()
    wait([first, second], PATIENCE)
    assert (first.result().ending, first.result().reason) == ("stopped", "SIGINT")
    assert isinstance(second.exception(), WorkerLost)
    assert not (tmp_path / "other").exists()
    wait_until(lambda: not queue())


def test_a_job_that_starts_after_the_stop_leaves_at_once(pool, tmp_path):
    opened = pool()
    (opened.folder / "stop").touch()
    assert opened.submit(work, tmp_path / "book").result(PATIENCE).ending == "stopped"


@pytest.mark.parametrize(("options", "words"), [
    ({"partition": "none"}, "invalid partition specified: none"),
    ({"foo": "1"}, "unrecognized option '--foo=1'"),
    ({"gpus-per-node": "1"}, "--gpus-per-node|Requested node configuration|Invalid generic"),
])
def test_options_that_slurm_refuses_are_told_before_anything_starts(pool, tmp_path, options, words):
    with pytest.raises(LauncherError, match=f"Slurm refuses the jobs: .*{words}"):
        pool(options=options)
    assert not (tmp_path / "jobs").exists()


def test_without_slurm_it_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LauncherError, match="sbatch and srun are not on this machine"):
        SlurmPool(tmp_path / "jobs", "test", 1, {})
