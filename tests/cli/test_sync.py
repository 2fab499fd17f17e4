"""``cclcc sync``: what it prints, and where."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from cclcc_cli.cli.sync import sync
from cclcc_cli.errors import CclccError
from cclcc_cli.runs.folder import RunFolder

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(sync)
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs that have begun."""
    root = tmp_path_factory.mktemp("sync") / "runs"
    for seed in (0, 1):
        folder = RunFolder(root / "polyps-64" / f"supervised-seed{seed}")
        folder.write_json("cell.json", {
            "digest": f"{seed:064x}", "arm": "a" * 64,
            "recipe": {"name": "plain", "method": "supervised", "seed": seed},
            "data": {"name": "polyps", "size": 64, "digest": "d" * 64}, "split_digest": "5" * 64,
            "splits": {"rule": "cut"}, "leaked": {"val": [], "test": ["a"]},
            "labeled": {"count": 8}, "runtime": {"device": "cpu"},
        })
        moment = "2026-01-01T10:00:00+00:00"
        folder.update_status(state="stopped", started=moment, updated=moment, finished=moment,
                             error=None, test_reads=0)
    return root


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def test_it_tells_what_changed_then_that_nothing_does(runs: Path) -> None:
    lines = run("--runs", str(runs)).stdout.splitlines()

    first = runs / "polyps-64" / "supervised-seed0"
    assert lines[0].startswith(f"{first}: created, params 4")
    assert lines[0].endswith("artifacts 2, status KILLED")
    assert lines[2:] == ["2 of 2 runs changed in MLflow"]
    assert (runs / "mlflow.db").exists()

    again = run("--runs", str(runs))
    assert (again.stdout, again.exit_code) == ("0 of 2 runs changed in MLflow\n", 0)

    found = json.loads(run("--runs", str(runs), "--json").stdout)
    assert [entry["folder"] for entry in found] == sorted(entry["folder"] for entry in found)
    assert [entry["changes"] for entry in found] == [{}, {}]
    assert all(len(entry["run_id"]) == 32 for entry in found)


def test_an_empty_root_is_not_touched(tmp_path: Path) -> None:
    assert run("--runs", str(tmp_path)).stdout == "0 of 0 runs changed in MLflow\n"
    assert list(tmp_path.iterdir()) == []


def test_a_tracker_that_fails_is_an_error(runs: Path) -> None:
    result = run("--runs", str(runs), "--tracking-uri", "gopher://somewhere")

    assert isinstance(result.exception, CclccError)
    assert result.exception.exit_code == 2
    assert "gopher://somewhere failed" in str(result.exception)
    assert "\n" not in str(result.exception)
    assert result.stdout == ""


def test_a_folder_that_cannot_be_read_is_an_error_after_the_others(tmp_path: Path) -> None:
    broken = RunFolder(tmp_path / "polyps-64" / "broken")
    broken.write_text("cell.json", "{}")
    broken.write_text("status.json", "{")

    result = run("--runs", str(tmp_path))

    assert result.stdout == "0 of 1 run changed in MLflow\n"
    assert isinstance(result.exception, CclccError)
    assert "status.json: cannot be read" in str(result.exception)


def test_what_is_passed_over_is_said_beside_the_result(tmp_path: Path) -> None:
    RunFolder(tmp_path / "polyps-64" / "waiting").write_text("cell.json", "{}")

    result = run("--runs", str(tmp_path))

    assert result.stderr.endswith("waiting: skipped, has not started\n")
    assert result.stdout == "0 of 1 run changed in MLflow\n"


def test_a_missing_root_is_refused_by_name(tmp_path: Path) -> None:
    result = run("--runs", str(tmp_path / "nowhere"))
    assert isinstance(result.exception, CclccError)
    assert "nowhere: no such folder" in str(result.exception)
