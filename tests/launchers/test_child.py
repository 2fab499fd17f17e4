"""A call in a child: it can be stopped from another thread, be killed, and outlives nobody."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from cclcc_cli.launchers.child import run_in_child, stop_children
from cclcc_cli.launchers.remote import CallFailed, WorkerLost, pack
from tests.calls import be_killed, fail, finish, started, work
from tests.services import ROOT
from tests.waiting import is_alive, wait_until


@pytest.fixture(autouse=True)
def _find_calls(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def test_the_result_comes_back_whatever_was_printed():
    assert run_in_child(pack(print, ("noise",), {}), "a") is None
    assert run_in_child(pack(finish, ("x" * 100_000,), {}), "a").reason == "x" * 100_000


def test_a_child_that_dies_is_a_lost_worker():
    with pytest.raises(WorkerLost, match=r"its process on .* was killed by signal 9"):
        run_in_child(pack(be_killed, (), {}), "b")


def test_an_exception_is_named_and_its_traceback_is_in_the_workers_log(capfd):
    with pytest.raises(CallFailed, match="^ValueError: a bug$"):
        run_in_child(pack(fail, (), {}), "b")
    assert "in fail" in capfd.readouterr().err


def test_its_owner_alone_can_stop_it_from_another_thread(tmp_path):
    with ThreadPoolExecutor(1) as threads:
        future = threads.submit(run_in_child, pack(work, (tmp_path / "book",), {}), "c")
        wait_until(lambda: started(tmp_path / "book"))
        assert stop_children("d") == 0
        assert stop_children("c") == 1
        assert future.result(200).reason == "SIGTERM"
    with pytest.raises(WorkerLost, match="no longer started"):
        run_in_child(pack(finish, ("late",), {}), "c")


PARENT = """
import sys
from pathlib import Path
from cclcc_cli.launchers.child import run_in_child
from cclcc_cli.launchers.remote import pack
from tests.calls import work
run_in_child(pack(work, (Path(sys.argv[1]),), {}), "e")
"""


def test_it_saves_and_leaves_when_its_parent_is_killed(tmp_path):
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path / "book")])
    wait_until(lambda: started(tmp_path / "book"))
    (child,) = started(tmp_path / "book")
    assert child != parent.pid
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    wait_until(lambda: not is_alive(child))
