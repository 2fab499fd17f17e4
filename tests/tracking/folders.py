"""Run folders as a training leaves them, and what MLflow then holds: for the tests of tracking."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlflow import MlflowClient

from cclcc_cli.runs.folder import RunFolder
from cclcc_cli.runs.records import ValidationRecord

STARTED = "2026-01-01T10:00:00+00:00"
ENDED = "2026-01-01T11:00:00+00:00"
ENDED_MS = 1767265200000


def begin(root: Path, seed: int = 0, started: str = STARTED) -> RunFolder:
    """A run folder as it is when its training has begun."""
    folder = RunFolder(root / "polyps-64" / f"clcc-8labels-seed{seed}")
    folder.write_json("cell.json", {
        "digest": f"{seed:064x}", "arm": "a" * 64, "format": 1,
        "recipe": {"name": "plain", "method": "clcc", "seed": seed,
                   "clcc": {"grid": 5, "symmetric": False},
                   "model": {"widths": [4, 8]}, "ema_decay": None},
        "data": {"name": "polyps", "size": 64, "digest": "d" * 64}, "split_digest": "5" * 64,
        "splits": {"rule": "cut"}, "leaked": {"val": [], "test": ["a"]},
        "labeled": {"count": 8, "share": 0.1, "of": 80},
        "runtime": {"device": "cpu", "precision": "fp32", "threads": None},
    })
    folder.write_json("environment.json", {
        "cclcc": "0.1.0", "packages": {"torch": "2.13.0"}, "gpu": None, "git_commit": "c0ffee",
        "command": "cclcc train quickstart.yaml",
    })
    folder.write_text("recipe.yaml", "method: clcc\n")
    folder.update_status(state="running", started=started, updated=started, finished=None,
                         error=None, test_reads=0)
    return folder


def record(step: int, moment: float = 1767262000.0, **val: float) -> ValidationRecord:
    return ValidationRecord(
        step=step, epoch=step / 10, lr=0.001,
        train={"total": 1 / step, "contrast": 2 / step}, val={"dice": 1 - 1 / step, **val},
        images_per_second=12.5, time=moment + step,
    )


def finish(folder: RunFolder) -> None:
    """What the end of a training adds."""
    scores = {"working": {"dice": 0.8, "hd95": 4.5}, "own": {"dice": 0.75, "hd95": 9.0}}
    folder.write_json("result.json", {
        "best": {"step": 20, "dice": 0.95}, "rules": {"threshold": 0.5},
        "val": scores, "test": scores,
    })
    folder.write_json("costs.json", {
        "parameters": {"predictor": 10}, "peak_memory": {"bytes": 2048, "of": "process"},
    })
    folder.write_text("test_images.csv", "stem,dice\na,0.8\n")
    folder.best_checkpoint.write_bytes(b"weights")
    folder.overlays.mkdir()
    (folder.overlays / "000001.png").write_bytes(b"picture")
    folder.update_status(state="finished", updated=ENDED, finished=ENDED, test_reads=1)


def finished(root: Path, seed: int = 0, steps: Sequence[int] = (10, 20, 30)) -> RunFolder:
    folder = begin(root, seed)
    for step in steps:
        folder.append_record(record(step))
    finish(folder)
    return folder


def held(uri: str) -> list[dict[str, Any]]:
    """Everything MLflow holds of its runs, but for ids and system metrics."""
    client = MlflowClient(uri)
    experiments = [e.experiment_id for e in client.search_experiments()]
    found = []
    for run in client.search_runs(experiments, order_by=["tags.`cclcc.cell`"]):
        run_id = run.info.run_id
        artifacts = [f.path for f in client.list_artifacts(run_id) if not f.is_dir]
        artifacts += [f.path for f in client.list_artifacts(run_id, "overlays")]
        found.append({
            "name": run.info.run_name,
            "experiment": client.get_experiment(run.info.experiment_id).name,
            "status": run.info.status, "start": run.info.start_time, "end": run.info.end_time,
            "params": run.data.params, "tags": run.data.tags,
            "metrics": {
                key: [(m.step, m.value, m.timestamp)
                      for m in client.get_metric_history(run_id, key)]
                for key in sorted(run.data.metrics) if not key.startswith("system/")
            },
            "data": [(i.dataset.name, i.dataset.digest, i.tags[0].value)
                     for i in run.inputs.dataset_inputs],
            "artifacts": sorted(artifacts),
        })
    return found


def steps_held(uri: str, key: str = "val/dice") -> list[int]:
    (run,) = held(uri)
    return [step for step, _, _ in run["metrics"][key]]
