"""Runs made up: in memory, and as folders that a report reads."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cclcc_cli.config.load import dump_recipe, parse_recipe
from cclcc_cli.metrics.scores import ALL_METRICS, SCORES, file_column
from cclcc_cli.report.gather.finished import FinishedRun
from cclcc_cli.runs.folder import RunFolder

MakeRun = Callable[..., FinishedRun]


@pytest.fixture
def make_run() -> MakeRun:
    """A run in memory; every score is ``dice``."""

    def make(dice: float = 0.5, *, group: str = "a", seed: int = 0, **changes: Any) -> FinishedRun:
        scores = {(size, name): dice for size in ("working", "own") for name in SCORES}
        made = FinishedRun(
            path=Path(f"runs/polyps-64/{group}-{seed}"), group=group * 64, data="polyps-64",
            method="clcc", name="plain", labeled=80, train_images=800, seed=seed, steps=400,
            scores={"val": scores, "test": scores},
            rules={split: {"threshold": "probs > 0.5", "total_miss": "0"}
                   for split in ("val", "test")},
            conditions={"data digest": "d1", "split digest": "s1",
                        "device and precision": "cpu fp32"},
            test_reads=1, leaks={},
        )
        return replace(made, **changes)

    return make


@pytest.fixture
def write_images_run(tmp_path: Path) -> Callable[..., RunFolder]:
    """Writes a finished run whose images have the given Dice; returns its folder.

    ``columns`` are further ones of the tables of images: other scores, foreground, group.
    """

    def write(
        dice: Sequence[float], *, method: str = "clcc", name: str = "plain", seed: int = 0,
        labeled: int = 8, data_digest: str = "d" * 64, total_miss: str = "0",
        stems: Sequence[str] | None = None, data: str = "polyps", fold: int | None = None,
        columns: Mapping[str, Sequence[Any]] | None = None,
    ) -> RunFolder:
        place = f"{method}-{name}-{labeled}-{seed}" + ("" if fold is None else f"-fold{fold}")
        folder = RunFolder(tmp_path / f"{data}-64" / place)
        group = f"{method}{name}{labeled}{data}{data_digest}{'' if fold is None else fold}"
        folder.write_json("cell.json", {
            "digest": "e" * 64, "arm": group.encode().hex(), "recipe": {
                "name": name, "method": method, "seed": seed, "data": {"fold": fold}},
            "data": {"name": data, "size": 64, "digest": data_digest},
            "split_digest": str(5 if fold is None else fold) * 64,
            "runtime": {"device": "cpu", "precision": "bf16", "threads": 2},
            "labeled": {"count": labeled, "share": labeled / 80, "of": 80},
            "splits": {"rule": "cut", "counts": {"train": 80, "val": 10, "test": len(dice)}},
            "leaked": {"val": [], "test": []},
        })
        folder.update_status(state="finished", test_reads=1)
        mean = float(np.mean(dice))
        scores = {size: dict.fromkeys(SCORES, mean) for size in ("working", "own")}
        more = dict(columns or {})
        for metric in ALL_METRICS:
            if (column := file_column(metric)) in more:
                scores[metric[0]][metric[1]] = float(np.mean(more[column]))
        rules = {"threshold": "t", "total_miss": total_miss}
        folder.write_json("result.json", {
            "steps": 400, "rules": rules, "validation_rules": rules, "val": scores,
            "test": scores,
        })
        names = stems or [f"image{n}" for n in range(len(dice))]
        table = {"stem": names, "dice": dice, "own_dice": dice, **more}
        rows = [",".join(map(str, row)) for row in zip(*table.values(), strict=True)]
        for split in ("val", "test"):
            folder.write_text(f"{split}_images.csv",
                              "\n".join([",".join(table), *rows]) + "\n")
        return folder

    return write


@pytest.fixture
def write_full_run(
    write_images_run: Callable[..., RunFolder], tiny_recipe: Callable[..., dict[str, Any]]
) -> Callable[..., RunFolder]:
    """The same with all that a page tells: a whole recipe, costs, surroundings, times."""

    def write(
        dice: Sequence[float], *, method: str = "clcc", name: str = "plain", seed: int = 0,
        keys: dict[str, Any] | None = None, **options: Any,
    ) -> RunFolder:
        folder = write_images_run(dice, method=method, name=name, seed=seed, **options)
        recipe = parse_recipe(
            {**tiny_recipe(method, name=name, seed=seed), **(keys or {})}, "test")
        cell = json.loads((folder.path / "cell.json").read_text())
        folder.write_json("cell.json", {
            **cell, "digest": f"{seed + 1:064x}", "recipe": recipe.model_dump(mode="json"),
            "arm": f"{cell['arm']}{keys or ''}".encode().hex()})
        folder.write_text("recipe.yaml", f"# typed\n{dump_recipe(recipe)}")
        folder.write_json("environment.json", {
            "cclcc": "0.1.0", "python": "3.11.7", "packages": {"torch": "2.13.0", "numpy": "2.4"},
            "platform": "Linux", "cpu": "x86_64", "cores": 2, "gpu": None,
            "git_commit": "c0ffee" * 6, "git_dirty": False,
            "command": f"cclcc train {name}.yaml --seed {seed}"})
        folder.write_json("costs.json", {
            "parameters": {"predictor": 617369, "training": 1234738},
            "images_per_step": {"batch": 4, "learning": 4.0, "judging": 2.0},
            "images_per_second": 50.0, "peak_memory": {"bytes": 2**30, "of": "process"}})
        folder.update_status(seconds=90.0, finished="2026-01-01T11:00:00.000+00:00")
        return folder

    return write
