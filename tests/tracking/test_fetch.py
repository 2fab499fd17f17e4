"""Run folders from a tracking server alone: files as they were, and what is left out and why."""

import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient

from cclcc_cli.runs.folder import RunFolder
from cclcc_cli.runs.plan_record import record_path, report_path
from cclcc_cli.runs.records import ValidationRecord
from cclcc_cli.tracking.fetch import FETCHED, fetch_runs
from cclcc_cli.tracking.mirror import sync
from cclcc_cli.tracking.tracker import TrackerError

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")

STARTED, ENDED = "2026-01-01T10:00:00+00:00", "2026-01-01T11:00:00+00:00"


def write_run(
    root: Path, seed: int = 0, state: str = "finished", ablation: str | None = None
) -> RunFolder:
    """A run folder with every file that a report reads."""
    folder = RunFolder(root / "polyps-64" / f"clcc-8labels-seed{seed}")
    folder.write_json("cell.json", {
        "digest": f"{seed:064x}", "arm": "a" * 64,
        "recipe": {"name": "plain", "method": "clcc", "seed": seed},
        "data": {"name": "polyps", "size": 64, "digest": "d" * 64}, "split_digest": "5" * 64,
        "splits": {"rule": "cut"}, "leaked": {"val": [], "test": []},
        "labeled": {"count": 8, "share": 0.1, "of": 80},
        "runtime": {"device": "cpu", "precision": "fp32", "threads": 1}})
    folder.write_json("environment.json", {"cclcc": "0.1.0", "command": "cclcc train a.yaml"})
    folder.write_text("recipe.yaml", f"seed: {seed}\n")
    folder.append_record(ValidationRecord(step=10, epoch=1.0, time=1767262000.0,
                                          val={"dice": 0.5}))
    if state == "finished":
        scores = {"working": {"dice": 0.8}, "own": {"dice": 0.75}}
        folder.write_json("result.json", {"best": {"step": 10, "dice": 0.5}, "rules": {},
                                          "val": scores, "test": scores})
        folder.write_json("costs.json", {"images_per_second": 12.5})
        for split in ("val", "test"):
            folder.write_text(f"{split}_images.csv", f"stem,dice\na,0.8{seed}\n")
        (folder.path / "test_masks.npz").write_bytes(b"masks" * 100)
        folder.best_checkpoint.write_bytes(b"weights")
    if ablation:
        folder.join_ablation(ablation)
    folder.update_status(state=state, started=STARTED, updated=ENDED, error=None, test_reads=1,
                         finished=ENDED if state == "finished" else None)
    return folder


def files_of(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes()
            for path in sorted(root.rglob("*")) if path.is_file()}


def fetched(uri: str, place: Path, **options: object) -> list[str]:
    place.mkdir()
    return fetch_runs(uri, place, **options)  # type: ignore[arg-type]


def test_all_files_come_back_as_they_were(runs: Path, uri: str, tmp_path: Path) -> None:
    for seed in (0, 1):
        write_run(runs, seed, ablation="parts")
    record_path(runs, "parts").parent.mkdir(parents=True)
    record_path(runs, "parts").write_text('{"threads": 1, "places": {}}\n')
    report_path(runs, "parts").write_text("<!doctype html>")
    sync(runs, uri)

    notes = fetched(uri, tmp_path / "back")

    assert notes == []
    back = files_of(tmp_path / "back")
    kept = {name: content for name, content in files_of(runs).items()
            if not name.startswith("mlartifacts/")
            and (Path(name).name in FETCHED or name == "ablations/parts/plan.json")}
    assert back == kept
    assert len(back) == 2 * len(FETCHED) + 1
    client = MlflowClient(uri)
    (parent,) = client.search_runs(["1"], "tags.`cclcc.ablation` = 'parts'")
    assert {file.path for file in client.list_artifacts(parent.info.run_id)} == {
        "plan.json", "report.html"}


