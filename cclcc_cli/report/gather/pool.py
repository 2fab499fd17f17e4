"""Runs that differ by fold or labelled subset as well as by seed, pooled as one group."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from cclcc_cli.report.gather.finished import FinishedRun
from cclcc_cli.runs.records import RunRecord

_OWN = ("digest", "arm", "split_digest", "splits", "leaked", "labeled")
"""Parts in which runs of one group may differ, or that follow from the others."""


def read_label_seed(run: RunRecord) -> int | str | None:
    """As the recipe says: a number, ``run``, or ``contiguous``."""
    selection = run.recipe.data.selection
    if selection is None:
        return None
    return "contiguous" if selection.kind == "contiguous" else selection.seed


def pool_digest(run: RunRecord) -> str:
    """The digest of what runs of one group share over folds, labelled subsets and seeds."""
    recipe = {key: value for key, value in run.recipe.values.items() if key not in ("name", "seed")}
    data = {key: value for key, value in recipe.get("data", {}).items() if key != "fold"}
    if isinstance(read_label_seed(run), int):
        data["selection"] = {**data["selection"], "seed": None}
    if run.recipe.data.fold is None:  # elsewhere a share is another number by fold
        data["labeled"] = run.labeled.count
    shared = {
        **{key: value for key, value in run.plain().items() if key not in _OWN},
        "recipe": {**recipe, "data": data}, "data": run.data.digest,
        "runtime": {key: value for key, value in run.runtime.plain().items()
                    if key not in ("threads", "processes")},
    }
    return hashlib.sha256(json.dumps(shared, sort_keys=True).encode()).hexdigest()


def pool_runs(runs: Iterable[FinishedRun]) -> list[FinishedRun]:
    """Give runs that differ by fold or labelled subset alone one group and one data set's name.

    A data set whose runs have one fold only keeps it in its name, as ``kvasir-320 fold 0``; with
    several it is called ``kvasir-320 folds``. Runs that would have the place of another in the
    pool (the same fold, subset and seed, of other splits) stay apart.
    """
    runs = list(runs)
    buckets: defaultdict[tuple[str, bool], list[FinishedRun]] = defaultdict(list)
    for run in runs:
        if run.pool:
            buckets[run.pool, run.fold is None].append(run)
    sound = [bucket for bucket in buckets.values() if _repeats_once(bucket)]
    in_folds = {_store(bucket[0]) for bucket in sound if len({run.fold for run in bucket}) > 1}
    changed: dict[Path, FinishedRun] = {}
    for bucket in sound:
        first = bucket[0]
        folded = first.fold is not None and _store(first) in in_folds
        if folded or len({run.subset for run in bucket}) > 1:
            data = f"{_store(first)} folds" if folded else first.data
            group = hashlib.sha256(f"{first.pool} {data}".encode()).hexdigest()
            changed |= {run.path: replace(run, data=data, group=group) for run in bucket}
    return [changed.get(run.path, run) for run in runs]


def _repeats_once(bucket: Sequence[FinishedRun]) -> bool:
    """Each fold, subset and seed stands for one run, and each fold for the same splits."""
    places = {(run.fold, run.subset, run.seed) for run in bucket}
    splits = {(run.fold, run.conditions.get("split digest")) for run in bucket}
    return len(places) == len(bucket) and len(splits) == len({run.fold for run in bucket})


def _store(run: FinishedRun) -> str:
    return run.data.removesuffix(f" fold {run.fold}")
