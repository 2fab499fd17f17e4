"""Which pages are opened on what, and what is refused."""

import pytest

from cclcc_cli.errors import RunError
from cclcc_cli.tracking.tracker import TrackerError
from cclcc_cli.tracking.ui import check_server, is_server, mlflow_pages

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")


def test_a_store_that_is_not_there_is_not_made(tmp_path):
    with pytest.raises(RunError, match="no MLflow store there yet; cclcc train"):
        mlflow_pages(f"sqlite:///{tmp_path / 'mlflow.db'}", "127.0.0.1", 0)
    assert not (tmp_path / "mlflow.db").exists()


def test_a_file_that_is_no_store_is_refused(tmp_path):
    (tmp_path / "mlflow.db").write_text("x" * 5000)
    with pytest.raises(TrackerError, match="file is not a database"):
        mlflow_pages(f"sqlite:///{tmp_path / 'mlflow.db'}", "127.0.0.1", 0)


def test_an_address_stays_out_of_the_command(tmp_path, make_database):
    uri = make_database(tmp_path / "mlflow.db")
    server = mlflow_pages(uri, "127.0.0.1", 0)
    assert uri not in " ".join(server.command)
    assert server.environment["MLFLOW_BACKEND_STORE_URI"] == uri
    assert server.url.startswith("http://127.0.0.1:")


def test_a_server_needs_none_of_ours_but_must_answer():
    assert is_server("http://tracking:5000")
    assert not is_server("sqlite:///x.db")
    with pytest.raises(TrackerError, match="no MLflow server answers at http://127.0.0.1:9"):
        check_server("http://127.0.0.1:9")
