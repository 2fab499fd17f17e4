"""The run folder's files."""

import pytest

from cclcc_cli.errors import RunError
from cclcc_cli.runs.folder import RunFolder, find_runs
from cclcc_cli.runs.records import ValidationRecord


@pytest.fixture
def folder(tmp_path):
    folder = RunFolder(tmp_path / "data-32" / "run")
    folder.write_json("cell.json", {"digest": "d"})
    return folder


def test_status_is_updated_key_by_key(folder):
    folder.update_status(state="running", step=1)
    folder.update_status(step=2)
    assert folder.status.plain() == {"state": "running", "step": 2}
    assert not folder.finished


def test_records_after_the_checkpoint_are_forgotten(folder):
    for step in (4, 8, 12):
        folder.append_record(ValidationRecord(step=step))
    folder.keep_records(8)
    assert [record.step for record in folder.records()] == [4, 8]


def test_a_line_torn_by_a_crash_is_left_out(folder):
    folder.append_record(ValidationRecord(step=4))
    with (folder.path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 8, "tr')
    assert [record.step for record in folder.records()] == [4]


def test_a_damaged_file_is_named(folder):
    (folder.path / "status.json").write_text("{")
    with pytest.raises(RunError, match=r"status.json: cannot be read .* --fresh"):
        _ = folder.status


def test_only_one_process_holds_a_folder(folder):
    other = RunFolder(folder.path).locked()
    message = "another process is training this run"
    with folder.locked(), pytest.raises(RunError, match=message), other:
        pass
    with folder.locked():
        pass


def test_clearing_does_not_forget_that_the_test_split_was_read(folder):
    folder.update_status(state="finished", test_reads=2)
    folder.clear()
    assert folder.status.plain() == {"test_reads": 2}


def test_clearing_leaves_the_identity(folder):
    folder.update_status(state="finished")
    folder.append_record(ValidationRecord(step=4))
    folder.last_checkpoint.write_bytes(b"x")
    folder.clear()
    assert [p.name for p in folder.path.iterdir()] == ["cell.json"]


def test_runs_are_found_below_their_data_set(folder, tmp_path):
    assert [f.path for f in find_runs(tmp_path)] == [folder.path]
    assert find_runs(tmp_path / "nowhere") == []
