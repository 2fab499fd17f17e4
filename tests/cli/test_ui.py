"""``cclcc ui`` with the real servers, from the first line to Ctrl-C."""

import re
import signal
import subprocess
import urllib.request

import optuna
import psutil
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from cclcc_cli.sweeps.search.storage import journal_path
from tests import warm


def test_errors_are_one_line(cclcc):
    done = cclcc("ui", "--runs", "nowhere")
    assert done.returncode == 2
    assert re.fullmatch(r"error: .*nowhere/mlflow.db: no MLflow store there yet.*\n", done.stderr)
    done = cclcc("ui", "--tracking-uri", "http://127.0.0.1:9")
    assert done.returncode == 2
    assert done.stderr.startswith("error: no MLflow server answers at http://127.0.0.1:9")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*is experimental")
def test_both_pages_answer_and_ctrl_c_leaves_nothing(
    tmp_path, command_line, environment, make_database
):
    pytest.importorskip("optuna_dashboard")
    runs = tmp_path / "runs"
    journal = journal_path(runs, "weights")
    journal.parent.mkdir(parents=True)
    optuna.create_study(storage=JournalStorage(JournalFileBackend(str(journal))),
                        study_name="weights")
    make_database(runs / "mlflow.db")
    environment.pop("MLFLOW_TRACKING_URI", None)
    process = warm.Popen(
        command_line("ui", "--port", 0, "--dashboard", "weights", "--dashboard-port", 0),
        cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    lines = [process.stdout.readline() for _ in range(2)]
    urls = [re.search(r"http://\S+", line)[0] for line in lines]
    assert lines[0].startswith("MLflow: ")
    assert lines[1].startswith("Optuna's dashboard: ")
    pages = [urllib.request.urlopen(url, timeout=60).read().decode() for url in urls]
    assert "MLflow" in pages[0]
    assert "Optuna Dashboard" in pages[1]
    left = psutil.Process(process.pid).children(recursive=True)
    assert len(left) >= 4
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=100)
    assert process.returncode == 0
    assert told.endswith("ended\n")
    assert psutil.wait_procs(left, timeout=30)[1] == []
    assert {path.name for path in tmp_path.iterdir()} == {"runs"}
