"""MLflow's own page on the mirrored store, in a real browser, and a real server as tracker."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
from mlflow import MlflowClient

from cclcc_cli.runs.folder import RunFolder
from cclcc_cli.runs.records import ValidationRecord
from cclcc_cli.tracking.content import _source
from cclcc_cli.tracking.mirror import LiveMirror, sync
from cclcc_cli.tracking.view import view_url
from tests.services import CHROMIUM

pytestmark = [
    pytest.mark.more,
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning"),
]

DRIVER = shutil.which("chromedriver")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--window-size=1600,900")
STARTED = "2026-01-01T10:00:00+00:00"


HEADS = ("method", "labeled.count", "test/dice", "best_val/dice")
"""Of columns that MLflow does not show by itself."""


def begin(root: Path, method: str, seed: int) -> RunFolder:
    """A run that has begun."""
    folder = RunFolder(root / "polyps-64" / f"{method}-8labels-seed{seed}")
    folder.write_json("cell.json", {
        "digest": f"{seed:064x}", "arm": "a" * 64,
        "recipe": {"name": method, "method": method, "seed": seed},
        "data": {"name": "polyps", "size": 64, "digest": "d" * 64}, "split_digest": "5" * 64,
        "splits": {"rule": "cut"}, "leaked": {"val": [], "test": ["a"]},
        "labeled": {"count": 8}, "runtime": {"device": "cpu"},
    })
    folder.update_status(state="running", started=STARTED, updated=STARTED, finished=None,
                         error=None, test_reads=0)
    for step in (10, 20, 30):
        folder.append_record(ValidationRecord(
            step=step, epoch=step / 10, train={"total": 1 / step}, val={"dice": 1 - 1 / step},
            time=1767262000.0 + step))
    return folder


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def ask(url: str, body: Any = None, method: str | None = None) -> Any:
    """One JSON request; the answer, or None where nobody listens yet."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        url, data, {"Content-Type": "application/json"}, method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read().decode()
    except (URLError, ConnectionError) as error:
        if isinstance(getattr(error, "reason", error), ConnectionError):
            return None
        raise
    return json.loads(text) if text.startswith("{") else text


@contextmanager
def running(command: list[str], ready: str, log: Path, **environment: str) -> Iterator[None]:
    """A child process, from the moment its address answers."""
    with log.open("wb") as file:
        child = subprocess.Popen(
            command, stdout=file, stderr=file, env={**os.environ, **environment}, cwd=log.parent,
            start_new_session=True,
        )
    try:
        for _ in range(600):
            assert child.poll() is None, log.read_text()
            if ask(ready) is not None:
                break
            time.sleep(0.2)
        else:
            pytest.fail(f"{command[0]} did not answer: {log.read_text()}")
        yield
    finally:
        os.killpg(child.pid, 15)
        child.wait(timeout=60)


@contextmanager
def mlflow_server(runs: Path, log: Path) -> Iterator[str]:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port),
        "--workers", "1", "--backend-store-uri", f"sqlite:///{runs / 'mlflow.db'}",
        "--artifacts-destination", str(runs / "served"),
    ]
    with running(
        command, f"{address}/health", log,
        MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false", MLFLOW_DISABLE_TELEMETRY="true",
    ):
        yield address


@contextmanager
def browser(folder: Path) -> Iterator[str]:
    """Headless Chromium behind its WebDriver; the session's address."""
    port = free_port()
    driver = f"http://127.0.0.1:{port}"
    command = [str(DRIVER), f"--port={port}"]
    with running(command, f"{driver}/status", folder / "driver.log"):
        options = {
            "binary": CHROMIUM, "args": [*FLAGS, f"--user-data-dir={folder / 'profile'}"]
        }
        wanted = {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}}
        session = f"{driver}/session/{ask(f'{driver}/session', wanted)['value']['sessionId']}"
        try:
            yield session
        finally:
            ask(session, method="DELETE")


@pytest.mark.browser
@pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs Debian's chromium and chromium-driver")
def test_the_runs_stand_side_by_side_on_mlflows_page(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    names = []
    for seed, method in enumerate(("supervised", "clcc", "clcc")):
        folder = begin(runs, method, seed)
        scores = {"working": {"dice": 0.7}}
        folder.write_json("result.json", {"best": {"step": 30, "dice": 0.9}, "rules": {},
                                          "val": scores, "test": scores})
        folder.update_status(state="finished", finished="2026-01-01T11:00:00+00:00")
        names.append(folder.path.name)
    uri = f"sqlite:///{runs / 'mlflow.db'}"
    sync(runs, uri)
    experiment = MlflowClient(uri).get_experiment_by_name("cclcc/polyps").experiment_id

    with mlflow_server(runs, tmp_path / "server.log") as address, browser(tmp_path) as session:
        ask(f"{session}/url", {"url": view_url(address, experiment)})
        script = {"script": "return document.body.innerText", "args": []}
        text = ""
        for _ in range(600):
            text = ask(f"{session}/execute/sync", script)["value"]
            if all(word in text for word in [*names, *HEADS]):
                break
            time.sleep(0.2)
        picture = tmp_path / "mlflow.png"
        picture.write_bytes(b64decode(ask(f"{session}/screenshot")["value"]))

    assert [word for word in [*names, *HEADS] if word not in text] == [], f"see {picture}"
    assert "cclcc/polyps" in text
    assert picture.stat().st_size > 10_000


def test_a_server_is_mirrored_to_and_its_death_is_one_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = tmp_path / "runs"
    folder = begin(runs, "clcc", 0)
    folder.best_checkpoint.write_bytes(b"weights")
    warnings: list[str] = []
    other = begin(runs, "clcc", 1)

    with mlflow_server(runs, tmp_path / "server.log") as address:
        with LiveMirror(folder, address, warnings.append) as mirror:
            mirror.push()
            folder.update_status(state="finished", finished="2026-01-01T11:00:00+00:00")
            mirror.push()
        assert sync(runs, address)[0].changes == {}
        assert list((runs / "served").rglob("best.pt"))
        lost = LiveMirror(other, address, warnings.append)
        lost.push()
        assert warnings == []
    for step in (40, 50):
        other.append_record(ValidationRecord(step=step, epoch=step / 10, time=1767262000.0 + step))
        lost.push()
    lost.__exit__()

    (warning,) = warnings
    assert "Connection refused" in warning
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("command", "shown"), [
    ("cclcc train recipes/kvasir.yaml --data runs/data", "cclcc train kvasir.yaml"),
    ("__main__.py ablate 'my recipes/terms.yaml'", "cclcc ablate terms.yaml"),
    (None, None),
])
def test_the_source_column_tells_what_was_started(command: str | None, shown: str | None) -> None:
    assert _source(command) == shown
