"""The data path of two checkouts, by turns: preparing, batches, an evaluation, CPU time of each.

    python benchmarks/checkouts.py OTHER [--rounds 5] [--images 120]

OTHER is a folder that holds another ``cclcc_cli``, such as one of ``git worktree add``. Numbers are
medians of this checkout's time over the other's, round by round, at one thread.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

MEASURE = """
import json, sys, tempfile, time
from pathlib import Path
import numpy as np
from cclcc_cli.config.schema import Evaluation, Weak
from cclcc_cli.data.loading import TrainingImages, load_batches
from cclcc_cli.data.prepare import prepare
from cclcc_cli.data.sampling import TwoStreamBatches
from cclcc_cli.data.sources import FolderSource
from cclcc_cli.data.split_rule import SplitRule
from cclcc_cli.data.store import load_store, store_path
from cclcc_cli.data.store_writer import About
from cclcc_cli.data.transforms import TrainingTransform
from cclcc_cli.models.unet import UNet
from cclcc_cli.training.evaluate import evaluate_images
from cclcc_cli.training.runtime import Runtime

source, told = Path(sys.argv[1]), {}

def timed(name, action):
    start = time.process_time()
    result = action()
    told[name] = time.process_time() - start
    return result

with tempfile.TemporaryDirectory() as root:
    path = store_path(Path(root), "mine", 320)
    timed("prepare", lambda: prepare(path, FolderSource(
        source / "images", source / "masks", About()), SplitRule()))
    store = timed("open", lambda: load_store(path))
    keys = TwoStreamBatches(np.arange(20), np.arange(20, 80), num_labeled=4, num_unlabeled=4,
                            seed=0, first_step=0, total_steps=60)
    images = TrainingImages(store, TrainingTransform(Weak(affine=0.5), 0))
    timed("batches", lambda: list(load_batches(images, keys, workers=0, pin_memory=False)))
    network = UNet((4, 8, 8, 8, 8))
    timed("evaluate", lambda: evaluate_images(
        network, store, range(16), Evaluation(), "probs", Runtime("cpu", "fp32")))
    if hasattr(store, "check_content"):
        timed("check", store.check_content)
print(json.dumps(told))
"""


def write_sources(root: Path, count: int) -> None:
    import cv2

    from cclcc_cli.data.synthetic import synthetic_scene

    for kind in ("images", "masks"):
        (root / kind).mkdir()
    for index in range(count):
        image, mask = (cv2.resize(a, (625, 530), interpolation=cv2.INTER_NEAREST)
                       for a in synthetic_scene(0, index, 320))
        cv2.imwrite(str(root / f"images/{index:03d}.jpg"), image[..., ::-1])
        cv2.imwrite(str(root / f"masks/{index:03d}.png"), mask * 255)


def measure(checkout: Path, source: Path) -> dict[str, float]:
    environment = {**os.environ, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", MEASURE, source], env=environment, text=True,
                          cwd=checkout, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("other", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=120)
    options = parser.parse_args()
    here = Path(__file__).parents[1]
    with tempfile.TemporaryDirectory() as root:
        write_sources(Path(root), options.images)
        rounds = [(measure(here, Path(root)), measure(options.other.resolve(), Path(root)))
                  for _ in range(options.rounds)]
    for name in rounds[0][0]:
        mine = statistics.median(own[name] for own, _ in rounds)
        ratio = statistics.median(own[name] / other[name] for own, other in rounds
                                  ) if name in rounds[0][1] else None
        print(f"{name:<9} {mine:8.3f} s" + (f"   {ratio:.3f} of the other" if ratio else ""))


if __name__ == "__main__":
    main()
