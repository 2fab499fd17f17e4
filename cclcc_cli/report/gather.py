"""Run folders, read and checked for a table."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from cclcc_cli.errors import RunError
from cclcc_cli.metrics.scores import MAIN, SCORES, SIZES, Metric
from cclcc_cli.report.pool import pool_digest, read_label_seed
from cclcc_cli.report.values import Values
from cclcc_cli.runs.folder import RunFolder, find_runs
from cclcc_cli.wording import few

Split = Literal["val", "test"]
_RULES: Mapping[Split, str] = {"val": "validation_rules", "test": "rules"}


@dataclass(frozen=True)
class Costs:
    """What a run took.

    Attributes:
        predictor_parameters: weights of the network that is kept.
        training_parameters: of all that training held, teachers and projectors included.
        learning_images: whole images through a network per step, with a graph.
        judging_images: the same without one.
        images_per_second: of the batch, while stepping.
        peak_memory_bytes: of the device, or of the process.
        memory_of: which of the two.
    """

    predictor_parameters: int
    training_parameters: int
    learning_images: float
    judging_images: float
    images_per_second: float
    peak_memory_bytes: int
    memory_of: str = "process"


@dataclass(frozen=True)
class Spent:
    """What a run used up; None where it does not say.

    Attributes:
        images: that its steps took, each as often as it came, labelled or not.
        step_seconds: on the device, in optimiser steps alone.
        wall_seconds: from start to end in all sessions, validation and test included.
        host: the machine that ended it.
    """

    images: int | None = None
    step_seconds: float | None = None
    wall_seconds: float | None = None
    host: str | None = None


@dataclass(frozen=True)
class Run:
    """What a table needs of one finished run.

    Attributes:
        path: the run folder.
        group: the digest of everything but the seed.
        data: name and size of the store, such as ``kvasir-160``.
        labeled: training images that keep their labels, out of ``train_images``.
        steps: optimiser steps taken.
        scores: means over images, by split; None for one that is younger than the run; a split
            without images is not in it.
        rules: the conventions of evaluation in words, by split.
        conditions: what else must agree between groups for a fair comparison, by what it is.
        test_reads: how often the test split was read.
        leaks: by split, what the audit found; a split without leaked images is not in it.
        costs: what it took; None for runs from before that was kept.
        spent: what it used up.
        best_step: of the checkpoint that scored best on validation, whose scores these are; None
            for runs that do not say.
        fold: of a cross-validation; None for the main splits.
        label_seed: which labelled subset: the seed that draws it, ``run`` where that is the run's
            own, ``contiguous`` for a block of names; None for runs that do not say.
        pool: the digest of everything but the seed, the fold and the label seed.
    """

    path: Path
    group: str
    data: str
    method: str
    name: str
    labeled: int
    train_images: int
    seed: int
    steps: int
    scores: Mapping[Split, Mapping[Metric, float | None]]
    rules: Mapping[Split, Mapping[str, str]]
    conditions: Mapping[str, str]
    test_reads: int
    leaks: Mapping[Split, "Leak"]
    costs: Costs | None = None
    spent: Spent = Spent()
    best_step: int | None = None
    fold: int | None = None
    label_seed: int | str | None = None
    pool: str = ""

    @property
    def subset(self) -> int | None:
        """The label seed where the recipe fixes it."""
        return self.label_seed if isinstance(self.label_seed, int) else None


@dataclass(frozen=True)
class Leak:
    """Images of a split that show the same thing as an image that trains or selects.

    Attributes:
        count: of them, out of ``images``.
        dice: mean over the other images, at the working size.
    """

    count: int
    images: int
    dice: float | None


@dataclass(frozen=True)
class Gathered:
    """All runs below a root, and in words what was left out and why."""

    runs: tuple[Run, ...]
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
    runs: dict[tuple[str, int], Run] = {}
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
            problems.append(f"{run.path} has the group and seed of {first.path}, which counts"
                            f"{_other_conditions(run, first)}")
    if not runs:
        raise RunError(_nothing_finished(root, unfinished, problems))
    notes = [
        f"left out, {len(paths)} {state}: {few(paths, 5)}"
        for state, paths in sorted(unfinished.items())
    ]
    return Gathered(tuple(pool_runs(runs.values())),
                    (*notes, *(f"left out: {text}" for text in problems)))


def pool_runs(runs: Iterable[Run]) -> list[Run]:
    """Give runs that differ by fold or labelled subset alone one group and one data set's name.

    A data set whose runs have one fold only keeps it in its name, as ``kvasir-320 fold 0``; with
    several it is called ``kvasir-320 folds``. Runs that would have the place of another in the
    pool (the same fold, subset and seed, of other splits) stay apart.
    """
    runs = list(runs)
    buckets: defaultdict[tuple[str, bool], list[Run]] = defaultdict(list)
    for run in runs:
        if run.pool:
            buckets[run.pool, run.fold is None].append(run)
    sound = [bucket for bucket in buckets.values() if _repeats_once(bucket)]
    in_folds = {_store(bucket[0]) for bucket in sound if len({run.fold for run in bucket}) > 1}
    changed: dict[Path, Run] = {}
    for bucket in sound:
        first = bucket[0]
        folded = first.fold is not None and _store(first) in in_folds
        if folded or len({run.subset for run in bucket}) > 1:
            data = f"{_store(first)} folds" if folded else first.data
            group = hashlib.sha256(f"{first.pool} {data}".encode()).hexdigest()
            changed |= {run.path: replace(run, data=data, group=group) for run in bucket}
    return [changed.get(run.path, run) for run in runs]


def _repeats_once(bucket: Sequence[Run]) -> bool:
    """Each fold, subset and seed stands for one run, and each fold for the same splits."""
    places = {(run.fold, run.subset, run.seed) for run in bucket}
    splits = {(run.fold, run.conditions.get("split digest")) for run in bucket}
    return len(places) == len(bucket) and len(splits) == len({run.fold for run in bucket})


def _store(run: Run) -> str:
    return run.data.removesuffix(f" fold {run.fold}")


def _other_conditions(run: Run, first: Run) -> str:
    """What sets a repetition apart from the run that counts, where anything does."""
    apart = [f"{value} here, {first.conditions.get(name)} there"
             for name, value in run.conditions.items() if first.conditions.get(name) != value]
    return f" ({'; '.join(apart)})" if apart else ""


def read_run(folder: RunFolder) -> Run:
    """Read one finished run.

    Raises:
        RunError: it is not finished, or damaged, or no run at all.
    """
    if not (folder.path / "cell.json").exists():
        raise RunError(f"{folder.path}: no run folder, it has no cell.json; give one, or a group")
    state = _state(folder)
    if state != "finished":
        raise RunError(f"{folder.path}: {state}, not finished; the same cclcc train command goes "
                       "on with it")
    return _read(folder)


def _without_cell(root: Path) -> list[Path]:
    """Folders that only a run can have left, yet nobody knows of what."""
    names = ("recipe.yaml", "status.json", "result.json")
    left = {path.parent for name in names for path in root.glob(f"*/*/{name}")}
    return [path for path in sorted(left) if not (path / "cell.json").exists()]


def _state(folder: RunFolder) -> str:
    if not (folder.path / "status.json").exists():
        return "not started"
    state = Values(folder, "status.json").take(str, "state")
    return "running or killed" if state == "running" else state  # kill -9 leaves no word


def _read(folder: RunFolder) -> Run:
    cell, result = Values(folder, "cell.json"), Values(folder, "result.json")
    status, steps = Values(folder, "status.json"), result.count("steps")
    best_step = result.number_if_any("best", "step")
    fold = cell.number_if_any("recipe", "data", "fold")
    return Run(
        path=folder.path,
        group=cell.take(str, "arm"),
        data=_data(cell),
        method=cell.take(str, "recipe", "method"),
        name=cell.take(str, "recipe", "name"),
        labeled=cell.count("labeled", "count"),
        train_images=cell.count("labeled", "of"),
        seed=cell.take(int, "recipe", "seed"),
        steps=steps,
        scores={split: _scores(result, split) for split in _RULES
                if result.find(split) is not None},
        rules={split: result.take(dict, key) for split, key in _RULES.items()},
        conditions={
            "data digest": cell.take(str, "data", "digest")[:8],
            "split digest": cell.take(str, "split_digest")[:8],
            "device and precision": _computed_on(cell),
        },
        test_reads=status.take(int, "test_reads"),
        leaks={split: leak for split in _RULES if (leak := _leak(cell, result, split))},
        costs=_costs(folder),
        spent=_spent(cell, status, steps),
        best_step=None if best_step is None else int(best_step),
        fold=None if fold is None else int(fold),
        label_seed=read_label_seed(cell),
        pool=pool_digest(cell),
    )


def _data(cell: Values) -> str:
    """As ``kvasir-seg-320``, with the fold where there is one."""
    name = f"{cell.take(str, 'data', 'name')}-{cell.count('data', 'size')}"
    fold = cell.find("recipe", "data", "fold")
    return name if fold is None else f"{name} fold {fold}"


def _leak(cell: Values, result: Values, split: Split) -> Leak | None:
    count = len(cell.take(list, "leaked", split))
    if not count or result.find(split) is None:
        return None
    images = cell.count("splits", "counts", split)
    some_left = count < images
    return Leak(count, images,
                result.number(split, "without_leaked", "dice") if some_left else None)


def _scores(result: Values, split: Split) -> dict[Metric, float | None]:
    for size in SIZES:
        result.number(split, size, MAIN[1])  # every run ever had it: without it one is damaged
    return {(size, name): result.number_if_any(split, size, name)
            for size in SIZES for name in SCORES}


def _costs(folder: RunFolder) -> Costs | None:
    if folder.read_json("costs.json") is None:
        return None
    costs = Values(folder, "costs.json")
    return Costs(
        predictor_parameters=costs.count("parameters", "predictor"),
        training_parameters=costs.count("parameters", "training"),
        learning_images=costs.number("images_per_step", "learning"),
        judging_images=costs.number("images_per_step", "judging"),
        images_per_second=costs.number("images_per_second"),
        peak_memory_bytes=costs.count("peak_memory", "bytes"),
        memory_of=costs.text_if_any("peak_memory", "of") or "process",
    )


def _spent(cell: Values, status: Values, steps: int) -> Spent:
    batch = [cell.number_if_any("recipe", "batch", stream) for stream in ("labeled", "unlabeled")]
    images = sum(int(count) for count in batch if count is not None) * steps
    return Spent(images or None, status.number_if_any("seconds"),
                 status.number_if_any("elapsed"), status.text_if_any("host"))


def _computed_on(cell: Values) -> str:
    """Device, precision, and on a CPU the number of threads: sums are ordered by it."""
    words = f"{cell.take(str, 'runtime', 'device')} {cell.take(str, 'runtime', 'precision')}"
    if cell.find("runtime", "threads") is None:
        return words
    return f"{words} {cell.count('runtime', 'threads')} threads"


def _nothing_finished(
    root: Path, unfinished: Mapping[str, list[Path]], problems: list[str]
) -> str:
    found = [f"{len(paths)} {state}" for state, paths in sorted(unfinished.items())]
    if problems:
        found.append(f"{len(problems)} unreadable, the first is {problems[0]}")
    if not found:
        return (f"{root}: no run in it (looked for DATA/RUN/cell.json); "
                "train one with: cclcc train RECIPE, or give --runs")
    return (f"{root}: no finished run in it, but {', '.join(found)}; "
            "the same cclcc train command goes on with a run")
