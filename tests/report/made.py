"""Groups made up, to be shown in tables."""

from dataclasses import replace
from pathlib import Path

from cclcc_cli.metrics.scores import SCORES
from cclcc_cli.report.evidence.weigh import Evidence
from cclcc_cli.report.gather.finished import FinishedRun
from cclcc_cli.report.gather.groups import group_runs
from cclcc_cli.report.tables.columns import MAIN_METRICS
from cclcc_cli.report.tables.rows import build_rows

DICE = ("working", "dice")


def run(dice=0.5, *, group="a", seed=0, test=True, **changes):
    """A run whose every score is 0.5 apart from Dice (working 0.5 or given, own 0.1 less)."""
    scores = {(size, name): 0.5 for size in ("working", "own") for name in SCORES}
    scores |= {DICE: dice, ("own", "dice"): dice - 0.1}
    made = FinishedRun(
        path=Path(f"runs/polyps-64/{group}-{seed}"), group=group * 64, data="polyps-64",
        method="clcc", name="plain", labeled=80, train_images=800, seed=seed, steps=400,
        scores={"val": scores, **({"test": scores} if test else {})},
        rules={split: {"threshold": "probs > 0.5"} for split in ("val", "test")},
        conditions={"data digest": "d1", "split digest": "s1", "device and precision": "cpu fp32"},
        test_reads=1, leaks={},
    )
    return replace(made, **changes)


def record(recipe=None, **data):
    """The least that a cell.json says, with a recipe's keys and the data's."""
    return {"digest": "e" * 64, "arm": "a" * 64, "split_digest": "5" * 64,
            "recipe": {"name": "plain", "method": "clcc", "seed": 0, **(recipe or {})},
            "data": {"name": "polyps", "size": 64, "digest": "d" * 64, **data},
            "runtime": {"device": "cpu"}, "labeled": {"count": 8}}


def table(*runs, split="test", metrics=MAIN_METRICS):
    """The main table of runs, without any comparison."""
    evidence = [Evidence(group, None, None, False) for group in group_runs(runs)]
    return build_rows(evidence, split, metrics, "scores")
