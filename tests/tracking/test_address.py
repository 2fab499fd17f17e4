"""Where MLflow is, known without loading it."""

from cclcc_cli.tracking.address import tracking_uri


def test_an_address_given_comes_before_the_environment_and_that_before_the_file(
    tmp_path, monkeypatch
):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert tracking_uri(tmp_path) == f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://b")
    assert tracking_uri(tmp_path) == "http://b"
    assert tracking_uri(tmp_path, "http://a") == "http://a"
