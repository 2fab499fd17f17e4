"""What MLflow was told is known without loading it."""

import pytest
from filelock import FileLock

from cclcc_cli.errors import RunError
from cclcc_cli.tracking import parent, status
from cclcc_cli.tracking.status import last_sent, send
from cclcc_cli.tracking.tracker import TrackerError

SERVER = "http://me:secret@127.0.0.1:9"


def test_what_was_told_is_known_for_that_store_alone_and_without_its_password(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(parent, "mark_parents", lambda *_: None)
    assert last_sent(tmp_path, "a", SERVER) is None
    send(tmp_path, "a", SERVER, "FINISHED")
    assert last_sent(tmp_path, "a", SERVER) == "FINISHED"
    assert last_sent(tmp_path, "a", "http://elsewhere") is None
    assert last_sent(tmp_path, "b", SERVER) is None
    assert "secret" not in (tmp_path / "ablations" / "a" / "mlflow.json").read_text()


def test_what_could_not_be_told_is_not_put_down(tmp_path):
    with pytest.raises(TrackerError):
        send(tmp_path, "a", SERVER, "FINISHED")
    assert last_sent(tmp_path, "a", SERVER) is None


def test_a_start_that_tells_for_ever_keeps_nobody(tmp_path, monkeypatch):
    monkeypatch.setattr(status, "LOCK_PATIENCE", 0.05)
    folder = tmp_path / "ablations" / "a"
    folder.mkdir(parents=True)
    with FileLock(folder / "mlflow.lock"), pytest.raises(RunError, match="cclcc sync"):
        send(tmp_path, "a", SERVER, "FINISHED")


@pytest.mark.parametrize("content", ["", "[]", "{"])
def test_a_damaged_note_is_no_note(tmp_path, content):
    path = tmp_path / "ablations" / "a" / "mlflow.json"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    assert last_sent(tmp_path, "a", SERVER) is None
