"""Calls on the workers of a real Dask scheduler, whatever becomes of them."""

import os
import signal

import psutil
import pytest

from cclcc_cli.errors import LauncherError, RunError
from cclcc_cli.launchers.dask_pool import DaskPool, connect, settle_on_workers
from cclcc_cli.launchers.remote import WorkerLost
from cclcc_cli.launchers.threads import available_cores
from cclcc_cli.training.runtime import Runtime
from tests.calls import be_killed, finish, started, work
from tests.waiting import wait_until

pytestmark = pytest.mark.more
PATIENCE = 300


@pytest.fixture
def pool(dask):
    with DaskPool(dask.address) as opened:
        yield opened


def test_calls_run_on_both_workers_and_can_be_stopped(pool, dask, tmp_path):
    assert pool.submit(finish, "a").result(PATIENCE).reason == "a"
    books = [tmp_path / str(i) for i in range(3)]
    futures = [pool.submit(work, book) for book in books]
    wait_until(lambda: sum(map(bool, map(started, books))) == 2)
    parents = {psutil.Process(pid).ppid() for book in books for pid in started(book)}
    assert parents == {worker.pid for worker in dask.workers}
    pool.terminate()
    ends = [future.exception(PATIENCE) or future.result().reason for future in futures]
    assert sorted(map(str, ends)) == ["SIGTERM", "SIGTERM", "it was no longer started"]


def test_a_killed_call_is_a_lost_worker_and_the_dask_worker_lives(pool, dask):
    lost = pool.submit(be_killed).exception(PATIENCE)
    assert isinstance(lost, WorkerLost)
    assert "was killed by signal 9" in str(lost)
    assert [worker.poll() for worker in dask.workers] == [None, None]
    assert pool.submit(finish, "b").result(PATIENCE).reason == "b"


def test_a_killed_dask_workers_call_goes_on_at_the_other(pool, tmp_path):
    future = pool.submit(work, tmp_path / "book")
    wait_until(lambda: started(tmp_path / "book"))
    (child,) = started(tmp_path / "book")
    parent = psutil.Process(child).ppid()
    os.kill(parent, signal.SIGKILL)
    assert future.result(PATIENCE).reason == "at last"
    assert len(started(tmp_path / "book")) == 2
    wait_until(lambda: not psutil.pid_exists(child))


def test_a_scheduler_that_dies_is_told_and_not_waited_for(pool, dask, tmp_path):
    future = pool.submit(work, tmp_path / "book")
    wait_until(lambda: started(tmp_path / "book"))
    dask.scheduler.kill()
    gone = future.exception(PATIENCE)
    assert isinstance(gone, LauncherError)
    assert f"the Dask scheduler at {dask.address} is gone" in str(gone)


def test_what_all_workers_can_do_is_settled_there(dask):
    runtime = settle_on_workers(dask.address, "cpu", "fp32", workers=2, fixed_threads=None)
    assert runtime == Runtime("cpu", "fp32", threads=max(1, available_cores() // 2))
    with pytest.raises(RunError, match="--device cuda: this machine has none"):
        settle_on_workers(dask.address, "cuda", "fp32", workers=2, fixed_threads=None)
    with pytest.raises(RunError, match=r"may get 2 runs of 999 threads each"):
        settle_on_workers(dask.address, "cpu", "fp32", workers=5, fixed_threads=999)


def test_a_folder_that_a_worker_does_not_see_is_named(dask, tmp_path):
    with pytest.raises(LauncherError, match=r"does not see .*/nowhere: data and runs must be"):
        DaskPool(dask.address, shared=(tmp_path, tmp_path / "nowhere"))


def test_nobody_there_and_no_workers_are_told_in_one_line(dask, monkeypatch):
    monkeypatch.setattr("cclcc_cli.launchers.dask_pool.CONNECT_SECONDS", 1)
    for worker in dask.workers:
        worker.send_signal(signal.SIGTERM)
        worker.wait()
    with pytest.raises(LauncherError, match="it has no workers; start some with: dask worker tcp"):
        connect(dask.address)
    dask.scheduler.kill()
    with pytest.raises(LauncherError, match="no Dask scheduler answers") as error:
        connect(dask.address)
    assert "\n" not in str(error.value)
