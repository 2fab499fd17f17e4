"""The data path: a training batch from the store against decoding and resizing each time.

    python benchmarks/data.py [--rounds 20] [--size 320] [--step-seconds 2.0]

Both give the same kind of batch: 8 images, flipped and turned, with 4 masks. The source images
are 625 x 530 JPEGs with PNG masks, near the median of Kvasir-SEG, drawn by the program itself.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from cclcc_cli.config.schema import Weak
from cclcc_cli.data.loading import Sample, TrainingImages, load_batches
from cclcc_cli.data.prepare import prepare
from cclcc_cli.data.sampling import TwoStreamBatches
from cclcc_cli.data.sources import FolderSource
from cclcc_cli.data.split_rule import SplitRule
from cclcc_cli.data.store import load_store, store_path
from cclcc_cli.data.store_writer import About
from cclcc_cli.data.synthetic import synthetic_scene
from cclcc_cli.data.transforms import TrainingTransform

LABELED, UNLABELED, IMAGES = 4, 4, 40


def write_sources(root: Path) -> None:
    for kind in ("images", "masks"):
        (root / kind).mkdir()
    for index in range(IMAGES):
        image, mask = (
            cv2.resize(a, (625, 530), interpolation=cv2.INTER_NEAREST)
            for a in synthetic_scene(0, index, 320)
        )
        cv2.imwrite(str(root / f"images/{index:03d}.jpg"), image[..., ::-1])
        cv2.imwrite(str(root / f"masks/{index:03d}.png"), mask * 255)


class DecodedEachTime:
    """What a plain data set class does: read, decode, resize, transform."""

    def __init__(self, root: Path, size: int, transform: TrainingTransform) -> None:
        self.root, self.size, self.transform = root, size, transform

    def __getitem__(self, key):
        image = cv2.imread(str(self.root / f"images/{key.position:03d}.jpg"))[..., ::-1]
        mask = cv2.imread(str(self.root / f"masks/{key.position:03d}.png"), cv2.IMREAD_GRAYSCALE)
        shape = (self.size, self.size)
        image = cv2.resize(np.ascontiguousarray(image), shape, interpolation=cv2.INTER_AREA)
        mask = (cv2.resize(mask, shape, interpolation=cv2.INTER_AREA) > 127).astype(np.uint8)
        image, mask = self.transform(
            image, mask, stream=int(key.labeled), sweep=key.sweep, index=key.position
        )
        return Sample(image, mask if key.labeled else None, ())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--size", type=int, default=320)
    parser.add_argument("--step-seconds", type=float, default=2.0)
    arguments = parser.parse_args()
    cv2.setNumThreads(0)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_sources(root)
        path = store_path(root / "data", "bench", arguments.size)
        prepare(path, FolderSource(root / "images", root / "masks", About()), SplitRule())
        transform = TrainingTransform(Weak(), seed=0)
        rows = np.arange(IMAGES * 8 // 10)

        def batches(images):
            keys = TwoStreamBatches(
                rows[:8], rows[8:], num_labeled=LABELED, num_unlabeled=UNLABELED, seed=0,
                first_step=0, total_steps=arguments.rounds + 1,
            )
            return load_batches(images, keys, workers=0, pin_memory=False)

        sources = {
            "decode each time": batches(DecodedEachTime(root, arguments.size, transform)),
            "store": batches(TrainingImages(load_store(path), transform)),
        }
        times: dict[str, list[float]] = {name: [] for name in sources}
        for source in sources.values():
            next(source)
        for _ in range(arguments.rounds):
            for name, source in sources.items():
                started = time.perf_counter()
                next(source)
                times[name].append(time.perf_counter() - started)
    before, after = (statistics.median(values) for values in times.values())
    print(f"a batch of 8 at {arguments.size}, median of {arguments.rounds} interleaved rounds")
    print(f"decode and resize each time {1000 * before:7.1f} ms")
    print(f"from the store              {1000 * after:7.1f} ms   {before / after:.1f}x")
    share = after / arguments.step_seconds
    print(f"share of a {arguments.step_seconds:g} s step       {share:7.2%}")


if __name__ == "__main__":
    main()
