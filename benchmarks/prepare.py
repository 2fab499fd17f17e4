"""Preparing Kvasir-like folders: this package against another checkout of it, in one run.

    python benchmarks/prepare.py --before PATH [--images DIR --masks DIR] [--rounds 5] [--count 200]

Times one thread's CPU seconds of ``prepare``, both in turn, and the peak of memory.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PREPARE = """
import os, sys, resource, time
from pathlib import Path
os.cpu_count = lambda: 1
from cclcc_cli.data.prepare import prepare
from cclcc_cli.data.sources import FolderSource
from cclcc_cli.data.split_rule import SplitRule
from cclcc_cli.data.store_writer import About
images, masks, path = map(Path, sys.argv[1:])
start = time.process_time()
done = prepare(path, FolderSource(images, masks, About()), SplitRule())
spent = time.process_time() - start
print(spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, done.store.info.digest)
"""


def measure(package: Path, images: Path, masks: Path) -> tuple[float, float, str]:
    """CPU seconds, MiB at the peak, and the digest of the store."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", PREPARE, images, masks, Path(folder, "data", "bench", "224")],
            env={**os.environ, "PYTHONPATH": str(package), "OMP_NUM_THREADS": "1"}, check=True,
            capture_output=True, text=True,
        )
    seconds, memory, digest = done.stdout.split()
    return float(seconds), float(memory), digest


def first_files(folder: Path, count: int, to: Path) -> Path:
    """A folder of links to the first files of another."""
    to.mkdir()
    for file in sorted(folder.iterdir())[:count]:
        (to / file.name).symlink_to(file.resolve())
    return to


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    home = Path(__file__).parents[2] / "shared" / "data" / "kvasir-seg"
    parser.add_argument("--before", type=Path, required=True)
    parser.add_argument("--images", type=Path, default=home / "images")
    parser.add_argument("--masks", type=Path, default=home / "masks")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=200)
    arguments = parser.parse_args()
    here = Path(__file__).parents[1]
    with tempfile.TemporaryDirectory() as folder:
        images = first_files(arguments.images, arguments.count, Path(folder, "images"))
        masks = first_files(arguments.masks, arguments.count, Path(folder, "masks"))
        both = [(measure(arguments.before, images, masks), measure(here, images, masks))
                for _ in range(arguments.rounds)]
    ratios = [after[0] / before[0] for before, after in both]
    memory = [after[1] / before[1] for before, after in both]
    print(f"CPU seconds before {statistics.median(before[0] for before, _ in both):.2f}, "
          f"after {statistics.median(after[0] for _, after in both):.2f}; "
          f"ratio {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}); "
          f"memory {statistics.median(memory):.3f}; "
          f"digests {'equal' if len({one[2] for pair in both for one in pair}) == 1 else 'DIFFER'}")


if __name__ == "__main__":
    main()
