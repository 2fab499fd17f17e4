"""Run folders, read and checked for a table."""

import math
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from cclcc_cli.errors import RunError
from cclcc_cli.metrics.scores import MAIN, SCORES, SIZES, Metric
from cclcc_cli.report.gather.finished import Costs, FinishedRun, Leak, RunUsage, Split
from cclcc_cli.report.gather.pool import pool_digest, pool_runs, read_label_seed
from cclcc_cli.runs.folder import RunFolder, find_runs, way_on
from cclcc_cli.runs.records import (
    ImagesRecord,
    MemoryRecord,
    ParametersRecord,
    RunRecord,
    SplitScores,
    StatusRecord,
)
from cclcc_cli.wording import counted, few

T = TypeVar("T")
_RULES: Mapping[Split, str] = {"val": "validation_rules", "test": "rules"}


@dataclass(frozen=True)
class Gathered:
    """All runs below a root, and in words what was left out and why."""

    runs: tuple[FinishedRun, ...]
    notes: tuple[str, ...]


def gather_runs(root: Path, only: Collection[Path] | None = None) -> Gathered:
    """Read every finished run; unfinished, damaged and copied ones are named in the notes.

    Args:
        root: holds ``<data set>/<run>/``.
        only: look at these folders alone.

    Raises:
        RunError: there is no such folder, or no finished run in it; says what there is.
    """
    if not root.is_dir():
        raise RunError(f"{root}: no such folder; train a recipe first, or give --runs")
    runs: dict[tuple[str, int], FinishedRun] = {}
    unfinished: defaultdict[str, list[Path]] = defaultdict(list)
    problems = [f"{path} has no cell.json" for path in _without_cell(root)
                if only is None or path in only]
    for folder in find_runs(root):
        if only is not None and folder.path not in only:
            continue
        try:
            state = _state(folder)
            if state != "finished":
                unfinished[state].append(folder.path)
                continue
            run = _read(folder)
        except RunError as error:
            problems.append(str(error))
            continue
        first = runs.setdefault((run.group, run.seed), run)
        if first is not run:  # counted again, it would feign another seed
            problems.append(f"{run.path} has the same group and seed as {first.path}, which counts"
                            f"{_other_conditions(run, first)}")
    if not runs:
        raise RunError(_nothing_finished(root, unfinished, problems))
    notes = [
        f"left out, {len(paths)} {state}: {few(paths, 5)}"
        for state, paths in sorted(unfinished.items())
    ]
    return Gathered(tuple(pool_runs(runs.values())),
                    (*notes, *(f"left out: {text}" for text in problems)))


def _other_conditions(run: FinishedRun, first: FinishedRun) -> str:
    """What sets a repetition apart from the run that counts, where anything does."""
    apart = [f"{value} here, {first.conditions.get(name)} there"
             for name, value in run.conditions.items() if first.conditions.get(name) != value]
    return f" ({'; '.join(apart)})" if apart else ""


def read_run(folder: RunFolder) -> FinishedRun:
    """Read one finished run.

    Raises:
        RunError: it is not finished, or damaged, or no run at all.
    """
    if not (folder.path / "cell.json").exists():
        raise RunError(f"{folder.path}: not a run folder, it has no cell.json; give one, or the "
                       "name of a group")
    state = _state(folder)
    if state != "finished":
        raise RunError(f"{folder.path}: {state}, not finished; {way_on([state])}")
    return _read(folder)


def _without_cell(root: Path) -> list[Path]:
    """Folders that only a run can have left, yet nobody knows of what."""
    names = ("recipe.yaml", "status.json", "result.json")
    left = {path.parent for name in names for path in root.glob(f"*/*/{name}")}
    return [path for path in sorted(left) if not (path / "cell.json").exists()]


def _state(folder: RunFolder) -> str:
    state = folder.status.state or "not started"
    return "running or killed" if state == "running" else state  # kill -9 leaves no word


def _read(folder: RunFolder) -> FinishedRun:
    run, result, status = folder.run, folder.result, folder.status
    if run is None or result is None:
        raise _damaged(folder, "cell.json" if run is None else "result.json", "")
    steps = _need(result.steps, folder, "result.json", "steps")
    fold = run.recipe.data.fold
    splits: dict[Split, SplitScores] = {split: found for split in _RULES
                                        if (found := getattr(result, split)) is not None}
    name = f"{run.data.name}-{run.data.size}"
    return FinishedRun(
        path=folder.path,
        group=run.group,
        data=name if fold is None else f"{name} fold {fold}",
        method=run.recipe.method,
        name=run.recipe.name,
        labeled=run.labeled.count,
        train_images=_need(run.labeled.of, folder, "cell.json", "labeled.of"),
        seed=run.recipe.seed,
        steps=steps,
        scores={split: _scores(found, folder, split) for split, found in splits.items()},
        rules={split: _need(getattr(result, key), folder, "result.json", key)
               for split, key in _RULES.items()},
        conditions={
            "data digest": run.data.digest[:8],
            "split digest": run.split_digest[:8],
            "device and precision": _computed_on(run),
        },
        test_reads=_need(status.test_reads, folder, "status.json", "test_reads"),
        leaks={split: leak for split, found in splits.items()
               if (leak := _leak(run, found, folder, split))},
        costs=_costs(folder),
        spent=_spent(run, status, folder, steps),
        best_step=None if result.best is None else result.best.step,
        fold=fold,
        label_seed=read_label_seed(run),
        pool=pool_digest(run),
    )


