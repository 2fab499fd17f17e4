"""What a tracker that fails costs, and how a store is found and made."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient

from cclcc_cli.tracking.address import tracking_uri
from cclcc_cli.tracking.mirror import LiveMirror, Mirror, sync
from cclcc_cli.tracking.tracker import TrackerError
from tests import warm
from tests.tracking.folders import begin, finish, finished, held, record, steps_held

# MLflow 3.17 asks SQLAlchemy 2.1 for a strategy that it warns of, once, when it is first used.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")


def _closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.mark.parametrize("case", ["dead server", "no such kind", "not a database", "a folder"])
def test_a_tracker_that_fails_is_one_warning_and_training_goes_on(
    tmp_path: Path, case: str
) -> None:
    garbage = tmp_path / "garbage.db"
    garbage.write_bytes(b"this is not a database " * 50)
    uri = {
        "dead server": f"http://127.0.0.1:{_closed_port()}",
        "no such kind": "gopher://somewhere/else",
        "not a database": f"sqlite:///{garbage}",
        "a folder": f"sqlite:///{tmp_path}",
    }[case]
    folder = begin(tmp_path / "runs")
    warnings: list[str] = []
    with LiveMirror(folder, uri, warnings.append) as mirror:
        for step in (10, 20, 30):
            mirror.push()
            folder.append_record(record(step))
        finish(folder)
        mirror.push()

    (warning,) = warnings
    assert warning.startswith(f"MLflow at {uri} failed: ")
    assert "cclcc sync" in warning
    assert "\n" not in warning
    assert folder.finished


def test_a_tracker_lost_on_the_way_is_one_warning_and_sync_completes_it(
    runs: Path, uri: str
) -> None:
    folder = begin(runs)
    warnings: list[str] = []
    client = MlflowClient(uri)
    with LiveMirror(folder, uri, warnings.append) as mirror:
        mirror.push()
        experiment = client.get_experiment_by_name("cclcc/polyps").experiment_id
        client.delete_run(client.search_runs([experiment])[0].info.run_id)
        for step in (10, 20):
            folder.append_record(record(step))
            mirror.push()
        finish(folder)
        mirror.push()
    assert len(warnings) == 1

    sync(runs, uri)
    assert steps_held(uri) == [10, 20]


def test_sync_tells_a_failing_tracker_as_an_error_without_the_password(runs: Path) -> None:
    finished(runs)
    port = _closed_port()
    with pytest.raises(TrackerError) as caught:
        sync(runs, f"http://anna:secret@127.0.0.1:{port}")
    assert caught.value.exit_code == 2
    assert f"127.0.0.1:{port}" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_an_experiment_deleted_in_mlflow_is_told_with_the_way_back(runs: Path, uri: str) -> None:
    finished(runs)
    sync(runs, uri)
    client = MlflowClient(uri)
    client.delete_experiment(client.get_experiment_by_name("cclcc/polyps").experiment_id)

    with pytest.raises(TrackerError, match="mlflow experiments restore -x"):
        sync(runs, uri)


def test_the_address_is_the_given_one_then_the_environments_then_the_runs_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert tracking_uri(tmp_path) == f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://server")
    assert tracking_uri(tmp_path) == "http://server"
    assert tracking_uri(tmp_path, "http://other") == "http://other"


def test_a_mirror_follows_a_fresh_start_while_it_is_open(runs: Path, uri: str) -> None:
    folder = finished(runs)
    mirror = Mirror(folder, uri)
    mirror.push()
    folder.clear()
    begin(runs, started="2026-01-02T10:00:00+00:00").append_record(record(7))

    assert mirror.push().replaced == 1
    mirror.close()
    assert steps_held(uri) == [7]


@pytest.mark.slow
def test_four_processes_make_one_whole_database_in_a_place_with_spaces(tmp_path: Path) -> None:
    root = tmp_path / "my runs 100%"
    root.mkdir()
    (root / "mlflow.db.new").write_bytes(b"left by a process killed in making it")
    for seed in range(4):
        finished(root, seed)
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from cclcc_cli.tracking.mirror import Mirror\n"
        "from cclcc_cli.tracking.address import tracking_uri\n"
        "from cclcc_cli.runs.folder import RunFolder\n"
        "folder = Path(sys.argv[1])\n"
        "print(Mirror(RunFolder(folder), tracking_uri(folder.parent.parent)).push().created)\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"}
    children = [
        warm.Popen(
            [sys.executable, "-c", script, str(folder)], env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for folder in sorted((root / "polyps-64").iterdir())
    ]
    assert [child.communicate() for child in children] == [("True\n", "")] * 4
    assert not (root / "mlflow.db.new").exists()
    assert len(held(tracking_uri(root))) == 4
