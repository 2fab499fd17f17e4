"""One holder at a time, seen from outside; a dead one's folder is taken over."""

import errno
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import psutil
import pytest

from cclcc_cli.errors import RunBusyError
from cclcc_cli.runs import holder as holders
from cclcc_cli.runs import lease as leases
from cclcc_cli.runs.folder import RunFolder
from cclcc_cli.runs.holder import Holder
from cclcc_cli.runs.lease import SILENCE, HeldElsewhere, held, live_holder
from cclcc_cli.runs.records import ValidationRecord

HOLD = """
import sys, time
from pathlib import Path
from cclcc_cli.runs.folder import RunFolder
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
    assert folder.state == "running"
    expected = rf"another process is training .* \(process {holder.pid} on "
    with pytest.raises(RunBusyError, match=expected), folder.locked():
        pass


@pytest.mark.parametrize("fetched", [True, False])
def test_a_killed_holder_leaves_a_folder_that_can_be_taken(folder, holder, fetched):
    os.kill(holder.pid, signal.SIGKILL)
    if fetched:
        holder.wait()
    else:  # dead, but not reaped by its parent
        os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)
    assert folder.state == "killed"
    with folder.locked():
        assert folder.holder.pid == os.getpid()
    assert folder.holder is None


def test_a_reused_process_id_is_not_mistaken_for_the_holder(folder):
    with folder.locked():
        path = folder.path / ".owner.json"
        content = json.loads(path.read_text())
        path.write_text(json.dumps({**content, "born": content["born"] - 100}))
        assert live_holder(folder.path) is None


def held_elsewhere(folder, silent, host="elsewhere"):
    """The name of a holder on another machine, whose last heartbeat was so many seconds ago."""
    path = folder.path / ".owner.json"
    path.write_text(json.dumps(vars(Holder(host, 1, 0.0, "t", "another kernel"))))
    os.utime(path, (time.time() - silent,) * 2)
    return path


@pytest.fixture
def fast_heartbeats(monkeypatch):
    monkeypatch.setattr(leases, "HEARTBEAT", 0.2)


@pytest.mark.parametrize(
    ("silent", "alive"),
    [(0, True), (SILENCE + 1, False), (SILENCE - 5, True), (-SILENCE - 1, False)],
    ids=["beats", "silent", "late", "in the future, since a clock was set back"],
)
@pytest.mark.usefixtures("fast_heartbeats")
def test_a_holder_on_another_machine_is_alive_while_its_heart_beats(folder, silent, alive):
    held_elsewhere(folder, silent)
    assert (folder.holder is not None) == alive
    if alive:
        with pytest.raises(RunBusyError, match="process 1 on elsewhere"), folder.locked():
            pass
    else:
        with folder.locked():
            assert folder.holder.host == platform.node()


@pytest.mark.parametrize("apart", [-3600, 3600])
@pytest.mark.usefixtures("fast_heartbeats")
def test_clocks_an_hour_apart_take_no_folder_from_a_live_holder(folder, apart):
    path, over = held_elsewhere(folder, -apart), threading.Event()

    def beat():
        moment = time.time() + apart
        while not over.wait(0.05):
            moment += 0.05
            os.utime(path, (moment, moment))

    heart = threading.Thread(target=beat)
    heart.start()
    try:
        with pytest.raises(RunBusyError, match="process 1 on elsewhere"), folder.locked():
            pass
    finally:
        over.set()
        heart.join()


def test_another_machine_of_the_same_name_is_not_this_one(folder):
    held_elsewhere(folder, 0, host=platform.node())
    assert folder.state == "running"  # its process 1 is not ours
    with pytest.raises(RunBusyError), folder.locked():
        pass


def test_setting_the_clock_does_not_kill_the_holder(folder, holder, monkeypatch):
    assert folder.holder.pid == holder.pid
    monkeypatch.setattr(psutil, "boot_time", lambda: 0.0)
    monkeypatch.setattr(psutil._psplatform, "boot_time", lambda: 0.0)  # as a clock an hour off
    assert psutil.Process(holder.pid).create_time() < 1e9
    assert folder.holder.pid == holder.pid


def test_who_slept_while_the_folder_was_taken_writes_no_more(folder):
    with folder.locked():
        folder.check_held()
        path = held_elsewhere(folder, 0)
        with pytest.raises(RunBusyError, match="process 1 on elsewhere"):
            folder.check_held()
    assert json.loads(path.read_text())["host"] == "elsewhere"  # and lets go of nothing


@pytest.fixture
def sleeper(folder, monkeypatch):
    """A process that holds the folder on a machine whose lock reaches nobody; it sleeps now."""
    monkeypatch.setattr(holders, "_machine", lambda: "another")
    monkeypatch.setattr(leases, "heartbeat", lambda *_: nullcontext())
    slept = RunFolder(folder.path)
    lease = held(folder.path)
    slept._lease = lease.__enter__()
    slept.update_status(state="running")
    monkeypatch.undo()
    monkeypatch.setattr(leases, "HEARTBEAT", 0.2)
    os.utime(folder.path / ".owner.json", (time.time() - SILENCE - 1,) * 2)
    yield slept
    lease.__exit__(None, None, None)


LATE = (
    lambda folder: folder.update_status(state="stopped"),
    lambda folder: folder.write_last_checkpoint(b"late"),
    lambda folder: folder.append_record(ValidationRecord(step=9)),
    lambda folder: folder.append_log("late"),
)


@pytest.mark.parametrize("write", LATE)
def test_no_file_of_a_sleeper_replaces_the_next_holders(folder, sleeper, write):
    with folder.locked():
        folder.update_status(state="finished")
    before = {path.name: path.read_bytes() for path in folder.path.iterdir()}
    with pytest.raises(RunBusyError):
        write(sleeper)
    assert {path.name: path.read_bytes() for path in folder.path.iterdir()} == before


@pytest.mark.parametrize("write", LATE[:3])
def test_nor_where_it_fell_asleep_between_its_look_and_its_write(
    folder, sleeper, write, monkeypatch
):
    with folder.locked():
        folder.update_status(state="finished")
    before = {path.name: path.read_bytes() for path in folder.path.iterdir()}
    look, first = sleeper.check_held, iter([True])
    monkeypatch.setattr(sleeper, "check_held", lambda: next(first, False) or look())
    with pytest.raises(RunBusyError):
        write(sleeper)
    assert {path.name: path.read_bytes() for path in folder.path.iterdir()} == before


def test_a_removed_folder_does_not_come_back(folder, sleeper):
    shutil.rmtree(folder.path)
    with pytest.raises(RunBusyError, match="was removed meanwhile"):
        sleeper.update_status(state="stopped")
    assert not folder.path.exists()


def test_what_a_killed_writer_left_is_removed_and_what_is_being_written_is_not(folder):
    old, new = folder.path / ".last.pt.a.tmp", folder.path / ".best.pt.b.tmp"
    for left in (old, new):
        left.write_bytes(b"half")
    os.utime(old, (0, 0))
    with folder.locked():
        assert not old.exists()
        assert new.exists()


def test_the_heart_beats(folder, monkeypatch):
    monkeypatch.setattr(leases, "HEARTBEAT", 0.01)
    path = folder.path / ".owner.json"
    with folder.locked():
        os.utime(path, (0, 0))
        deadline = time.monotonic() + 20
        while path.stat().st_mtime == 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert path.stat().st_mtime > 0


def test_the_heart_goes_on_after_a_disk_that_was_away(folder, monkeypatch):
    monkeypatch.setattr(leases, "HEARTBEAT", 0.01)
    path, away = folder.path / ".owner.json", threading.Event()
    real = os.utime

    def refuse(*_):
        away.set()
        raise OSError(errno.ESTALE, "Stale file handle")

    with folder.locked():
        monkeypatch.setattr(leases.os, "utime", refuse)
        assert away.wait(20)
        monkeypatch.setattr(leases.os, "utime", real)
        real(path, (0, 0))
        deadline = time.monotonic() + 20
        while path.stat().st_mtime == 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert path.stat().st_mtime > 0


@pytest.mark.parametrize(
    ("recorded", "state"),
    [("finished", "done"), ("failed", "failed"), ("stopped", "stopped"), ("running", "killed")],
)
def test_state_without_a_holder(folder, recorded, state):
    folder.update_status(state=recorded)
    assert folder.state == state


def test_nothing_written_is_to_do(tmp_path):
    assert RunFolder(tmp_path / "none").state == "to do"


def test_of_machines_whose_locks_do_not_reach_each_other_one_alone_gets_it(
    folder, monkeypatch
):
    """Threads that pretend to be machines: the kernel's lock is not taken."""
    folder.path.mkdir(parents=True, exist_ok=True)
    hosts, gate = threading.local(), threading.Barrier(8)
    monkeypatch.setattr(holders, "_machine", lambda: getattr(hosts, "name", "here"))
    path = folder.path / ".owner.json"

    def take(number):
        hosts.name = f"host{number}"
        gate.wait()
        try:
            with held(folder.path):
                gate.wait()
        except HeldElsewhere:
            gate.wait()
            return 0
        return 1

    for dead in (None, *(Holder("elsewhere", i, 0.0, "t") for i in range(5))):
        if dead is not None:
            path.write_text(json.dumps(vars(dead)))
            os.utime(path, (time.time() - SILENCE - 1,) * 2)
        with ThreadPoolExecutor(8) as threads:
            assert sum(threads.map(take, range(8))) == 1
        assert [p.name for p in folder.path.glob(".owner*")] == []


def test_a_machine_with_another_clock_is_judged_by_the_file_servers(folder, monkeypatch):
    path = folder.path / ".owner.json"
    path.write_text(json.dumps(vars(Holder("elsewhere", 1, 0.0, "t"))))
    monkeypatch.setattr(leases.time, "time", lambda: 0.0)
    assert folder.holder is not None
    os.utime(path, (path.stat().st_mtime - SILENCE - 1,) * 2)
    assert folder.holder is None
