"""A saved view of MLflow's table of runs, with the columns that people compare.

MLflow 3 keeps a saved view as an experiment's tag: the page's state, deflated; its documentation
does not describe it. Versions without saved views show their own columns.
"""

import base64
import json
import time
import zlib

from mlflow.entities import Experiment

NAME = "comparison"
_KEY = "cclcc"
_TAG = f"mlflow.sharedViewState.{_KEY}"
COLUMNS = (
    "params.`name`", "params.`method`", "params.`labeled.count`", "params.`seed`",
    "params.`budget.steps`", "metrics.`test/dice`", "metrics.`test/iou`", "metrics.`test/hd95`",
    "metrics.`best_val/dice`", "metrics.`costs/images_per_second`",
)


def view_tags() -> dict[str, str]:
    """The tags that an experiment is created with; whoever changes or deletes the view later, may.

    A tag set afterwards would fail where two processes set it at once.
    """
    now = round(time.time() * 1000)
    view = {"name": NAME, "createdAt": now, "updatedAt": now, "state": _pack(_state())}
    return {_TAG: json.dumps(view)}


def has_view(experiment: Experiment) -> bool:
    return _TAG in experiment.tags


def view_url(pages: str, experiment_id: str) -> str:
    """The address of the view.

    Args:
        pages: MLflow's address.
        experiment_id: of an experiment with the view.
    """
    return f"{pages.rstrip('/')}/#/experiments/{experiment_id}/runs?viewStateShareKey={_KEY}"


def _state() -> dict[str, object]:
    return {
        "searchFilter": "", "orderByKey": "attributes.start_time", "orderByAsc": False,
        "startTime": "ALL", "lifecycleFilter": "Active", "datasetsFilter": [],
        "modelVersionFilter": "All Runs", "selectedColumns": list(COLUMNS), "runsExpanded": {},
        "runsPinned": [], "runsHidden": [],
    }


def _pack(state: dict[str, object]) -> str:
    return "deflate;" + base64.b64encode(zlib.compress(json.dumps(state).encode())).decode()
