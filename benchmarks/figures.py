"""``cclcc report --figures`` over many runs: seconds to draw, beside those to read and judge.

    python benchmarks/figures.py [--runs 10 100 1000] [--seeds 5]

The runs of ``report.py`` on 100 test images of the built-in scenes, with 40 records of learning
and kept masks each.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from report import write_run

from cclcc_cli.data.prepare import prepare
from cclcc_cli.data.sources import SyntheticSource
from cclcc_cli.data.split_rule import SplitRule
from cclcc_cli.data.store import Store, load_store, store_path
from cclcc_cli.report.figures.gallery import draw_figures
from cclcc_cli.report.pages.comparison import Question, write_page
from cclcc_cli.runs.folder import RunFolder
from cclcc_cli.runs.masks import Masks, write_masks


def complete(folder: RunFolder, store: Store, random: np.random.Generator) -> None:
    """What figures need beyond a table: records, masks, and images that a store holds."""
    run = json.loads((folder.path / "cell.json").read_text())
    run["data"] = {"name": "synthetic", "size": 64, "digest": store.info.digest}
    folder.write_json("cell.json", run)
    table = folder.images_table("test").read_text()
    stems = store.splits.test
    for number in reversed(range(len(stems))):
        table = table.replace(f"\nimage{number},", f"\n{stems[number]},")
    folder.images_table("test").write_text(table)
    for step in range(10, 410, 10):
        with (folder.path / "metrics.jsonl").open("a") as file:
            file.write(json.dumps({
                "step": step, "val": {"dice": step / 500 + float(random.normal(0, 0.02))},
                "train": {"total": 1 / step, "supervised": 0.8 / step}}) + "\n")
    bits = random.integers(0, 256, (len(stems), 64 * 64 // 8), dtype=np.uint8)
    write_masks(folder, Masks(tuple(stems), 64, bits))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        data = Path(place) / "data"
        path = store_path(data, "synthetic", 64)
        prepare(path, SyntheticSource(count=1000, seed=0), SplitRule())
        store = load_store(path)
        print(f"{len(store.splits.test)} images, {given.seeds} seeds per group")
        print("  runs   page s   figures s (of a core)   figures   PNG MB   PDF MB")
        for runs in given.runs:
            random = np.random.default_rng(0)
            root = Path(place) / f"runs{runs}"
            for number in range(runs):
                write_run(root, *divmod(number, given.seeds), len(store.splits.test), random)
            for folder in root.glob("*/*"):
                complete(RunFolder(folder), store, random)
            started = time.perf_counter()
            page = write_page(root, Question())
            read, started, core = (time.perf_counter() - started, time.perf_counter(),
                                   time.process_time())
            drawn = draw_figures(page.evidence, page.scores, "test", data)
            took, core = time.perf_counter() - started, time.process_time() - core
            sizes = [sum(len(getattr(f, kind)) for f in drawn.figures) / 1e6
                     for kind in ("png", "pdf")]
            print(f"{runs:6} {read:8.1f} {took:10.1f} {core:12.1f} {len(drawn.figures):9} "
                  f"{sizes[0]:8.1f} {sizes[1]:8.1f}")


if __name__ == "__main__":
    main()
