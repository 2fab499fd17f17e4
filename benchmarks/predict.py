"""``cclcc predict`` against a plain loop: decode, resize, forward in fp32 one by one, write.

    python benchmarks/predict.py [--run FOLDER] [--images 64] [--rounds 5] [--threads 2]

Both write a mask at each image's own size: 625 x 530 JPEGs, near the median of Kvasir-SEG, drawn
by the program itself. Without --run the published U-Net at 96 pixels predicts, trained for a step.
The plain loop gives torch all threads; predict gives each of its passes one, several side by side.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F

import cclcc_cli as cclcc
from cclcc_cli.data.synthetic import synthetic_scene
from cclcc_cli.inference.ensemble import load_ensemble
from cclcc_cli.inference.inputs import find_inputs
from cclcc_cli.inference.predict import Options, predict_images


def write_images(folder: Path, count: int) -> None:
    folder.mkdir()
    for index in range(count):
        image = cv2.resize(synthetic_scene(0, index % 32, 320)[0], (625, 530))
        cv2.imwrite(str(folder / f"{index:04d}.jpg"), image)


def train_a_step(root: Path) -> Path:
    cclcc.prepare("synthetic", count=20, size=96, data=root / "data")
    recipe = cclcc.load_recipe("quickstart_supervised", {
        "data.size": 96, "budget.steps": 1, "data.labeled": 4})
    return cclcc.train(recipe, device="cpu", precision="fp32", quiet=True, data=root / "data",
                       runs=root / "runs").folder.path


@torch.inference_mode()
def plain_loop(predictor, images: Path, out: Path) -> None:
    out.mkdir(exist_ok=True)
    mean = torch.tensor(predictor.network.normalization.mean).view(1, 3, 1, 1)
    std = torch.tensor(predictor.network.normalization.std).view(1, 3, 1, 1)
    for path in sorted(images.iterdir()):
        image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        size = (predictor.size, predictor.size)
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        pixels = torch.from_numpy(small).permute(2, 0, 1)[None].float() / 255
        probs = torch.sigmoid(predictor.network((pixels - mean) / std))
        probs = F.interpolate(probs, size=image.shape[:2], mode="bilinear", align_corners=False)
        mask = (probs[0, 0] > predictor.threshold).numpy()
        cv2.imwrite(str(out / f"{path.stem}.png"), mask.astype(np.uint8) * 255)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path)
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--precision", default="fp32", choices=("fp32", "bf16"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_images(root / "images", arguments.images)
        run = arguments.run or train_a_step(root)
        ensemble = load_ensemble([run], device="cpu", precision=arguments.precision)
        plain = cclcc.load_predictor(run, device="cpu", precision="fp32")
        inputs = find_inputs([str(root / "images")], root, ensemble.size)
        options = Options(threads=arguments.threads)
        ways = {
            "plain loop": lambda _: plain_loop(plain, root / "images", root / "plain"),
            "cclcc predict": lambda place: predict_images(
                ensemble, inputs, root / f"out{place}", options),
        }
        torch.set_num_threads(arguments.threads)
        cv2.setNumThreads(arguments.threads)
        walls, cpus = ({name: [] for name in ways} for _ in range(2))
        for place in range(arguments.rounds + 1):  # the first round warms up
            for name, way in ways.items():
                cpu, wall = time.process_time(), time.perf_counter()
                way(place)
                if place:
                    walls[name].append(time.perf_counter() - wall)
                    cpus[name].append(time.process_time() - cpu)
        differing = statistics.mean(
            float(np.mean(cv2.imread(str(path), 0) != cv2.imread(
                str(root / "plain" / path.name), 0)))
            for path in (root / "out0" / "masks").iterdir())
    print(f"{arguments.images} images of 625 x 530, network at {ensemble.size} pixels, "
          f"{arguments.threads} threads, {arguments.precision}; median of {arguments.rounds} "
          "interleaved rounds")
    for name in ways:
        wall, cpu = statistics.median(walls[name]), statistics.median(cpus[name])
        print(f"{name:14} {arguments.images / wall:7.1f} images/s   "
              f"{1000 * cpu / arguments.images:6.1f} ms of CPU time an image")
    ratios = [statistics.median(a / b for a, b in zip(*values.values(), strict=True))
              for values in (walls, cpus)]
    print(f"ratio: {ratios[0]:.2f} by the clock, {ratios[1]:.2f} by CPU time; "
          f"{differing:.4%} of the masks' pixels differ")


if __name__ == "__main__":
    main()
