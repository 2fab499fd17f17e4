"""What MLflow shows of run folders, live or rebuilt."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import ViewType

from cclcc_cli.errors import RunError
from cclcc_cli.tracking.mirror import LiveMirror, sync
from cclcc_cli.tracking.tracker import TrackerError
from tests import warm
from tests.tracking.folders import (
    ENDED,
    ENDED_MS,
    STARTED,
    begin,
    finish,
    finished,
    held,
    record,
    steps_held,
)

# MLflow 3.17 asks SQLAlchemy 2.1 for a strategy that it warns of, once, when it is first used.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")


def test_a_finished_run_is_mirrored_in_full(runs: Path, uri: str) -> None:
    folder = finished(runs)

    (pushed,) = sync(runs, uri)

    (run,) = held(uri)
    assert (run["name"], run["experiment"]) == (folder.path.name, "cclcc/polyps")
    assert (run["status"], run["end"] - run["start"]) == ("FINISHED", 3_600_000)
    assert run["params"] == {
        "name": "plain", "method": "clcc", "seed": "0", "clcc.grid": "5", "clcc.symmetric": "false",
        "model.widths": "[4, 8]", "ema_decay": "null",
        "labeled.count": "8", "labeled.share": "0.1", "labeled.of": "80",
    }
    assert run["tags"].items() >= {
        "cclcc.cell": "0" * 64, "cclcc.arm": "a" * 64, "cclcc.data_digest": "d" * 64,
        "cclcc.split_digest": "5" * 64, "cclcc.split_rule": "cut", "cclcc.leaked.val": "0",
        "cclcc.leaked.test": "1", "cclcc.device": "cpu", "cclcc.precision": "fp32",
        "cclcc.env.packages": "torch: 2.13.0", "cclcc.env.command": "cclcc train quickstart.yaml",
        "cclcc.rules": "threshold: 0.5", "cclcc.test_reads": "1",
        "mlflow.source.git.commit": "c0ffee",
    }.items()
    assert "cclcc.env.gpu" not in run["tags"]
    assert run["metrics"]["train/contrast"] == [
        (10, 0.2, 1767262010000), (20, 0.1, 1767262020000), (30, 2 / 30, 1767262030000)
    ]
    assert run["metrics"].keys() >= {"lr", "epoch", "images_per_second", "train/total"}
    assert run["metrics"]["test/dice"] == [(20, 0.8, ENDED_MS)]
    assert run["metrics"]["test_own/hd95"] == [(20, 9.0, ENDED_MS)]
    assert run["metrics"]["best_val/dice"] == [(20, 0.8, ENDED_MS)]
    assert run["metrics"]["best/dice"] == [(20, 0.95, ENDED_MS)]
    assert run["metrics"]["costs/parameters/predictor"] == [(20, 10.0, ENDED_MS)]
    assert run["metrics"]["costs/peak_memory/bytes"] == [(20, 2048.0, ENDED_MS)]
    assert run["data"] == [("polyps", "d" * 36, "training")]
    assert run["artifacts"] == sorted([
        "best.pt", "cell.json", "costs.json", "environment.json", "metrics.jsonl",
        "overlays/000001.png", "recipe.yaml", "result.json", "status.json", "test_images.csv",
    ])
    assert pushed.changes.items() >= {"created": True, "records": 3, "artifacts": 10}.items()


def test_live_and_rebuilt_are_the_same_and_sync_after_live_adds_nothing(
    runs: Path, uri: str, make_database: Callable[[Path], str], tmp_path: Path
) -> None:
    warnings: list[str] = []
    folder = begin(runs)
    with LiveMirror(folder, uri, warnings.append) as mirror:
        mirror.push()
        assert held(uri)[0]["status"] == "RUNNING"
        for step in (10, 20, 30):
            folder.append_record(record(step))
            mirror.push()
            assert steps_held(uri)[-1] == step
        assert held(uri)[0]["artifacts"] == []
        finish(folder)
        mirror.push()
    live = held(uri)

    assert [pushed.changes for pushed in sync(runs, uri)] == [{}]
    assert held(uri) == live

    rebuilt = make_database(tmp_path / "rebuilt.db")
    sync(runs, rebuilt)
    assert held(rebuilt) == live
    assert warnings == []


def test_a_second_sync_changes_nothing(runs: Path, uri: str) -> None:
    finished(runs, seed=0)
    finished(runs, seed=1)

    assert [bool(pushed.changes) for pushed in sync(runs, uri)] == [True, True]
    before = held(uri)
    assert [pushed.changes for pushed in sync(runs, uri)] == [{}, {}]
    assert held(uri) == before


def test_a_process_killed_while_it_pushes_is_completed_without_doubling(
    runs: Path, uri: str
) -> None:
    folder = begin(runs)
    steps = range(10, 2000, 10)
    for step in steps[:3]:
        folder.append_record(record(step))
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from cclcc_cli.tracking.mirror import Mirror\n"
        "from cclcc_cli.runs.folder import RunFolder\n"
        "from cclcc_cli.runs.records import ValidationRecord\n"
        "folder = RunFolder(Path(sys.argv[1]))\n"
        "mirror = Mirror(folder, sys.argv[2])\n"
        "for line in sys.stdin:\n"
        "    folder.append_record(ValidationRecord.model_validate_json(line))\n"
        "    mirror.push()\n"
        "    print('pushed', flush=True)\n"
    )
    child = warm.Popen(
        [sys.executable, "-c", script, str(folder.path), uri],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    with child:
        child.stdin.writelines(f"{record(step).model_dump_json(exclude_unset=True)}\n"
                               for step in steps[3:])
        child.stdin.flush()
        assert child.stdout.readline() == "pushed\n"
        child.send_signal(signal.SIGKILL)
    written = [record.step for record in folder.records()]
    assert 3 < len(written) < len(steps)

    sync(runs, uri)

    assert steps_held(uri) == written
    assert held(uri)[0]["status"] == "KILLED"


def test_a_run_that_was_only_created_is_completed(runs: Path, uri: str) -> None:
    finished(runs)
    client = MlflowClient(uri)
    place = (runs / "mlartifacts").as_uri()
    experiment = client.create_experiment("cclcc/polyps", artifact_location=place)
    tags = {"cclcc.cell": "0" * 64, "cclcc.started": STARTED}
    run_id = client.create_run(experiment, tags=tags).info.run_id

    (pushed,) = sync(runs, uri)

    assert (pushed.run_id, pushed.created, pushed.records) == (run_id, False, 3)
    assert pushed.params == 10


def test_a_resumed_training_does_not_log_its_repeated_records_again(
    runs: Path, uri: str
) -> None:
    folder = begin(runs)
    for step in (10, 20):
        folder.append_record(record(step))
    with LiveMirror(folder, uri, pytest.fail) as mirror:
        mirror.push()
    folder.keep_records(up_to_step=10)  # the checkpoint is older than the last record

    with LiveMirror(folder, uri, pytest.fail) as mirror:
        mirror.push()
        for step in (20, 30):
            folder.append_record(record(step, moment=1767269000.0))
            mirror.push()

    assert steps_held(uri) == [10, 20, 30]


def test_a_fresh_start_replaces_the_former_run(runs: Path, uri: str) -> None:
    folder = finished(runs)
    sync(runs, uri)
    folder.clear()
    begin(runs, started="2026-01-02T10:00:00+00:00").append_record(record(7))

    (pushed,) = sync(runs, uri)

    assert (pushed.created, pushed.replaced) == (True, 1)
    assert steps_held(uri) == [7]
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("cclcc/polyps")
    assert len(client.search_runs([experiment.experiment_id], "", ViewType.DELETED_ONLY)) == 1


def test_many_records_are_sent_whole_and_once_though_the_store_fails_between(
    runs: Path, uri: str
) -> None:
    finished(runs, steps=range(1, 201))  # 1,200 metrics; MLflow takes 1,000 at a time
    refuse = (
        "CREATE TRIGGER refuse BEFORE INSERT ON metrics WHEN NEW.step = 180 "
        "BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
    )
    with closing(sqlite3.connect(runs / "mlflow.db")) as database:
        database.execute(refuse)
    with pytest.raises(TrackerError, match="the disk is full"):
        sync(runs, uri)
    arrived = steps_held(uri, "epoch")
    assert arrived == steps_held(uri, "val/dice") == list(range(1, 167))

    with closing(sqlite3.connect(runs / "mlflow.db")) as database:
        database.execute("DROP TRIGGER refuse")
    (pushed,) = sync(runs, uri)
    assert pushed.records == 200 - len(arrived)
    assert steps_held(uri, "epoch") == steps_held(uri, "val/dice") == list(range(1, 201))


@pytest.mark.parametrize(
    ("state", "shown"), [("finished", "FINISHED"), ("stopped", "KILLED"), ("failed", "FAILED")]
)
def test_the_state_at_the_end_becomes_mlflows_status(
    runs: Path, uri: str, state: str, shown: str
) -> None:
    error = "the loss is nan" if state == "failed" else None
    begin(runs).update_status(state=state, updated=ENDED, finished=ENDED, error=error)

    sync(runs, uri)

    (run,) = held(uri)
    assert (run["status"], run["end"]) == (shown, ENDED_MS)
    assert run["tags"].get("cclcc.error") == error


def test_running_means_that_a_process_holds_the_folder(runs: Path, uri: str) -> None:
    folder = begin(runs)
    with folder.locked():
        sync(runs, uri)
        assert held(uri)[0]["status"] == "RUNNING"

    sync(runs, uri)  # the process is gone and left no word: it was killed
    assert held(uri)[0]["status"] == "KILLED"

    with LiveMirror(folder, uri, pytest.fail) as mirror:  # and it goes on
        mirror.push()
    assert held(uri)[0]["status"] == "RUNNING"


def test_an_error_of_a_former_session_is_forgotten(runs: Path, uri: str) -> None:
    folder = begin(runs)
    folder.update_status(state="failed", finished=ENDED, error="disk full")
    sync(runs, uri)
    finish(folder)
    folder.update_status(error=None)

    sync(runs, uri)

    assert "cclcc.error" not in held(uri)[0]["tags"]


def test_a_folder_whose_training_has_not_begun_is_passed_over(runs: Path, uri: str) -> None:
    begin(runs).clear()

    (pushed,) = sync(runs, uri)

    assert pushed.skipped == "has not started"
    assert held(uri) == []


def test_sync_leaves_a_folder_to_the_process_that_mirrors_it(runs: Path, uri: str) -> None:
    folder = finished(runs)
    with LiveMirror(folder, uri, pytest.fail) as mirror:
        mirror.push()
        (pushed,) = sync(runs, uri)
        assert pushed.skipped is not None
        assert "mirrored" in pushed.skipped
    (pushed,) = sync(runs, uri)
    assert pushed.skipped is None


def test_a_broken_folder_is_told_and_the_others_go_on(runs: Path, uri: str) -> None:
    finished(runs, seed=0).write_text("cell.json", "{")
    finished(runs, seed=1)

    broken, whole = sync(runs, uri)

    assert broken.problem is not None
    assert "cell.json: cannot be read" in broken.problem
    assert whole.created


def test_a_missing_root_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no such folder"):
        sync(tmp_path / "nowhere", "sqlite:///unused.db")


def test_numbers_that_are_not_finite_are_left_out_and_counted(runs: Path, uri: str) -> None:
    folder = begin(runs)
    folder.append_record(record(10, hd95=float("nan"), assd=float("inf")))
    folder.append_record(record(20, hd95=float("-inf"), assd=3.0))

    sync(runs, uri)

    (run,) = held(uri)
    assert "val/hd95" not in run["metrics"]
    assert [value for _, value, _ in run["metrics"]["val/assd"]] == [3.0]
    assert run["tags"]["cclcc.not_logged"] == (
        "val/assd: 1 not a finite number, val/hd95: 2 not a finite number"
    )


def test_only_changed_or_lost_artifacts_are_sent_again(runs: Path, uri: str) -> None:
    folder = finished(runs)
    (first,) = sync(runs, uri)
    folder.best_checkpoint.write_bytes(b"WEIGHTS")
    (folder.overlays / "000001.png").write_bytes(b"PICTURE")
    (lost,) = (runs / "mlartifacts").rglob("result.json")
    lost.unlink()

    (second,) = sync(runs, uri)

    assert second.changes == {"artifacts": 3}
    client = MlflowClient(uri)
    assert first.run_id is not None
    assert Path(client.download_artifacts(first.run_id, "best.pt")).read_bytes() == b"WEIGHTS"
    assert lost.exists()


def test_nothing_is_left_in_the_current_folder_or_in_mlflows_global_state(
    runs: Path, uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    current = tmp_path / "current"
    current.mkdir()
    monkeypatch.chdir(current)
    before = (mlflow.get_tracking_uri(), "MLFLOW_TRACKING_URI" in os.environ)
    with LiveMirror(finished(runs), uri, pytest.fail) as mirror:
        mirror.push()

    assert list(current.iterdir()) == []
    assert before == (mlflow.get_tracking_uri(), "MLFLOW_TRACKING_URI" in os.environ)
    assert mlflow.active_run() is None


def test_system_metrics_go_on_where_the_former_session_ended(
    runs: Path, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.05")
    folder, client = begin(runs), MlflowClient(uri)
    key = "system/cpu_utilization_percentage"
    run_id, sampled = "", 0
    for _session in range(2):
        with LiveMirror(folder, uri, pytest.fail) as mirror:
            mirror.push()
            experiment = client.get_experiment_by_name("cclcc/polyps").experiment_id
            run_id = client.search_runs([experiment])[0].info.run_id
            before = sampled
            for _ in range(600):
                if len(client.get_metric_history(run_id, key)) >= before + 2:
                    break
                time.sleep(0.05)
        sampled = len(client.get_metric_history(run_id, key))
        assert sampled >= before + 2

    steps = [metric.step for metric in client.get_metric_history(run_id, key)]
    assert steps == list(range(sampled))
