"""The audit of 1,000 to 20,000 images: time, memory, planted duplicates found, false alarms.

    python benchmarks/audit_scale.py [--counts 1000 2000 5000 10000 20000] [--size 128]

Every hundredth image is another one's copy: the same file, encoded again, mirrored, turned,
cropped or brighter. All others are different synthetic scenes. Images lie in a memory map, as in
a store. Drawing them takes longer than auditing them, and about 1.3 GB of disk for 20,000.
"""

import argparse
import hashlib
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import psutil
from planted import Row

from cclcc_cli.data.audit import audit_images
from cclcc_cli.data.synthetic import synthetic_scene
from cclcc_cli.data.turning import turn
from cclcc_cli.data.workers import in_order, process_workers

EVERY, BACK, BATCH = 100, 50, 20  # a copy each EVERY images, of the image BACK places before


def encoded(image):
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 70])
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


def cropped(picture, how):
    cut = len(picture) // 25
    return cv2.resize(picture[cut:, cut:], picture.shape[:2], interpolation=how)


def brighter(image):
    return np.rint(255 * (image / 255) ** 0.7).astype(np.uint8)


COPIES = {
    "same file": lambda image, mask: (image, mask),
    "encoded": lambda image, mask: (encoded(image), mask),
    "mirrored": lambda image, mask: (encoded(turn(image, 1)), turn(mask, 1)),
    "turned": lambda image, mask: (encoded(turn(image, 2)), turn(mask, 2)),
    "cropped": lambda image, mask: (cropped(image, cv2.INTER_CUBIC),
                                    cropped(mask, cv2.INTER_NEAREST)),
    "brighter": lambda image, mask: (brighter(image), mask),
}


def is_copy(index):
    return index % EVERY == EVERY - 1


def draw_batch(task):
    """A batch of scenes, some of them copies; runs in a process of its own."""
    start, size = task
    kinds = list(COPIES.values())
    scenes = []
    for index in range(start, start + BATCH):
        scene = synthetic_scene(7, index - BACK * is_copy(index), size)
        scenes.append(kinds[index // EVERY % len(kinds)](*scene) if is_copy(index) else scene)
    return [np.stack(part) for part in zip(*scenes, strict=True)]


def draw(folder, count, size):
    """Memory maps of so many images and masks, and a row for each."""
    images, masks = (
        np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.uint8, shape)
        for name, shape in (("images", (count, size, size, 3)), ("masks", (count, size, size)))
    )
    starts = range(0, count, BATCH)
    with process_workers() as pool:
        batches = in_order(pool, draw_batch, [(start, size) for start in starts])
        for start, (some, their_masks) in zip(starts, batches, strict=True):
            images[start:start + BATCH], masks[start:start + BATCH] = some, their_masks
    rows = [
        Row(f"{index:05d}", 500, 600, hashlib.sha256(image.tobytes()).hexdigest(),
            float(mask.mean()))
        for index, (image, mask) in enumerate(zip(images, masks, strict=True))
    ]
    for array in (images, masks):
        array.flush()
    return rows, *(np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("images", "masks"))


@contextmanager
def peak_memory() -> Iterator[list[float]]:
    """One number at the end: the most MiB this process held, pages of memory maps left out."""
    process, done, peak = psutil.Process(), threading.Event(), [0.0]

    def watch() -> None:
        while not done.wait(0.02):
            memory = process.memory_info()
            peak[0] = max(peak[0], (memory.rss - memory.shared) / 2**20)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", type=int, nargs="+", default=[1000, 2000, 5000, 10000, 20000])
    parser.add_argument("--size", type=int, default=128)
    arguments = parser.parse_args()
    counts = sorted(-(-count // BATCH) * BATCH for count in arguments.counts)
    with tempfile.TemporaryDirectory() as folder:
        rows, images, masks = draw(Path(folder), counts[-1], arguments.size)
        load = os.getloadavg()[0]
        print(f"{arguments.size} pixels, {os.cpu_count()} cores, load before {load:.1f}")
        print("images  seconds  per 1,000  CPU seconds  peak MiB  planted found  false alarms")
        for count in counts:
            started, worked = time.perf_counter(), time.process_time()
            with peak_memory() as peak:
                audit = audit_images(rows[:count], images[:count], masks[:count])
            seconds, work = time.perf_counter() - started, time.process_time() - worked
            planted = {(f"{index - BACK:05d}", f"{index:05d}")
                       for index in range(count) if is_copy(index)}
            found = {(pair.first, pair.second) for pair in audit.pairs}
            print(f"{count:6d} {seconds:8.1f} {1000 * seconds / count:10.2f} {work:12.1f} "
                  f"{peak[0]:9.0f} {len(found & planted):7d} of {len(planted):3d} "
                  f"{len(found - planted):13d}", flush=True)


if __name__ == "__main__":
    main()
