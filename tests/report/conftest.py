"""Runs made up: in memory, and as folders that a report reads."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cclcc_cli.experiments.run_folder import RunFolder
from cclcc_cli.report.gather import SCORES, Run

MakeRun = Callable[..., Run]


@pytest.fixture
def make_run() -> MakeRun:
    """A run in memory; every score is ``dice``."""

    def make(dice: float = 0.5, *, arm: str = "a", seed: int = 0, **changes: Any) -> Run:
        scores = {(size, name): dice for size in ("working", "own") for name in SCORES}
        made = Run(
            path=Path(f"runs/polyps-64/{arm}-{seed}"), arm=arm * 64, data="polyps-64",
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
    """Writes a finished run whose images have the given Dice; returns its folder."""

    def write(
        dice: Sequence[float], *, method: str = "clcc", name: str = "plain", seed: int = 0,
        labeled: int = 8, data_digest: str = "d" * 64, total_miss: str = "0",
        stems: Sequence[str] | None = None,
    ) -> RunFolder:
        folder = RunFolder(tmp_path / "polyps-64" / f"{method}-{name}-{labeled}-{seed}")
        arm = f"{method}{name}{labeled}{data_digest}".encode().hex()
        folder.write_json("cell.json", {
            "arm": arm, "recipe": {
                "name": name, "method": method, "seed": seed, "data": {"fold": None}},
            "data": {"name": "polyps", "size": 64, "digest": data_digest},
            "split_digest": "5" * 64,
            "runtime": {"device": "cpu", "precision": "bf16", "threads": 2},
            "labeled": {"count": labeled, "share": labeled / 80, "of": 80},
            "splits": {"rule": "cut", "counts": {"train": 80, "val": 10, "test": len(dice)}},
            "leaked": {"val": [], "test": []},
        })
        folder.update_status(state="finished", test_reads=1)
        mean = float(np.mean(dice))
        scores = {size: dict.fromkeys(SCORES, mean) for size in ("working", "own")}
        rules = {"threshold": "t", "total_miss": total_miss}
        folder.write_json("result.json", {
            "steps": 400, "rules": rules, "validation_rules": rules, "val": scores,
            "test": scores,
        })
        names = stems or [f"image{n}" for n in range(len(dice))]
        rows = [f"{stem},{value},{value}" for stem, value in zip(names, dice, strict=True)]
        for split in ("val", "test"):
            folder.write_text(f"{split}_images.csv",
                              "\n".join(["stem,dice,own_dice", *rows]) + "\n")
        return folder

    return write
