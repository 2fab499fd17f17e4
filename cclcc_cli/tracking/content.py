"""A run folder in MLflow's terms: what its run there should hold."""

import hashlib
import json
import math
import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from pathlib import Path
from typing import Any

from mlflow.entities import Dataset, Metric

from cclcc_cli.errors import RunError
from cclcc_cli.records import flatten
from cclcc_cli.runs.folder import RunFolder
from cclcc_cli.runs.records import CostsRecord, ResultRecord, RunRecord, ValidationRecord

_STATUS = {"running": "RUNNING", "finished": "FINISHED", "stopped": "KILLED", "failed": "FAILED",
           "pruned": "KILLED", "validated": "FINISHED"}
STEP_KEY = "epoch"
"""Every validation has it, and it is finite: a step counts as logged if this metric has it."""


@dataclass(frozen=True)
class RunContent:
    """A run folder in MLflow's terms.

    Attributes:
        run: the run's digest.
        ablation: the one that the run belongs to.
        search: likewise.
        started: when the run first started; a run that starts afresh is another run in MLflow.
        experiment: name of the data set's experiment.
        status: MLflow's word.
        ended: in milliseconds since 1970; None while the run is running.
        records: metrics of each validation, by step.
        results: final scores and costs.
    """

    run: str
    ablation: str | None
    search: str | None
    started: str
    experiment: str
    status: str
    ended: int | None
    params: dict[str, str]
    tags: dict[str, str]
    records: dict[int, list[Metric]]
    results: list[Metric]
    dataset: Dataset


def read_content(folder: RunFolder, alive: bool) -> RunContent:
    """What MLflow should hold of a run that has started.

    Args:
        folder: of the run.
        alive: whether a process trains it; without one, a run recorded as running was killed.

    Raises:
        RunError: a record is missing or damaged.
    """
    run, status, trial = folder.run, folder.status, folder.trial
    environment, result = folder.environment, folder.result
    if run is None or status.state is None or status.started is None or status.updated is None:
        raise RunError(f"{folder.path}: its cell.json or status.json is incomplete; run with "
                       "--fresh to start again")
    missing: Counter[str] = Counter()
    records = {record.step: _record_metrics(record, missing) for record in folder.records()}
    state = status.state if alive or status.state != "running" else "stopped"
    ended = None if state == "running" else milliseconds(status.finished or status.updated)
    surroundings = environment.plain() if environment else {}
    tags = {
        "cclcc.cell": run.digest,
        "cclcc.arm": run.group,
        "cclcc.folder": f"{folder.path.parent.name}/{folder.path.name}",
        "cclcc.started": status.started,
        "cclcc.data_digest": run.data.digest,
        "cclcc.split_digest": run.split_digest,
        "cclcc.split_rule": run.splits.rule if run.splits else None,
        **{f"cclcc.leaked.{split}": len(stems) for split, stems in (run.leaked or {}).items()},
        "cclcc.error": status.error,
        "cclcc.test_reads": status.test_reads,
        "cclcc.not_logged": ", ".join(
            f"{key}: {count} not a finite number" for key, count in sorted(missing.items())
        ) or None,
        "mlflow.source.type": "LOCAL",
        "mlflow.source.name": _source(environment.command) if environment else None,
        "mlflow.source.git.commit": environment.git_commit if environment else None,
        **flatten(run.runtime.plain(), "cclcc."),
        **{f"cclcc.env.{key}": _joined(value) for key, value in surroundings.items()},
        **({"cclcc.rules": _joined(result.rules),
            "cclcc.validation_rules": _joined(result.validation_rules)} if result else {}),
    }
    params = {**flatten(run.recipe.values), **flatten(run.labeled.plain(), "labeled.")}
    if trial is not None:  # by its short keys, which are what one compares in a table
        params |= {"trial": trial.number,
                   **{f"trial.{key}": value for key, value in trial.setting.items()}}
    return RunContent(
        run=run.digest,
        ablation=folder.ablation,
        search=trial.search if trial else None,
        started=status.started,
        experiment=f"cclcc/{run.data.name}",
        status=_STATUS[state],
        ended=ended,
        params={key: _text(value)[:6000] for key, value in params.items()},
        tags={key: _text(value)[:5000] for key, value in tags.items() if value is not None},
        records=records,
        results=_result_metrics(result, folder.costs, ended or milliseconds(status.updated)),
        dataset=_dataset(run),
    )


def _joined(value: Any) -> Any:
    """A mapping as the text of one tag: each tag is a column that can be chosen."""
    if not isinstance(value, Mapping):
        return value
    return "; ".join(f"{key}: {_text(inner)}" for key, inner in value.items()) or None


def _source(command: str | None) -> str | None:
    """A command for the column of sources: MLflow shows what follows the last slash.

    By hand: ``cclcc train recipes/kvasir.yaml --data runs/data`` is ``cclcc train kvasir.yaml``.
    """
    if command is None:
        return None
    words = list(takewhile(lambda word: not word.startswith("-"), shlex.split(command)[1:]))
    return " ".join(["cclcc", *(Path(word).name for word in words)])


def _text(value: Any) -> str:
    """As a recipe writes it: ``true``, ``null``, ``[16, 32]``."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def milliseconds(moment: str) -> int:
    """Since 1970, of a time in ISO 8601."""
    return round(datetime.fromisoformat(moment).timestamp() * 1000)


def _record_metrics(record: ValidationRecord, missing: Counter[str]) -> list[Metric]:
    """A validation's finite numbers; the others (MLflow stores inf as 1.8e308) are counted."""
    said = record.plain()
    moment = round(said.pop("time", 0.0) * 1000)
    values = flatten({key: value for key, value in said.items() if key != "step"}, separator="/")
    finite = {key: float(value) for key, value in values.items() if math.isfinite(value)}
    missing.update(values.keys() - finite.keys())
    return [Metric(key, value, moment, record.step) for key, value in finite.items()]


def _result_metrics(
    result: ResultRecord | None, costs: CostsRecord | None, moment: int
) -> list[Metric]:
    """Mean scores of the best checkpoint, at its step, and costs; ``_own`` is the own size."""
    if result is None:
        return []
    values = flatten(result.best.plain() if result.best else {}, "best/", "/")
    step = (result.best.step if result.best else result.steps) or 0
    for scores, name in ((result.val, "best_val"), (result.test, "test")):
        if scores is not None:
            values |= flatten(scores.working, f"{name}/", "/")
            values |= flatten(scores.own or {}, f"{name}_own/", "/")
    numbers = flatten(costs.plain() if costs else {}, "costs/", "/").items()
    values |= {key: value for key, value in numbers if not isinstance(value, str)}
    return [Metric(key, float(value), moment, step) for key, value in values.items()
            if value is not None and math.isfinite(value)]


def _dataset(run: RunRecord) -> Dataset:
    """The data by name and digest alone (MLflow takes 36 characters of it)."""
    data = run.data
    source = json.dumps({"uri": f"cclcc:{data.name}/{data.size}", "digest": data.digest})
    profile = json.dumps({"size": data.size, "labeled": run.labeled.plain()})
    return Dataset(data.name, data.digest[:36], "cclcc", source, profile=profile)


def content_digest(path: Path) -> str:
    """The digest of a file, or of the names and bytes of a folder's files."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]
    inside = [f"{p.name} {content_digest(p)}" for p in sorted(path.iterdir())]
    return hashlib.sha256("\n".join(inside).encode()).hexdigest()[:16]
