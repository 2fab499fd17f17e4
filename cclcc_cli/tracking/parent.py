"""An ablation or a search in MLflow: a run whose children are its runs.

There is one in each data set's experiment.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock
from mlflow import MlflowClient

from cclcc_cli.errors import RunError
from cclcc_cli.runs.folder import RunFolder
from cclcc_cli.tracking.address import LOCK_PATIENCE
from cclcc_cli.tracking.tracker import connect, our_experiments, talking_to

ABLATION_TAG = "cclcc.ablation"
"""On the parent alone; children bear ``mlflow.parentRunId``."""


@dataclass(frozen=True)
class Kind:
    """What has runs.

    Attributes:
        tag: bears its name, on the parent alone.
        folder: where those of its kind are kept below the runs' root.
    """

    tag: str
    folder: str


ABLATION = Kind(ABLATION_TAG, "ablations")
SEARCH = Kind("cclcc.search", "searches")


def find_parent(
    client: MlflowClient, experiment: str, name: str, runs_root: Path, kind: Kind = ABLATION
) -> str:
    """The run of an ablation or search in an experiment, made where there is none; any number
    may ask.

    Args:
        client: of the tracker.
        experiment: its id.
        name: of the ablation or search.
        runs_root: whose it is; askers from elsewhere do not see the lock in it.
        kind: which of the two it is.
    """
    place = runs_root / kind.folder / name
    place.mkdir(parents=True, exist_ok=True)
    with FileLock(place / "mlflow.lock", timeout=LOCK_PATIENCE):
        found = client.search_runs([experiment], f"tags.`{kind.tag}` = '{name}'")
        if found:
            return str(found[0].info.run_id)
        tags = {kind.tag: name, "mlflow.source.type": "LOCAL"}
        return str(client.create_run(experiment, tags=tags, run_name=name).info.run_id)


def settle_parents(uri: str, folders: Iterable[RunFolder]) -> None:
    """End the runs of ablations and searches that say they run while no run of theirs does.

    Raises:
        TrackerError: MLflow failed.
    """
    standings: defaultdict[str, set[str]] = defaultdict(set)
    searches: defaultdict[str, set[str]] = defaultdict(set)
    for folder in folders:
        try:
            if folder.ablation is not None:
                standings[folder.ablation].add(folder.standing)
            elif (trial := folder.trial) is not None:
                searches[trial["name"]].add(folder.standing)
        except RunError:
            continue  # who mirrors the folder has told it
    for name, found in standings.items():
        if "running" not in found:
            ended = "FAILED" if "failed" in found else "KILLED"
            status = "FINISHED" if found == {"done"} else ended
            mark_parents(uri, name, status, _RUNNING)
    for name, found in searches.items():
        if "running" not in found:  # a trial may fail or be pruned, and the search goes on
            status = "KILLED" if found & {"stopped", "killed", "to do"} else "FINISHED"
            mark_parents(uri, name, status, _RUNNING, SEARCH)


_RUNNING = "attributes.status = 'RUNNING'"


def mark_parents(
    uri: str, name: str, status: str, where: str | None = None, kind: Kind = ABLATION
) -> None:
    """Set the status of an ablation's or search's runs, in whichever experiments they are.

    Args:
        uri: of the tracker.
        name: of the ablation or search.
        status: MLflow's word.
        where: a further condition on the runs, in MLflow's words.
        kind: which of the two it is.

    Raises:
        TrackerError: MLflow failed.
    """
    with talking_to(uri):
        client = connect(uri)
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
