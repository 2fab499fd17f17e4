"""``cclcc report --mlflow``, and the report that an ablation leaves: the same from a server."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cclcc_cli.cli.app import app
from cclcc_cli.errors import RunError
from cclcc_cli.tracking.fetch import FETCHED
from cclcc_cli.tracking.tracker import connect

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def ablation(tiny_data, tmp_path_factory, make_database):
    """An ablation of two parts and two seeds, really trained and mirrored; its runs' folder."""
    place = tmp_path_factory.mktemp("ablation")
    (place / "parts.yaml").write_text(json.dumps({
        "name": "parts", "threads": 1,
        "base": {
            "name": "tiny", "method": "clcc", "model": {"widths": [4, 8, 8, 8, 8]},
            "data": {"name": "synthetic", "size": 32, "labeled": 4}, "budget": {"steps": 2},
            "validation": {"every": 2}, "batch": {"labeled": 2, "unlabeled": 2},
            "clcc": {"grid": 2, "projector_widths": [8, 8, 8]},
        },
        "variants": {"full": {}, "no-contrast": {"clcc.contrast_weight": 0.0}},
        "axes": {"seed": [0, 1]}}))
    uri = make_database(place / "runs" / "mlflow.db")
    result = invoke("ablate", place / "parts.yaml", "--runs", place / "runs", "--data", tiny_data,
                    "--tracking-uri", uri, "--quiet")
    assert result.exit_code == 0, result.output
    assert f"report: {place / 'runs' / 'ablations' / 'parts' / 'report.html'}" in result.stderr
    return place


@pytest.fixture(scope="module")
def uri(ablation):
    return f"sqlite:///{ablation / 'runs' / 'mlflow.db'}"


def test_an_ablations_report_goes_to_its_run(ablation, uri, tmp_path):
    text = (ablation / "runs" / "ablations" / "parts" / "report.html").read_text(encoding="utf-8")
    assert "effects on test Dice" in text
    assert "no-contrast" in text
    client = connect(uri)
    experiment = client.get_experiment_by_name("cclcc/synthetic").experiment_id
    (parent,) = client.search_runs([experiment], "tags.`cclcc.ablation` = 'parts'")
    sent = client.download_artifacts(parent.info.run_id, "report.html", str(tmp_path))
    assert Path(sent).read_text(encoding="utf-8") == text


@pytest.mark.parametrize("format", ["table", "markdown", "latex", "csv", "json"])
def test_a_database_alone_gives_the_same_table(ablation, uri, tmp_path, monkeypatch, format):
    monkeypatch.chdir(tmp_path)
    here = invoke("report", "--runs", ablation / "runs", "--format", format)
    there = invoke("report", "--mlflow", "--tracking-uri", uri, "--format", format)
    assert (there.exit_code, here.exit_code) == (0, 0)
    assert there.stdout == here.stdout
    assert "clcc" in there.stdout
    assert list(tmp_path.iterdir()) == []


def test_so_do_an_ablation_and_a_page(ablation, uri, tmp_path):
    here = invoke("report", "ablation", "parts", "--runs", ablation / "runs", "--format", "csv")
    there = invoke("report", "ablation", "parts", "--mlflow", "--tracking-uri", uri,
                   "--format", "csv")
    assert (there.stdout, there.exit_code) == (here.stdout, 0)
    pages = [tmp_path / "here.html", tmp_path / "there.html"]
    invoke("report", "page", pages[0], "--runs", ablation / "runs", "--ablation", "parts")
    invoke("report", "page", pages[1], "--mlflow", "--tracking-uri", uri, "--ablation", "parts")
    first, second = (page.read_text(encoding="utf-8").partition("<footer>")[0]
                     for page in pages)
    assert first == second
    assert "cclcc-report-" not in second  # no path that is gone again


def test_where_mlflow_is_needs_mlflow(tmp_path):
    result = invoke("report", "--runs", tmp_path, "--tracking-uri", "http://127.0.0.1:1")
    assert isinstance(result.exception, RunError)
    assert str(result.exception).endswith("say where --mlflow reads; add --mlflow")


def test_a_tracker_that_is_down_costs_a_warning_and_sync_sends_the_report(
    ablation, tiny_data, tmp_path, make_database
):
    runs = tmp_path / "runs"
    shutil.copytree(ablation / "runs", runs,
                    ignore=shutil.ignore_patterns("mlflow.*", "mlartifacts", "report.html"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    done = invoke("ablate", ablation / "parts.yaml", "--runs", runs, "--data", tiny_data,
                  "--tracking-uri", f"http://127.0.0.1:{port}", "--quiet")
    assert done.exit_code == 0
    assert (runs / "ablations" / "parts" / "report.html").exists()
    assert "Connection refused" in done.stderr
    assert "'cclcc sync' sends the report later" in done.stderr
    uri = make_database(tmp_path / "later.db")
    assert invoke("sync", "--runs", runs, "--tracking-uri", uri).exit_code == 0
    client = connect(uri)
    (parent,) = client.search_runs(["1"], "tags.`cclcc.ablation` = 'parts'")
    assert "report.html" in {file.path for file in client.list_artifacts(parent.info.run_id)}


def test_no_report_is_written_where_none_is_wanted(ablation, tiny_data, tmp_path):
    runs = tmp_path / "runs"
    shutil.copytree(ablation / "runs", runs, ignore=shutil.ignore_patterns("report.html"))
    invoke("ablate", ablation / "parts.yaml", "--runs", runs, "--data", tiny_data, "--no-mlflow",
           "--no-report", "--quiet")
    assert not (runs / "ablations" / "parts" / "report.html").exists()


@contextmanager
def server(place: Path) -> Iterator[str]:
    """A real one that nobody shares a folder with; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port),
               "--workers", "1", "--backend-store-uri", f"sqlite:///{place / 'server.db'}",
               "--artifacts-destination", str(place / "served")]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (place / "server.log").open("wb") as log:
        child = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=place,
                                 start_new_session=True)
    try:
        for _ in range(900):
            assert child.poll() is None, (place / "server.log").read_text()
            try:
                with urllib.request.urlopen(f"{address}/health", timeout=30):
                    break
            except OSError:
                time.sleep(0.2)
        yield address
    finally:
        os.killpg(child.pid, 15)
        child.wait(timeout=60)


@pytest.mark.more
def test_a_server_over_http_is_all_that_a_colleague_needs(ablation, tmp_path, monkeypatch):
    here = invoke("report", "ablation", "parts", "--runs", ablation / "runs")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "60")
    (tmp_path / "server").mkdir()
    colleague = tmp_path / "colleague"
    colleague.mkdir()
    runs = tmp_path / "runs"
    shutil.copytree(ablation / "runs", runs, ignore=shutil.ignore_patterns("mlflow.*", ".mlflow*"))
    with server(tmp_path / "server") as address:
        assert invoke("sync", "--runs", runs, "--tracking-uri", address).exit_code == 0
        shutil.rmtree(runs)
        monkeypatch.chdir(colleague)
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
        there = invoke("report", "ablation", "parts", "--mlflow", "--tracking-uri", address)
        page = invoke("report", "page", "--mlflow", "--tracking-uri", address)
    assert (there.stdout, there.exit_code) == (here.stdout, 0)
    assert page.exit_code == 0
    assert [path.name for path in colleague.iterdir()] == ["report.html"]
    assert set(FETCHED) >= {path.name for path in (tmp_path / "server" / "served").rglob("*.json")
                            } - {"plan.json"}
