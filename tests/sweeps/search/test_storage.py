"""Where trials are kept: a journal that survives a kill at any byte, and clear addresses."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import optuna
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cclcc_cli.errors import DiskFullError, RunError, StorageError
from cclcc_cli.sweeps.search.storage import (
    open_storage,
    storage_address,
    storage_errors,
)
from tests import warm

WRITE = """
import sys, optuna
from pathlib import Path
from cclcc_cli.sweeps.search.storage import open_storage
storage = open_storage(sys.argv[1])
study = optuna.load_study(study_name="s", storage=storage)
print("ready", flush=True)
for number in range(int(sys.argv[2])):
    study.set_user_attr(f"{sys.argv[3]}{number}", number)
"""


@pytest.fixture
def journal(tmp_path):
    path = tmp_path / "journal.log"
    study = optuna.create_study(storage=open_storage(str(path)), study_name="s")
    for number in range(3):
        study.set_user_attr(f"a{number}", number)
    return path


def attrs(path):
    return optuna.load_study(study_name="s", storage=open_storage(str(path))).user_attrs


def torn(path):
    return sorted(p.name for p in path.parent.glob("journal.log.torn-*"))


def test_a_whole_journal_is_left_alone(journal):
    before, said = journal.read_bytes(), []
    open_storage(str(journal), said.append)
    assert (journal.read_bytes(), said, torn(journal)) == (before, [], [])


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture],
          max_examples=25)
@given(cut=st.integers(1, 60))
def test_truncated_at_any_byte_it_is_repaired_and_a_copy_kept(journal, tmp_path_factory, cut):
    folder = tmp_path_factory.mktemp("cut")
    path, said = folder / "journal.log", []
    content = journal.read_bytes()
    record = content.rstrip(b"\n").rpartition(b"\n")[2]
    cut = min(cut, len(record))
    path.write_bytes(content[:-cut])
    damaged = path.read_bytes()
    study = optuna.load_study(study_name="s", storage=open_storage(str(path), said.append))
    assert len(study.user_attrs) == 2
    study.set_user_attr("b", 1)
    assert attrs(path) == {"a0": 0, "a1": 1, "b": 1}
    if damaged.endswith(b"\n"):
        assert (said, torn(path)) == ([], [])
    else:
        (line,) = said
        assert "its last record was truncated" in line
        assert (folder / "journal.log.torn-1").read_bytes() == damaged


def test_reading_changes_nothing_and_the_next_writer_repairs(journal):
    with journal.open("ab") as file:
        file.write(b'{"op_code":2,"wor')
    before = journal.read_bytes()
    storage = open_storage(str(journal))
    assert len(optuna.load_study(study_name="s", storage=storage).user_attrs) == 3
    assert journal.read_bytes() == before
    storage.set_study_user_attr(0, "b", 1)
    assert len(attrs(journal)) == 4
    assert torn(journal) == ["journal.log.torn-1"]


def test_damage_in_the_middle_is_reported_in_a_line(journal):
    lines = journal.read_bytes().split(b"\n")
    journal.write_bytes(b"\n".join([*lines[:2], b"{nonsense", *lines[2:]]))
    with pytest.raises(RunError, match="the journal cannot be read .*--fresh"):
        open_storage(str(journal))


def test_writers_killed_while_they_write_spoil_nothing(journal):
    def start(name):
        process = warm.Popen(
            [sys.executable, "-c", WRITE, str(journal), "100000", name],
            stdout=subprocess.PIPE, text=True,
        )
        assert process.stdout.readline() == "ready\n"
        return process

    for round_ in range(2):
        both = [start(f"{round_}{name}") for name in "xy"]
        deadline = time.monotonic() + 60
        while not all(f'"{round_}{name}9"' in journal.read_text() for name in "xy"):
            assert time.monotonic() < deadline
        for process in both:
            process.send_signal(signal.SIGKILL)
            process.communicate()
    open_storage(str(journal), print).set_study_user_attr(0, "last", 1)  # no lock is left behind
    found = attrs(journal)
    assert found["last"] == 1
    for name in ("0x", "0y", "1x", "1y"):
        own = [key for key in found if key.startswith(name)]
        assert own == [f"{name}{number}" for number in range(len(own))]
        assert own
    for line in journal.read_text().splitlines():
        json.loads(line)


def test_addresses(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert storage_address(None, Path("runs"), "s") == f"{tmp_path}/runs/searches/s/journal.log"
    assert storage_address("sqlite:///a.db", Path("runs"), "s") == f"sqlite:///{tmp_path}/a.db"
    for given_ in ("postgresql://u:p@h/d", "postgres://u:p@h/d", "postgresql+psycopg://u:p@h/d"):
        assert storage_address(given_, Path("runs"), "s") == "postgresql+psycopg://u:p@h/d"
    for bad in ("redis://h", "runs/a.db", "http://h"):
        with pytest.raises(RunError, match="unknown kind; give postgresql://USER@HOST"):
            storage_address(bad, Path("runs"), "s")


def test_a_server_that_is_down_is_one_line_without_the_password():
    address = "postgresql+psycopg://u:secret@127.0.0.1:1/d"
    with pytest.raises(StorageError) as caught:
        open_storage(address)
    assert "***@127.0.0.1:1/d: the study's storage failed" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_full_disk_is_one_line():
    expected = "cannot be written .*No space left"
    with pytest.raises(DiskFullError, match=expected), storage_errors("/x/journal.log"):
        raise OSError(28, "No space left on device")