def test_what_is_left_out_is_said(runs: Path, uri: str, tmp_path: Path) -> None:
    whole, old, damaged = (write_run(runs, seed) for seed in (0, 1, 2))
    write_run(runs, 3, state="running")
    sync(runs, uri)
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("cclcc/polyps").experiment_id
    client.create_run(experiment, run_name="somebody's")
    client.create_run(client.create_experiment("others"), run_name="elsewhere")
    places = {run.info.run_name: Path(run.info.artifact_uri.removeprefix("file://"))
              for run in client.search_runs([experiment])}
    (places[old.path.name] / "status.json").unlink()
    (places[damaged.path.name] / "test_images.csv").write_text("stem,dice\na,0.99\n")

    notes = fetched(uri, tmp_path / "back")

    assert sorted(path.parent.name for path in (tmp_path / "back").rglob("cell.json")) == [
        whole.path.name]
    killed, foreign, missing, damaged = notes
    assert killed == "left out, 1 killed on the server: polyps-64/clcc-8labels-seed3"
    assert foreign == "left out, 1 that cclcc did not make: somebody's"
    assert "clcc-8labels-seed1: status.json missing on the server; cclcc sync" in missing
    assert "clcc-8labels-seed2: test_images.csv damaged on the server; cclcc sync" in damaged


def test_an_ablation_or_an_experiment_alone(runs: Path, uri: str, tmp_path: Path) -> None:
    write_run(runs, 0, ablation="parts")
    write_run(runs, 1)
    sync(runs, uri)
    assert fetched(uri, tmp_path / "one", ablation="parts") == []
    assert [path.parent.name for path in (tmp_path / "one").rglob("cell.json")] == [
        "clcc-8labels-seed0"]
    fetched(uri, tmp_path / "two", experiments=["cclcc/polyps"])
    assert len(list((tmp_path / "two").rglob("cell.json"))) == 2
    with pytest.raises(TrackerError, match="^--ablation other: MLflow at .* there are: parts$"):
        fetched(uri, tmp_path / "three", ablation="other")
    with pytest.raises(TrackerError, match="has no experiment called polyps; did you mean "
                                           "cclcc/polyps"):
        fetched(uri, tmp_path / "four", experiments=["polyps"])


def test_a_path_that_a_server_made_up_is_no_path(runs: Path, uri: str, tmp_path: Path) -> None:
    folder = write_run(runs)
    sync(runs, uri)
    client = MlflowClient(uri)
    (run,) = client.search_runs(["1"])
    client.set_tag(run.info.run_id, "cclcc.folder", "../../out/of-here")
    fetched(uri, tmp_path / "back")
    assert [path.parent.name for path in tmp_path.rglob("cell.json")
            if path.parent != folder.path and "mlartifacts" not in path.parts] == [run.info.run_id]
    assert not (tmp_path.parent / "out").exists()


@pytest.mark.parametrize(("make", "message"), [
    (lambda _runs: None, "has no experiment of cclcc .*; there are: Default; train with"),
    (lambda runs: sync(write_run(runs, state="running").path.parents[1],
                       f"sqlite:///{runs / 'mlflow.db'}"),
     "has no finished run of cclcc \\(left out, 1 killed on the server: polyps-64/"),
])
def test_nothing_to_report_is_one_line(
    runs: Path, uri: str, tmp_path: Path, make: Callable[[Path], object], message: str
) -> None:
    make(runs)
    with pytest.raises(TrackerError, match=f"^MLflow at sqlite:.*: {message}") as caught:
        fetched(uri, tmp_path / "back")
    assert "\n" not in str(caught.value)
    assert files_of(tmp_path / "back") == {}


def test_reading_makes_no_database(tmp_path: Path) -> None:
    with pytest.raises(TrackerError, match="no such database; give --tracking-uri"):
        fetched(f"sqlite:///{tmp_path / 'none.db'}", tmp_path / "back")
    assert not (tmp_path / "none.db").exists()


def test_a_server_that_is_down_is_one_line_without_a_password(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(TrackerError, match="Connection refused.*; check the address") as caught:
        fetched(f"http://me:secret@127.0.0.1:{port}", tmp_path / "back")
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_mirror_from_before_is_completed_by_sync(runs: Path, uri: str, tmp_path: Path) -> None:
    folder = write_run(runs)
    sync(runs, uri)
    client = MlflowClient(uri)
    (run,) = client.search_runs(["1"])
    place = Path(run.info.artifact_uri.removeprefix("file://"))
    known = json.loads(run.data.tags["cclcc.uploads"])
    for name in ("status.json", "metrics.jsonl"):
        (place / name).unlink()
        del known[name]
    client.set_tag(run.info.run_id, "cclcc.uploads", json.dumps(known))
    assert len(fetched(uri, tmp_path / "before")) == 1
    assert sync(runs, uri)[0].changes == {"artifacts": 2}
    assert fetched(uri, tmp_path / "after") == []
    assert (tmp_path / "after" / "polyps-64" / folder.path.name / "metrics.jsonl").exists()
