"""How many copies the audit finds, and how many pairs it claims wrongly, by kind and size.

    python benchmarks/audit.py [--sets kvasir-seg isic2017 ultrasound xray noise]
        [--sizes 96 224 320] [--each 20] [--part report] [--imagededup PYTHON]

Of each set, a part of the images gets a second picture each, made from it in one of the ways of
``planted.py``; drawn ones get a look-alike as well. All lie in one store. Found: of the planted
pairs. Wrong: pairs claimed between pictures of different images, look-alikes included. Bounds
were chosen on ``--part tune``; ``--part report`` has other images. ``--imagededup`` compares with
perceptual hashes of that package, found in another Python's environment.
"""

import argparse
import hashlib
import json
import subprocess
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import cv2
import numpy as np
import planted

from cclcc_cli.data.audit import audit_images

DRAWN = {"ultrasound": planted.ultrasound, "xray": planted.xray, "noise": planted.blurred_noise}
PARTS = ("tune", "report")
SAME = {frozenset(pair) for pair in json.loads(
    (Path(__file__).parent / "same_scenes.json").read_text())}
"""Pairs that the real sets hold by themselves, the same to the eye: neither found nor wrong."""


@dataclass
class Planted:
    """A set of pictures: what each shows, and in which way it was made."""

    pictures: list
    shown: list
    ways: list

    def add(self, picture, shown, way):
        self.pictures.append(picture)
        self.shown.append(shown)
        self.ways.append(way)

    def way_of(self, first, second):
        """The way of a planted pair, 'itself' for one that the set had, None for a wrong one."""
        if self.shown[first] == self.shown[second]:
            return self.ways[first] or self.ways[second]
        return "itself" if frozenset((self.shown[first], self.shown[second])) in SAME else None


def build(name, part, each):
    """Planted pictures of a set, each scene's own first."""
    ways = {**planted.COPIES, **planted.FRAMES}
    count, seed = each * len(ways), PARTS.index(part)
    done = Planted([], [], [])
    if name in DRAWN:
        scenes = []
        for index, (scene, alike) in enumerate(planted.drawn_scenes(DRAWN[name], count, seed)):
            scenes.append((f"{index}", scene))
            if index % 2:
                done.add(alike, f"like {index}", None)
    else:
        scenes = list(planted.real_scenes(name))[seed::2]
        doubled = {stem for pair in SAME for stem in pair}
        scenes.sort(key=lambda scene: scene[0] in doubled)
    for index, ((stem, scene), (way, make)) in enumerate(zip(scenes, cycle(ways.items()))):
        if index < count:
            first, second = make(scene, np.random.default_rng([seed, index]))
            done.add(second, stem, way)
        done.add(first if index < count else scene, stem, None)
    return done


def stored(done, size):
    """Rows, images and masks as a store has them: resized to a square."""
    rows, images, masks = [], [], []
    for index, picture in enumerate(done.pictures):
        picture = np.ascontiguousarray(picture)
        small = cv2.resize(picture, (size, size), interpolation=(
            cv2.INTER_AREA if min(picture.shape[:2]) >= size else cv2.INTER_LINEAR))
        images.append(small[..., :3])
        masks.append((small[..., 3] >= 128).astype(np.uint8))
        rows.append(planted.Row(f"{index:05d}", *picture.shape[:2],
                        hashlib.sha256(picture.tobytes()).hexdigest(), float(masks[-1].mean())))
    return rows, np.stack(images), np.stack(masks)


def tally(done, pairs):
    """How many pairs by way; wrong ones under None; 'of' how many by way."""
    ways = Counter(done.way_of(first, second) for first, second in pairs)
    return ways, Counter(way for way in done.ways if way)


HASHES = """
import json, pathlib, sys
from unittest.mock import MagicMock
for name in ("methods.cnn", "utils.models", "utils.data_generator"):  # not needed here
    sys.modules["imagededup." + name] = MagicMock()
from imagededup.methods import PHash
folder = pathlib.Path(sys.argv[1])
found = PHash().find_duplicates(image_dir=str(folder), max_distance_threshold=int(sys.argv[2]))
print(json.dumps([[a, b] for a, others in found.items() for b in others if a < b]))
"""


def by_hashes(python, images, distance):
    """Pairs that imagededup's perceptual hash finds among the same pictures."""
    with tempfile.TemporaryDirectory() as folder:
        for index, image in enumerate(images):
            cv2.imwrite(f"{folder}/{index:05d}.png", image[..., ::-1])
        text = subprocess.run([python, "-c", HASHES, folder, str(distance)], check=True,
                              capture_output=True, text=True).stdout
    return [tuple(int(Path(name).stem) for name in pair)
            for pair in json.loads(text.splitlines()[-1])]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", default=["kvasir-seg", "isic2017", *DRAWN])
    parser.add_argument("--sizes", type=int, nargs="+", default=[96, 224, 320])
    parser.add_argument("--each", type=int, default=20)
    parser.add_argument("--part", choices=PARTS, default="report")
    parser.add_argument("--imagededup", metavar="PYTHON")
    parser.add_argument("--show", action="store_true", help="wrong pairs and missed ones")
    given = parser.parse_args()
    cv2.setNumThreads(0)
    table, totals = defaultdict(dict), defaultdict(dict)
    for name in given.sets:
        done = build(name, given.part, given.each)
        for size in given.sizes:
            rows, images, masks = stored(done, size)
            started = time.process_time()
            audit = audit_images(rows, images, masks)
            seconds = time.process_time() - started
            found = {(int(pair.first), int(pair.second)): pair for pair in audit.pairs}
            readings = {f"{name} {size}": list(found)}
            if given.imagededup:
                readings[f"{name} {size} phash"] = by_hashes(given.imagededup, images, 10)
            for column, pairs in readings.items():
                ways, of = tally(done, pairs)
                for way, count in of.items():
                    table[way][column] = (ways[way], count)
                copies, wrong = sum(ways[way] for way in planted.COPIES), ways[None]
                totals[column] = {
                    "recall": copies / sum(of[way] for way in planted.COPIES),
                    "precision": copies / max(copies + wrong, 1), "wrong": wrong,
                    "pairs": len(rows) * (len(rows) - 1) // 2, "images": len(rows),
                    "seconds": seconds}
            kinds = Counter(pair.kind for (first, second), pair in found.items()
                            if done.way_of(first, second) in planted.COPIES)
            moments = Counter(pair.kind for (first, second), pair in found.items()
                              if done.way_of(first, second) in planted.FRAMES)
            accused = sum(pair.contradicts for pair in audit.pairs)
            shifted = sum(finding.what == "shifted mask" for finding in audit.findings)
            totals[f"{name} {size}"] |= {"contradicting": accused, "shifted": shifted,
                                        "similar": len(audit.similar), "copies": dict(kinds),
                                        "frames": dict(moments)}
            print(f"{name} {size}: {json.dumps(totals[f'{name} {size}'])}", flush=True)
            if given.show:
                for (first, second), pair in found.items():
                    if done.way_of(first, second) in (None, "itself"):
                        print("  claimed", done.way_of(first, second), done.shown[first],
                              done.shown[second], done.ways[first], done.ways[second], pair)
    columns = list(totals)
    for way, cells in table.items():
        print(f"{way:24s}", *(f"{cells[c][0] / cells[c][1]:5.2f}" for c in columns))
    for key in ("recall", "precision", "wrong"):
        print(f"{key:24s}", *(f"{totals[c][key]:5.2f}" for c in columns))
    print("columns:", ", ".join(columns))


if __name__ == "__main__":
    main()
