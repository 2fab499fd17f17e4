"""Run folders, read for a table."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cclcc_cli.errors import RunError
from cclcc_cli.experiments.run_folder import RunFolder, find_runs

Scores = Mapping[str, Mapping[str, float]]
"""Mean scores by size, ``working`` or ``own``, then by name."""


@dataclass(frozen=True)
class Run:
    """What a table needs of one finished run.

    Attributes:
        path: the run folder.
        arm: the digest of everything but the seed.
        steps: optimiser steps taken.
        scores: by split, ``val`` or ``test``; a split without images is not in it.
        conditions: what must agree between arms for a fair comparison, by what it is.
        test_reads: how often the test split was read.
    """

    path: Path
    arm: str
    data: str
    method: str
    name: str
    labeled: int
    train_images: int
    seed: int
    steps: int
    scores: Mapping[str, Scores]
    conditions: Mapping[str, str]
    test_reads: int


@dataclass(frozen=True)
class Gathered:
    """All runs below a root, and what was left out."""

    runs: tuple[Run, ...]
    notes: tuple[str, ...]


def gather_runs(root: Path) -> Gathered:
    """Read every finished run; unfinished and unreadable ones are named in the notes.

    Raises:
        RunError: there is no such folder, or no finished run in it.
    """
    if not root.is_dir():
        raise RunError(f"{root}: no such folder; train a recipe first, or give --runs")
    runs: list[Run] = []
    notes: list[str] = []
    states: Counter[str] = Counter()
    for folder in find_runs(root):
        try:
            state = folder.status.get("state", "not started")
            if state == "finished":
                runs.append(_read(folder))
            else:
                states[state] += 1
                notes.append(f"left out, {state}: {folder.path}")
        except RunError as error:
            notes.append(f"left out, {error}")
        except (KeyError, TypeError, AttributeError) as error:
            notes.append(f"left out, {folder.path}: a file lacks {error}")
    if not runs:
        found = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        raise RunError(
            f"{root}: holds no finished run ({found or 'no run at all'}); "
            "train one with: cclcc train RECIPE"
        )
    return Gathered(tuple(runs), tuple(notes))


def _read(folder: RunFolder) -> Run:
    cell, result = folder.read_json("cell.json"), folder.read_json("result.json")
    if cell is None or result is None:
        raise RunError(f"{folder.path}: is finished but has no result; train it with --fresh")
    recipe, data, runtime = cell["recipe"], cell["data"], cell["runtime"]
    return Run(
        path=folder.path,
        arm=cell["arm"],
        data=f"{data['name']}-{data['size']}",
        method=recipe["method"],
        name=recipe["name"],
        labeled=cell["labeled"]["count"],
        train_images=cell["labeled"]["of"],
        seed=recipe["seed"],
        steps=result["steps"],
        scores={split: result[split] for split in ("val", "test") if result[split]},
        conditions={
            "optimiser steps": str(result["steps"]),
            "data": data["digest"][:8],
            "splits": cell["split_digest"][:8],
            "evaluation rules": _words(result["rules"]),
            "device and precision": f"{runtime['device']} {runtime['precision']}",
        },
        test_reads=folder.status.get("test_reads", 0),
    )


def _words(rules: Mapping[str, Any]) -> str:
    return "; ".join(f"{key}: {rules[key]}" for key in sorted(rules))
