"""One holder at a time, seen from outside; a dead one's folder is taken over."""

import json
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cclcc_cli.errors import RunBusyError
from cclcc_cli.experiments import owner as owners
from cclcc_cli.experiments.owner import SILENCE, OwnedElsewhere, Owner, live_owner, owned
from cclcc_cli.experiments.run_folder import RunFolder

HOLD = """
import sys, time
from pathlib import Path
from cclcc_cli.experiments.run_folder import RunFolder
with RunFolder(Path(sys.argv[1])).locked():
    print("held", flush=True)
    time.sleep(100)
"""


@pytest.fixture
def folder(tmp_path):
    folder = RunFolder(tmp_path / "data-32" / "cell")
    folder.update_status(state="running")
    return folder


@pytest.fixture
def holder(folder):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder.path)], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_another_process_is_named_and_seen_as_running(folder, holder):
    assert folder.standing == "running"
    expected = rf"another process is training .* \(process {holder.pid} on "
    with pytest.raises(RunBusyError, match=expected), folder.locked():
        pass


@pytest.mark.parametrize("fetched", [True, False])
def test_a_killed_holder_leaves_a_folder_that_can_be_taken(folder, holder, fetched):
    os.kill(holder.pid, signal.SIGKILL)
    if fetched:
        holder.wait()
    else:  # dead, but its parent, as an idle one in a container, has not asked for its end
        os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)
    assert folder.standing == "killed"
    with folder.locked():
        assert folder.owner.pid == os.getpid()
    assert folder.owner is None


def test_a_number_used_again_is_not_taken_for_the_former_owner(folder):
    with folder.locked():
        path = folder.path / ".owner.json"
        content = json.loads(path.read_text())
        path.write_text(json.dumps({**content, "born": content["born"] - 100}))
        assert live_owner(folder.path) is None


@pytest.mark.parametrize(("silent", "alive"), [(0, True), (SILENCE + 1, False)])
def test_an_owner_on_another_machine_lives_while_its_heart_beats(folder, silent, alive):
    path = folder.path / ".owner.json"
    path.write_text(json.dumps(vars(Owner("elsewhere", 1, 0.0, "t"))))
    os.utime(path, (time.time() - silent,) * 2)
    assert (folder.owner is not None) == alive
    if alive:
        with pytest.raises(RunBusyError, match="process 1 on elsewhere"), folder.locked():
            pass
    else:
        with folder.locked():
            assert folder.owner.host == platform.node()


def test_the_heart_beats(folder, monkeypatch):
    monkeypatch.setattr(owners, "HEARTBEAT", 0.01)
    path = folder.path / ".owner.json"
    with folder.locked():
        os.utime(path, (0, 0))
        deadline = time.monotonic() + 20
        while path.stat().st_mtime == 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert path.stat().st_mtime > 0


@pytest.mark.parametrize(
    ("state", "standing"),
    [("finished", "done"), ("failed", "failed"), ("stopped", "stopped"), ("running", "killed")],
)
def test_standing_without_an_owner(folder, state, standing):
    folder.update_status(state=state)
    assert folder.standing == standing


def test_nothing_written_is_to_do(tmp_path):
    assert RunFolder(tmp_path / "none").standing == "to do"


def test_of_machines_whose_locks_do_not_reach_each_other_one_alone_gets_it(
    folder, monkeypatch
):
    """As threads that name themselves machines: the kernel's lock is not taken."""
    folder.path.mkdir(parents=True, exist_ok=True)
    hosts, gate = threading.local(), threading.Barrier(8)
    monkeypatch.setattr(owners.platform, "node", lambda: getattr(hosts, "name", "here"))
    path = folder.path / ".owner.json"

    def take(number):
        hosts.name = f"host{number}"
        gate.wait()
        try:
            with owned(folder.path):
                gate.wait()
        except OwnedElsewhere:
            gate.wait()
            return 0
        return 1

    for dead in (None, *(Owner("elsewhere", i, 0.0, "t") for i in range(5))):
        if dead is not None:
            path.write_text(json.dumps(vars(dead)))
            os.utime(path, (time.time() - SILENCE - 1,) * 2)
        with ThreadPoolExecutor(8) as threads:
            assert sum(threads.map(take, range(8))) == 1
        assert [p.name for p in folder.path.glob(".owner*")] == []


def test_a_machine_with_another_clock_is_judged_by_the_file_servers(folder, monkeypatch):
    path = folder.path / ".owner.json"
    path.write_text(json.dumps(vars(Owner("elsewhere", 1, 0.0, "t"))))
    monkeypatch.setattr(owners.time, "time", lambda: 0.0)
    assert folder.owner is not None
    os.utime(path, (path.stat().st_mtime - SILENCE - 1,) * 2)
    assert folder.owner is None
