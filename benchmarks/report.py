"""``cclcc report`` over many runs: seconds to read, judge and write them.

    python benchmarks/report.py [--runs 250 500 1000] [--images 100] [--seeds 5]

Run folders hold every file a report reads, all nine scores at two sizes included. The smaller
counts show whether time grows with runs. The page is timed without its figures, and these apart.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from cclcc_cli.config.load import parse_recipe
from cclcc_cli.metrics.scores import MAIN, SCORES
from cclcc_cli.report.figures.gallery import draw_figures
from cclcc_cli.report.gather.images import read_images
from cclcc_cli.report.gather.runs import gather_runs
from cclcc_cli.report.pages.comparison import Question, write_page
from cclcc_cli.report.pages.html import render_report
from cclcc_cli.report.render.markdown import to_markdown


def write_run(root: Path, group: int, seed: int, images: int, random: np.random.Generator) -> None:
    folder = root / "made-64" / f"clcc-8labels-{group}-{seed}"
    folder.mkdir(parents=True)
    method = "supervised" if group == 0 else "clcc"
    recipe = parse_recipe({
        "name": f"group{group}", "method": method, "seed": seed, "budget": {"steps": 400},
        "data": {"name": "made", "size": 64, "labeled": 8},
        **({} if group == 0 else {"clcc": {"grid": 4, "contrast_weight": group / 100}}),
    }, "benchmark")
    values = np.clip(random.normal(0.7 + 0.0002 * group, 0.2, (images, 2 * len(SCORES))), 0, 1)
    means = dict(zip(SCORES, values.mean(axis=0).tolist(), strict=False))
    own = dict(zip(SCORES, values.mean(axis=0).tolist()[len(SCORES):], strict=True))
    rules = dict.fromkeys(("threshold", "both_empty", "one_empty", "total_miss"), "as ever")
    scores = {"working": means, "own": own}
    files: dict[str, Any] = {
        "cell.json": {
            "arm": f"{group:064x}", "data": {"name": "made", "size": 64, "digest": "d" * 64},
            "digest": f"{group:060x}{seed:04x}", "recipe": recipe.model_dump(mode="json"),
            "split_digest": "5" * 64,
            "runtime": {"device": "cpu", "precision": "fp32", "threads": 1},
            "labeled": {"count": 8, "share": 0.1, "of": 80},
            "splits": {"rule": "cut", "counts": {"train": 80, "val": 10, "test": images}},
            "leaked": {"val": [], "test": []},
        },
        "status.json": {"state": "finished", "test_reads": 1, "seconds": 60.0,
                        "finished": "2026-01-01T11:00:00+00:00"},
        "environment.json": {"cclcc": "0.1.0", "python": "3.11.7", "git_commit": "c" * 40,
                             "packages": {"torch": "2.13.0"}, "command": "cclcc train a.yaml"},
        "costs.json": {"parameters": {"predictor": 1000, "training": 1000},
                       "images_per_step": {"batch": 8, "learning": 8.0, "judging": 0.0},
                       "images_per_second": 50.0,
                       "peak_memory": {"bytes": 2**30, "of": "process"}},
        "result.json": {"steps": 400, "rules": rules, "validation_rules": rules,
                        "val": scores, "test": scores},
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content, indent=1))
    (folder / "recipe.yaml").write_text(json.dumps(recipe.model_dump(mode="json"), indent=1))
    (folder / "metrics.jsonl").write_text("".join(
        json.dumps({"step": 40 * n, "epoch": n, "train": {"total": 1 / n}, "val": {"dice": 0.5},
                    "time": 1767262000.0, "seconds": 6.0 * n}) + "\n" for n in range(1, 11)))
    header = ["stem", *SCORES, *(f"own_{name}" for name in SCORES)]
    lines = [",".join(map(str, (f"image{n}", *row))) for n, row in enumerate(values.tolist())]
    (folder / "test_images.csv").write_text("\n".join([",".join(header), *lines]) + "\n")


def seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, nargs="+", default=[250, 500, 1000])
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    import scipy.stats  # noqa: F401  # once per process, not per run

    print(f"{given.images} images, {given.seeds} seeds per group")
    print("  runs   gather s   images s   whole report s   ms per run     page s   figures s")
    for runs in given.runs:
        random = np.random.default_rng(0)
        with tempfile.TemporaryDirectory() as place:
            root = Path(place)
            for number in range(runs):
                write_run(root, *divmod(number, given.seeds), given.images, random)
            gathered = gather_runs(root)
            took = (seconds(lambda root=root: gather_runs(root)),
                    seconds(lambda g=gathered: read_images(g.runs, "test", MAIN)),
                    seconds(lambda root=root: to_markdown(write_page(root, Question()).sheet)))
            page, question = write_page(root, Question()), Question()
            further = (
                took[2] + seconds(lambda p=page, q=question: render_report(p, q, command="")),
                seconds(lambda p=page, root=root: draw_figures(
                    p.evidence, p.scores, "test", root)))
        print(f"{runs:6d} {took[0]:10.2f} {took[1]:10.2f} {took[2]:16.2f} "
              f"{1000 * took[2] / runs:12.1f} {further[0]:10.2f} {further[1]:11.2f}")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
