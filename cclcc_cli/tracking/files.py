"""Files of run folders and ablations as artifacts: sent where MLflow's are missing or differ."""

import json
from collections.abc import Iterable
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run

from cclcc_cli.runs.plan_record import PLAN, REPORT, record_path
from cclcc_cli.tracking.content import content_digest
from cclcc_cli.tracking.parent import ABLATION_TAG
from cclcc_cli.tracking.tracker import open_tracker, our_experiments

UPLOADS_TAG = "cclcc.uploads"
"""The tag of a run with the digest of each file that was sent, by name."""
PARENT_FILES = (PLAN, REPORT)
"""Files of ``<runs>/ablations/<name>`` that go to the ablation's own run."""


def send_files(client: MlflowClient, run: Run, folder: Path, names: Iterable[str]) -> int:
    """Send the files that MLflow lacks or holds in another version; returns their number.

    Args:
        client: of the tracker.
        run: receives the artifacts.
        folder: holds the files.
        names: of files or folders in it; missing ones are skipped.
    """
    run_id, sent = run.info.run_id, 0
    known: dict[str, str] = json.loads(run.data.tags.get(UPLOADS_TAG, "{}"))
    listed = {file.path for file in client.list_artifacts(run_id)}
    for path in [folder / name for name in names if (folder / name).exists()]:
        digest = content_digest(path)
        if path.name in listed and known.get(path.name) == digest:
            continue
        if path.is_dir():
            client.log_artifacts(run_id, str(path), path.name)
        else:
            client.log_artifact(run_id, str(path))
        known[path.name] = digest
        sent += 1
    if sent:
        client.set_tag(run_id, UPLOADS_TAG, json.dumps(known))
    return sent


def push_parents(uri: str, runs_root: Path, names: Iterable[str] | None = None) -> int:
    """Send plans and reports of ablations to their runs in MLflow; returns the number of files.

    Args:
        uri: of the tracker.
        runs_root: holds ``ablations/<name>``.
        names: of ablations; None: all that have a folder.

    Raises:
        TrackerError: MLflow failed.
    """
    if names is None:
        names = sorted(path.name for path in runs_root.glob("ablations/*") if path.is_dir())
    wanted = set(names)
    if not wanted:
        return 0
    with open_tracker(uri, patient=True) as client:
        experiments = [one.experiment_id for one in our_experiments(client)]
        if not experiments:
            return 0
        parents = client.search_runs(experiments, f"tags.`{ABLATION_TAG}` LIKE '%'")
        return sum(
            send_files(client, run, record_path(runs_root, name).parent, PARENT_FILES)
            for run in parents if (name := run.data.tags[ABLATION_TAG]) in wanted)