def _damaged(folder: RunFolder, name: str, key: str, problem: str = "is missing") -> RunError:
    where = f"{key} " if key else ""
    return RunError(f"{folder.path / name}: {where}{problem}; cclcc train --fresh trains it again")


def _need(value: T | None, folder: RunFolder, name: str, key: str) -> T:
    """A value that every finished run has."""
    if value is None:
        raise _damaged(folder, name, key)
    return value


def _finite(value: float | None, folder: RunFolder, name: str, key: str) -> float | None:
    """A number that a table can show; None where the run does not say."""
    if value is not None and not math.isfinite(value):
        raise _damaged(folder, name, key, f"is {value}, not a finite number")
    return value


def _scores(
    found: SplitScores, folder: RunFolder, split: Split
) -> dict[Metric, float | None]:
    scores: dict[Metric, float | None] = {}
    for size in SIZES:
        means = getattr(found, size) or {}
        for name in SCORES:
            scores[size, name] = _finite(
                means.get(name), folder, "result.json", f"{split}.{size}.{name}")
        # Every run ever had it: without it one is damaged.
        _need(scores[size, MAIN[1]], folder, "result.json", f"{split}.{size}.{MAIN[1]}")
    return scores


def _leak(run: RunRecord, found: SplitScores, folder: RunFolder, split: Split) -> Leak | None:
    count = len((run.leaked or {}).get(split, ()))
    if not count:
        return None
    counts = (run.splits.counts if run.splits else None) or {}
    images = _need(counts.get(split), folder, "cell.json", f"splits.counts.{split}")
    dice = (found.without_leaked or {}).get("dice")
    key = f"{split}.without_leaked.dice"
    if count < images:
        _need(dice, folder, "result.json", key)
    return Leak(count, images, _finite(dice, folder, "result.json", key))


def _costs(folder: RunFolder) -> Costs | None:
    costs = folder.costs
    if costs is None:
        return None
    parameters, images, memory = (costs.parameters or ParametersRecord(),
                                  costs.images_per_step or ImagesRecord(),
                                  costs.peak_memory or MemoryRecord())

    def need(value: T | None, key: str) -> T:
        if isinstance(value, float):
            _finite(value, folder, "costs.json", key)
        return _need(value, folder, "costs.json", key)

    return Costs(
        predictor_parameters=need(parameters.predictor, "parameters.predictor"),
        training_parameters=need(parameters.training, "parameters.training"),
        learning_images=need(images.learning, "images_per_step.learning"),
        forward_images=need(images.forward_only, "images_per_step.judging"),
        images_per_second=need(costs.images_per_second, "images_per_second"),
        peak_memory_bytes=need(memory.bytes, "peak_memory.bytes"),
        memory_of=memory.of or "process",
    )


def _spent(run: RunRecord, status: StatusRecord, folder: RunFolder, steps: int) -> RunUsage:
    batch = run.recipe.batch
    images = ((batch.labeled or 0) + (batch.unlabeled or 0)) * steps
    return RunUsage(images or None, _finite(status.seconds, folder, "status.json", "seconds"),
                    _finite(status.elapsed, folder, "status.json", "elapsed"), status.host)


def _computed_on(run: RunRecord) -> str:
    """Device, precision, and on a CPU the number of threads: sums are ordered by it."""
    runtime = run.runtime
    threads = [] if runtime.threads is None else [counted(runtime.threads, "thread")]
    return " ".join([runtime.device, *filter(None, [runtime.precision]), *threads])


def _nothing_finished(
    root: Path, unfinished: Mapping[str, list[Path]], problems: list[str]
) -> str:
    found = [f"{len(paths)} {state}" for state, paths in sorted(unfinished.items())]
    if problems:
        found.append(f"{len(problems)} unreadable, the first is {problems[0]}")
    if not found:
        return (f"{root}: no run in it (looked for DATA/RUN/cell.json); "
                "train one with: cclcc train RECIPE, or give --runs")
    return f"{root}: no finished run in it, but {', '.join(found)}; {way_on(unfinished)}"
