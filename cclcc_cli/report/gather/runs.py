"""Run folders, read and checked for a table."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from cclcc_cli.errors import RunError
from cclcc_cli.metrics.scores import MAIN, SCORES, SIZES, Metric
from cclcc_cli.report.gather.finished import Costs, FinishedRun, Leak, RunUsage, Split
from cclcc_cli.report.gather.pool import pool_digest, pool_runs, read_label_seed
from cclcc_cli.report.gather.values import Values
from cclcc_cli.runs.folder import RunFolder, find_runs, way_on
from cclcc_cli.wording import few

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
    if not (folder.path / "status.json").exists():
        return "not started"
    state = Values(folder, "status.json").take(str, "state")
    return "running or killed" if state == "running" else state  # kill -9 leaves no word


def _read(folder: RunFolder) -> FinishedRun:
    cell, result = Values(folder, "cell.json"), Values(folder, "result.json")
    status, steps = Values(folder, "status.json"), result.count("steps")
    best_step = result.number_if_any("best", "step")
    fold = cell.number_if_any("recipe", "data", "fold")
    return FinishedRun(
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
    fold = cell.number_if_any("recipe", "data", "fold")
    return name if fold is None else f"{name} fold {fold:g}"


def _leak(cell: Values, result: Values, split: Split) -> Leak | None:
    count = len(cell.take(list, "leaked", split)) if cell.holds("leaked") else 0
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


def _spent(cell: Values, status: Values, steps: int) -> RunUsage:
    batch = [cell.number_if_any("recipe", "batch", stream) for stream in ("labeled", "unlabeled")]
    images = sum(int(count) for count in batch if count is not None) * steps
    return RunUsage(images or None, status.number_if_any("seconds"),
                 status.number_if_any("elapsed"), status.text_if_any("host"))


def _computed_on(cell: Values) -> str:
    """Device, precision, and on a CPU the number of threads: sums are ordered by it."""
    words = f"{cell.take(str, 'runtime', 'device')} {cell.take(str, 'runtime', 'precision')}"
    if not cell.holds("runtime", "threads"):
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
    return f"{root}: no finished run in it, but {', '.join(found)}; {way_on(unfinished)}"
