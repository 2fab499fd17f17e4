"""An ablation or a search in MLflow: a parent of its runs, one in each data set's experiment."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock
from mlflow import MlflowClient

from cclcc_cli.errors import RunError
from cclcc_cli.runs.folder import RunFolder
from cclcc_cli.tracking.address import LOCK_PATIENCE
from cclcc_cli.tracking.tracker import open_tracker, our_experiments

ABLATION_TAG = "cclcc.ablation"
"""On the parent alone; its children have ``mlflow.parentRunId``."""


@dataclass(frozen=True)
class Kind:
    """Ablations, or searches.

    Attributes:
        tag: of the parent alone; holds the name.
        folder: where their folders are, in the runs folder.
    """

    tag: str
    folder: str


ABLATION = Kind(ABLATION_TAG, "ablations")
SEARCH = Kind("cclcc.search", "searches")


def find_parent(
    client: MlflowClient, experiment: str, name: str, runs_root: Path, kind: Kind = ABLATION
) -> str:
    """The id of an ablation's or search's run in an experiment, created where there is none.

    Any number of processes that use the same runs folder may call this at once.

    Args:
        client: of the tracker.
        experiment: its id.
        name: of the ablation or search.
        runs_root: holds the ablation or search.
        kind: which of the two it is.
    """
    folder = runs_root / kind.folder / name
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "mlflow.lock", timeout=LOCK_PATIENCE):
        found = client.search_runs([experiment], f"tags.`{kind.tag}` = '{name}'")
        if found:
            return str(found[0].info.run_id)
        tags = {kind.tag: name, "mlflow.source.type": "LOCAL"}
        return str(client.create_run(experiment, tags=tags, run_name=name).info.run_id)


def settle_parents(uri: str, folders: Iterable[RunFolder]) -> None:
    """End the parents of ablations and searches that are marked as running but have no live run.

    Raises:
        TrackerError: MLflow failed.
    """
    ablations: defaultdict[str, set[str]] = defaultdict(set)
    searches: defaultdict[str, set[str]] = defaultdict(set)
    for folder in folders:
        try:
            if folder.ablation is not None:
                ablations[folder.ablation].add(folder.state)
            elif (trial := folder.trial) is not None:
                searches[trial.search].add(folder.state)
        except RunError:
            continue  # reported where the folder is mirrored
    for name, found in ablations.items():
        if "running" not in found:
            ended = "FAILED" if "failed" in found else "KILLED"
            status = "FINISHED" if found == {"done"} else ended
            mark_parents(uri, name, status, _RUNNING)
    for name, found in searches.items():
        if "running" not in found:  # trials may fail or be pruned without ending the search
            status = "KILLED" if found & {"stopped", "killed", "to do"} else "FINISHED"
            mark_parents(uri, name, status, _RUNNING, SEARCH)


_RUNNING = "attributes.status = 'RUNNING'"


def mark_parents(
    uri: str, name: str, status: str, where: str | None = None, kind: Kind = ABLATION
) -> None:
    """Set the status of an ablation's or search's parents, in all experiments.

    Args:
        uri: of the tracker.
        name: of the ablation or search.
        status: MLflow's word.
        where: a further condition on the parents, in MLflow's search syntax.
        kind: which of the two it is.

    Raises:
        TrackerError: MLflow failed.
    """
    with open_tracker(uri) as client:
        experiments = [one.experiment_id for one in our_experiments(client)]
        if not experiments:
            return
        condition = f"tags.`{kind.tag}` = '{name}'"
        for run in client.search_runs(experiments, f"{condition} AND {where}" if where
                                      else condition):
            if status == "RUNNING":
                client.update_run(run.info.run_id, status)
            else:
                client.set_terminated(run.info.run_id, status)
