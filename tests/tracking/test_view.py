"""The view that MLflow's page offers; that the page understands it, ``test_page`` shows."""

import base64
import json
import zlib
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from mlflow import MlflowClient

from cclcc_cli.tracking.tracker import find_experiment
from cclcc_cli.tracking.view import COLUMNS, NAME, has_view, view_url

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")


def test_every_experiment_gets_it_once_and_keeps_what_is_made_of_it(
    tmp_path, make_database
):
    client = MlflowClient(make_database(tmp_path / "mlflow.db"))
    number = find_experiment(client, "cclcc/polyps", tmp_path)
    (key,) = client.get_experiment(number).tags
    view = json.loads(client.get_experiment(number).tags[key])
    state = json.loads(zlib.decompress(base64.b64decode(view["state"].removeprefix("deflate;"))))
    assert view["name"] == NAME
    assert state["selectedColumns"] == list(COLUMNS)
    client.set_experiment_tag(number, key, "changed")
    assert find_experiment(client, "cclcc/polyps", tmp_path) == number
    assert client.get_experiment(number).tags[key] == "changed"
    assert view_url("http://h:5000/", number) == (
        f"http://h:5000/#/experiments/{number}/runs?viewStateShareKey="
        f"{key.removeprefix('mlflow.sharedViewState.')}")
    assert not has_view(client.get_experiment(client.create_experiment("others")))


def test_processes_that_start_at_once_share_one_experiment_with_the_view(tmp_path, make_database):
    client = MlflowClient(make_database(tmp_path / "mlflow.db"))
    together = Barrier(3)

    def start(number: int) -> str:
        together.wait()
        return find_experiment(client, f"cclcc/{number}", tmp_path)

    with ThreadPoolExecutor(3) as threads:
        for number in range(10):
            (found,) = set(threads.map(start, [number] * 3))
            assert has_view(client.get_experiment(found))
