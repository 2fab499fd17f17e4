"""A run folder in MLflow's words: what its run there should hold."""

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

from cclcc_cli.runs.folder import RunFolder

_STATUS = {"running": "RUNNING", "finished": "FINISHED", "stopped": "KILLED", "failed": "FAILED",
           "pruned": "KILLED", "validated": "FINISHED"}
STEP_KEY = "epoch"
"""Every record has it and it is finite: a step counts as logged where this metric has it."""


@dataclass(frozen=True)
class Content:
    """A run folder in MLflow's words."""

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


def read_content(folder: RunFolder, alive: bool) -> Content:
    run, status, trial = folder.read_json("cell.json"), folder.status, folder.trial
    environment, result = folder.read_json("environment.json"), folder.read_json("result.json")
    missing: Counter[str] = Counter()
    records = {int(r["step"]): _record_metrics(r, missing) for r in folder.records()}
    state = status["state"] if alive or status["state"] != "running" else "stopped"
    ended = None if state == "running" else milliseconds(status["finished"] or status["updated"])
    tags = {
        "cclcc.cell": run["digest"],
        "cclcc.arm": run["arm"],
        "cclcc.folder": f"{folder.path.parent.name}/{folder.path.name}",
        "cclcc.started": status["started"],
        "cclcc.data_digest": run["data"]["digest"],
        "cclcc.split_digest": run["split_digest"],
        "cclcc.split_rule": run["splits"]["rule"],
        **{f"cclcc.leaked.{split}": len(stems) for split, stems in run["leaked"].items()},
        "cclcc.error": status["error"],
        "cclcc.test_reads": status["test_reads"],
        "cclcc.not_logged": ", ".join(
            f"{key}: {count} not a finite number" for key, count in sorted(missing.items())
        ) or None,
        "mlflow.source.type": "LOCAL",
        "mlflow.source.name": _source((environment or {}).get("command")),
        "mlflow.source.git.commit": (environment or {}).get("git_commit"),
        **_flat(run["runtime"], "cclcc.", "."),
        **{f"cclcc.env.{key}": _words(value) for key, value in (environment or {}).items()},
        **{f"cclcc.{key}": _words(value) for key, value in (result or {}).items()
           if key.endswith("rules")},
    }
    params = {**_flat(run["recipe"], "", "."), **_flat(run["labeled"], "labeled.", ".")}
    if trial is not None:  # by its short names, which are what one compares in a table
        params |= {"trial": trial["trial"], **{f"trial.{k}": v for k, v in trial["params"].items()}}
    return Content(
        run=run["digest"],
        ablation=folder.ablation,
        search=trial["name"] if trial else None,
        started=status["started"],
        experiment=f"cclcc/{run['data']['name']}",
        status=_STATUS[state],
        ended=ended,
        params={key: _text(value)[:6000] for key, value in params.items()},
        tags={key: _text(value)[:5000] for key, value in tags.items() if value is not None},
        records=records,
        results=_result_metrics(
            result, folder.read_json("costs.json"), ended or milliseconds(status["updated"])
        ),
        dataset=_dataset(run),
    )


def _flat(nested: Mapping[str, Any], prefix: str, separator: str) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}{separator}", separator)
        else:
            flat[prefix + key] = value
    return flat


def _words(value: Any) -> Any:
    """What belongs together as one tag: each tag is a column that can be chosen."""
    if not isinstance(value, Mapping):
        return value
    return "; ".join(f"{key}: {_text(inner)}" for key, inner in value.items()) or None


def _source(command: str | None) -> str | None:
    """A command as the column shows it: MLflow keeps what follows the last slash, options and all.

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
    return round(datetime.fromisoformat(moment).timestamp() * 1000)


def _record_metrics(record: Mapping[str, Any], missing: Counter[str]) -> list[Metric]:
    """One record's finite numbers; the others (MLflow would store inf as 1.8e308) are counted."""
    values = _flat({k: v for k, v in record.items() if k not in ("step", "time")}, "", "/")
    finite = {k: float(v) for k, v in values.items() if v is not None and math.isfinite(v)}
    missing.update(values.keys() - finite.keys())
    moment, step = round(record["time"] * 1000), int(record["step"])
    return [Metric(key, value, moment, step) for key, value in finite.items()]


def _result_metrics(
    result: Mapping[str, Any] | None, costs: Mapping[str, Any] | None, moment: int
) -> list[Metric]:
    """Mean scores of the best checkpoint, at its step, and costs; ``_own`` is the own size."""
    if result is None:
        return []
    values = _flat(result["best"], "best/", "/")
    for split, name in (("val", "best_val"), ("test", "test")):
        for size, suffix in (("working", ""), ("own", "_own")):
            values |= _flat((result[split] or {}).get(size) or {}, f"{name}{suffix}/", "/")
    numbers = _flat(costs or {}, "costs/", "/").items()
    values |= {key: value for key, value in numbers if not isinstance(value, str)}
    step = int(result["best"]["step"])
    return [Metric(key, float(value), moment, step) for key, value in values.items()
            if value is not None and math.isfinite(value)]


def _dataset(run: Mapping[str, Any]) -> Dataset:
    """The data by name and digest alone (MLflow takes 36 characters of it)."""
    data = run["data"]
    source = json.dumps({"uri": f"cclcc:{data['name']}/{data['size']}", "digest": data["digest"]})
    profile = json.dumps({"size": data["size"], "labeled": run["labeled"]})
    return Dataset(data["name"], data["digest"][:36], "cclcc", source, profile=profile)


def content_digest(path: Path) -> str:
    """Of a file, or of the names and bytes of a folder's files."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]
    inside = [f"{p.name} {content_digest(p)}" for p in sorted(path.iterdir())]
    return hashlib.sha256("\n".join(inside).encode()).hexdigest()[:16]
