"""Sending MLflow what it lacks of a run, and what changed by it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import DatasetInput, InputTag, Metric, Param, Run, RunTag

from cclcc_cli.tracking.content import RunContent, milliseconds
from cclcc_cli.tracking.files import UPLOADS_TAG
from cclcc_cli.tracking.tracker import find_experiment


@dataclass
class Pushed:
    """What one push changed in MLflow; all zero and None where it was up to date."""

    folder: Path
    run_id: str | None = None
    created: bool = False
    replaced: int = 0
    params: int = 0
    tags: int = 0
    records: int = 0
    results: int = 0
    datasets: int = 0
    artifacts: int = 0
    status: str | None = None
    skipped: str | None = None
    """Why the folder was skipped, if it was."""
    problem: str | None = None
    """Why the folder cannot be mirrored, if it cannot."""

    @property
    def changes(self) -> dict[str, int | str]:
        """The parts that changed, by name."""
        names = ("created", "replaced", "params", "tags", "records", "results", "datasets",
                 "artifacts", "status")
        return {name: getattr(self, name) for name in names if getattr(self, name)}


def find_or_create(
    client: MlflowClient, content: RunContent, path: Path, pushed: Pushed
) -> str:
    """The id of MLflow's run for a folder; those of earlier starts (``--fresh``) are deleted."""
    experiment = find_experiment(client, content.experiment, path.parent.parent)
    found = client.search_runs([experiment], f"tags.`cclcc.cell` = '{content.run}'")
    same = [run for run in found if run.data.tags.get("cclcc.started") == content.started][:1]
    for run in found:
        if run not in same:
            client.delete_run(run.info.run_id)
            pushed.replaced += 1
    if same:
        return str(same[0].info.run_id)
    pushed.created = True
    run = client.create_run(
        experiment, milliseconds(content.started), content.tags, run_name=path.name
    )
    return str(run.info.run_id)


def send_words(client: MlflowClient, run: Run, content: RunContent, pushed: Pushed) -> None:
    """Parameters, tags, final scores and the data set."""
    run_id, data = run.info.run_id, run.data
    params = [Param(k, v) for k, v in content.params.items() if k not in data.params]
    tags = [RunTag(k, v) for k, v in content.tags.items() if data.tags.get(k) != v]
    results = [m for m in content.results if data.metrics.get(m.key) != m.value]
    for start in range(0, max(len(params), len(tags)), 100):  # a server accepts 100 at a time
        part = slice(start, start + 100)
        client.log_batch(run_id, params=params[part], tags=tags[part], synchronous=True)
    if results:
        client.log_batch(run_id, metrics=results, synchronous=True)
    stale = [key for key in data.tags if key.startswith("cclcc.") and key != UPLOADS_TAG
             and key not in content.tags]
    for key in stale:
        client.delete_tag(run_id, key)
    inputs = run.inputs.dataset_inputs if run.inputs else []
    known = {(i.dataset.name, i.dataset.digest) for i in inputs}
    if (content.dataset.name, content.dataset.digest) not in known:
        context = [InputTag("mlflow.data.context", "training")]
        client.log_inputs(run_id, [DatasetInput(content.dataset, context)])
        pushed.datasets = 1
    pushed.params, pushed.tags = len(params), len(tags) + len(stale)
    pushed.results = len(results)


def batches(
    records: Mapping[int, Sequence[Metric]], known: set[int]
) -> Iterator[tuple[list[int], list[Metric]]]:
    """Validations not yet logged, in batches that MLflow accepts (1,000 metrics)."""
    steps: list[int] = []
    metrics: list[Metric] = []
    for step in [step for step in records if step not in known]:
        if len(metrics) + len(records[step]) > 1000:
            yield steps, metrics
            steps, metrics = [], []
        steps.append(step)
        metrics.extend(records[step])
    if steps:
        yield steps, metrics


def send_status(client: MlflowClient, run: Run, content: RunContent, pushed: Pushed) -> None:
    """Status and end."""
    before = (run.info.status, run.info.end_time)
    if content.ended is not None and before != (content.status, content.ended):
        client.set_terminated(run.info.run_id, content.status, content.ended)
        pushed.status = content.status
    elif content.ended is None and run.info.status != "RUNNING":
        client.update_run(run.info.run_id, "RUNNING")
        pushed.status = content.status
