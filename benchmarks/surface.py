"""Surface distances of one image by outlines in a tree against two distance transforms.

    python benchmarks/surface.py [--rounds 7]

Both give the same HD95, ASSD and NSD, to the last digit; blobs with rough outlines, one moved by
2 % of the side against the other. Rounds are interleaved; CPU milliseconds of one thread, median.
"""

import argparse
import math
import statistics
import time

import cv2
import numpy as np
from scipy import ndimage

from cclcc_cli.metrics.surface import surface_scores, tolerance


def by_transform(mask, target):
    """The same scores by a distance transform of each outline."""
    outlines = [area & ~ndimage.binary_erosion(area) for area in (mask, target)]
    there, back = (ndimage.distance_transform_edt(~other)[outline]
                   for outline, other in (outlines, outlines[::-1]))
    total, near = len(there) + len(back), tolerance(*mask.shape)
    return {"hd95": float(max(np.percentile(there, 95), np.percentile(back, 95))),
            "assd": float((there.sum() + back.sum()) / total),
            "nsd": int((there <= near).sum() + (back <= near).sum()) / total}


def blobs(height, width, grain):
    field = np.random.default_rng(0).standard_normal((height, width), np.float32)
    field = cv2.GaussianBlur(field, (0, 0), math.hypot(height, width) / grain)
    mask = field > np.quantile(field, 0.8)
    return mask, np.roll(mask, (height // 50, width // 50), (0, 1))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    print("size         outlines   transform ms   tree ms   ratio")
    for height, width in ((96, 96), (320, 320), (576, 720), (1000, 1500), (2000, 3000)):
        for grain in (20, 100):
            pair = blobs(height, width, grain)
            assert surface_scores(*pair) == by_transform(*pair)
            spent = {by_transform: [], surface_scores: []}
            for _ in range(rounds):
                for way, times in spent.items():
                    started = time.process_time()
                    way(*pair)
                    times.append(1000 * (time.process_time() - started))
            old, new = (statistics.median(times) for times in spent.values())
            rough = "rough" if grain == 100 else "smooth"
            print(f"{height:4d} x {width:4d}  {rough:8s} {old:14.1f} {new:9.1f} {old / new:6.1f}x")


if __name__ == "__main__":
    main()
