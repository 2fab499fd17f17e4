"""Run folders from a tracking server alone: the inverse of ``mirror``.

Without run folders, a report reads the same files and says the same. Weights and pictures stay on
the server.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run

from cclcc_cli.addresses import without_password
from cclcc_cli.runs.plan_record import PLAN, record_path
from cclcc_cli.tracking.content import content_digest
from cclcc_cli.tracking.files import UPLOADS_TAG
from cclcc_cli.tracking.parent import ABLATION_TAG
from cclcc_cli.tracking.tracker import TrackerError, database_file, open_tracker
from cclcc_cli.wording import few, instead

NEEDED = ("cell.json", "status.json")
"""Without these a run cannot be identified."""
FETCHED = (*NEEDED, "result.json", "recipe.yaml", "environment.json", "costs.json", "ablation.json",
           "metrics.jsonl", "val_images.csv", "test_images.csv", "test_masks.npz")
_PREFIX = "cclcc/"
_AT_ONCE = 8
_NAMED = 5
_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def fetch_runs(
    uri: str, root: Path, *, experiments: Sequence[str] = (), ablation: str | None = None
) -> list[str]:
    """Write the finished runs of a server as run folders below ``root``.

    Args:
        uri: of the tracker, which is only read.
        root: an empty folder.
        experiments: MLflow's names; empty for all that cclcc made.
        ablation: only its runs, and its plan.

    Returns:
        Notes on what is left out.

    Raises:
        TrackerError: the server cannot be reached, or has nothing to report.
    """
    _check_exists(uri)
    shown = without_password(uri)
    with open_tracker(uri, patient=True) as client:
        found = list(_search(client, _find_experiments(client, shown, experiments)))
        parents = {run.data.tags[ABLATION_TAG]: run for run in found
                   if ABLATION_TAG in run.data.tags}
        if ablation is not None:
            found = _runs_of(found, parents, ablation, shown)
            parents = {ablation: parents[ablation]}
        runs, notes = _sort(found)
        if not runs:
            raise TrackerError(_nothing(shown, len(found), notes))
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            problems = threads.map(lambda run: _fetch(client, run, root), runs)
            notes += [f"left out: {problem}" for problem in problems if problem]
        for name, run in parents.items():
            if _NAME.fullmatch(name):
                _download(client, run, [PLAN], record_path(root, name).parent)
    return notes


def _check_exists(uri: str) -> None:
    """Reading must not make a database where there is none."""
    if (file := database_file(uri)) is not None and not file.exists():
        raise TrackerError(f"MLflow at {uri}: no such database; give --tracking-uri, or --runs "
                           "with the folder that holds mlflow.db")


def _find_experiments(client: MlflowClient, uri: str, names: Sequence[str]) -> list[str]:
    """Ids of the experiments with these names, or of all that cclcc made."""
    known: dict[str, str] = {}
    token = None
    while True:
        page = client.search_experiments(page_token=token)
        known |= {found.name: str(found.experiment_id) for found in page}
        token = page.token
        if not token:
            break
    missing = [name for name in names if name not in known]
    if missing:
        raise TrackerError(f"MLflow at {uri}: has no experiment called {', '.join(missing)}; "
                           f"{instead(missing[0], sorted(known))}")
    chosen = [known[name] for name in names] if names else [
        number for name, number in known.items() if name.startswith(_PREFIX)]
    if not chosen:
        raise TrackerError(f"MLflow at {uri}: has no experiment of cclcc (cclcc/...); there are: "
                           f"{few(sorted(known), _NAMED) or 'none at all'}; train with "
                           "--tracking-uri, or mirror run folders there with cclcc sync")
    return chosen


def _search(client: MlflowClient, experiments: list[str]) -> Iterator[Run]:
    token = None
    while True:
        page = client.search_runs(experiments, max_results=1000, page_token=token,
                                  order_by=["attributes.start_time ASC",
                                            "attributes.run_name ASC"])
        yield from page
        token = page.token
        if not token:
            return


def _runs_of(
    found: Sequence[Run], parents: dict[str, Run], ablation: str, uri: str
) -> list[Run]:
    ids = {run.info.run_id for run in found if run.data.tags.get(ABLATION_TAG) == ablation}
    if not ids:
        raise TrackerError(f"--ablation {ablation}: MLflow at {uri} has no ablation of this name; "
                           f"{instead(ablation, sorted(parents))}")
    return [run for run in found if run.data.tags.get("mlflow.parentRunId") in ids]


def _sort(found: Iterable[Run]) -> tuple[list[Run], list[str]]:
    """Finished runs, and notes on the others."""
    runs, foreign, unfinished = [], [], defaultdict(list)
    for run in found:
        if not any(tag.startswith("cclcc.") for tag in run.data.tags):
            foreign.append(str(run.info.run_name))
        elif "cclcc.cell" not in run.data.tags:
            continue  # an ablation or a search: its children are the runs
        elif run.info.status != "FINISHED":
            unfinished[run.info.status.lower()].append(_relative_path(run))
        else:
            runs.append(run)
    notes = [f"left out, {len(names)} {state} on the server: {few(sorted(names), _NAMED)}"
             for state, names in sorted(unfinished.items())]
    if foreign:
        notes.append(f"left out, {len(foreign)} that cclcc did not make: "
                     f"{few(sorted(foreign), _NAMED)}")
    return runs, notes


def _fetch(client: MlflowClient, run: Run, root: Path) -> str | None:
    """Download a run's files; returns why it is left out, and then leaves no folder of it."""
    name = _relative_path(run)
    folder = root / name
    if folder.exists():
        folder = folder.with_name(f"{folder.name}-{run.info.run_id[:8]}")
    fetched = _download(client, run, FETCHED, folder)
    missing = [name for name in NEEDED if name not in fetched]
    known = json.loads(run.data.tags.get(UPLOADS_TAG, "{}"))
    damaged = [name for name in FETCHED if name in known and (
        name not in fetched or content_digest(folder / name) != known[name])]
    if missing:
        reason = (f"{', '.join(missing)} missing on the server; cclcc sync from its run folder "
                  "sends what is missing")
    elif damaged:
        reason = (f"{', '.join(damaged)} damaged on the server; cclcc sync from its run folder "
                  "sends it again")
    else:
        return None
    for file in fetched:
        (folder / file).unlink()
    return f"{name}: {reason}"


def _download(
    client: MlflowClient, run: Run, names: Sequence[str], folder: Path
) -> list[str]:
    """Download those of the files that the server has; returns their names."""
    run_id = run.info.run_id
    listed = {file.path for file in client.list_artifacts(run_id)}
    there = [name for name in names if name in listed]
    if there:
        folder.mkdir(parents=True, exist_ok=True)
    for name in there:
        client.download_artifacts(run_id, name, str(folder))
    return there


def _relative_path(run: Run) -> str:
    """The original ``<data set>/<run>``, unless what the server says is not such a path."""
    path = run.data.tags.get("cclcc.folder", "")
    return path if _FOLDER.fullmatch(path) else f"runs/{run.info.run_id}"


def _nothing(uri: str, count: int, notes: Sequence[str]) -> str:
    if not count:
        return (f"MLflow at {uri}: has no run to report; train with --tracking-uri, or mirror run "
                "folders there with cclcc sync")
    return f"MLflow at {uri}: has no finished run of cclcc ({'; '.join(notes)})"
