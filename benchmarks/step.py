"""A training step of CLCC: ours against a plain one, interleaved in one run.

    python benchmarks/step.py [--rounds 3] [--size 320] [--grid 5] [--device auto]

The plain step does what the published code does: float32, NCHW, whole images and patches both
with a graph and both through head and projector, whichever terms the phase uses. Ours computes
in the machine's best precision, channels last, and only what the phase needs. The matrix-product
rate of the machine, in the same precision, bounds what a step of the counted operations can take.
"""

import argparse
import resource
import statistics
import time
from collections.abc import Callable

import torch
from torch.utils.flop_counter import FlopCounterMode

from cclcc_cli.config import parse_recipe
from cclcc_cli.data.grid import join_patches, split_patches
from cclcc_cli.data.loading import normalize
from cclcc_cli.losses.consistency import patch_consistency_loss
from cclcc_cli.losses.contrastive import cross_level_contrastive_loss
from cclcc_cli.losses.overlap import bce_dice_loss
from cclcc_cli.methods import Batch, Moment, build_method
from cclcc_cli.models.projector import Projector, choose_strides
from cclcc_cli.models.unet import UNet
from cclcc_cli.training.runtime import Runtime, resolve_runtime
from cclcc_cli.training.step import Stepper, build_optimizer

LABELED, UNLABELED = 4, 4
PHASES = {"contrast": 0, "consistency": 299}
JOINT = "joint"


def recipe(size: int, grid: int, kind: str):
    terms = {"kind": "joint", "ramp_up": 0} if kind == JOINT else {"kind": "two_stage"}
    return parse_recipe(
        {
            "name": "bench", "method": "clcc", "budget": {"steps": 300},
            "data": {"name": "bench", "size": size, "labeled": 4},
            "clcc": {"grid": grid, "terms": terms},
        },
        "benchmark",
    )


def raw_batch(size: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(
        256, (LABELED + UNLABELED, size, size, 3), generator=generator, dtype=torch.uint8
    )
    return images.to(device), (images[:LABELED, ..., 0] > 127).to(device)


def our_step(size: int, grid: int, runtime: Runtime, kind: str) -> Callable[[], None]:
    torch.manual_seed(0)
    config = recipe(size, grid, kind)
    method = build_method(config).to(runtime.torch_device, memory_format=torch.channels_last)
    stepper = Stepper(
        method, build_optimizer(config.optimizer, method.parameters()), None, runtime
    )
    images, masks = raw_batch(size, runtime.torch_device)
    moment = Moment(PHASES.get(kind, 299), 300)

    def step() -> None:
        stepper.step(Batch(normalize(images), masks[:, None].float()), moment, 1e-3)

    return step


def plain_step(size: int, grid: int, device: torch.device, kind: str) -> Callable[[], None]:
    torch.manual_seed(0)
    network = UNet().to(device)
    projector = Projector(16, (64, 64, 128), choose_strides(size // grid)).to(device)
    parameters = [*network.parameters(), *projector.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, weight_decay=1e-2)
    raw, masks = raw_batch(size, device)
    images, target = normalize(raw).contiguous(), masks[:, None].float()

    def step() -> None:
        features, patches = network.features(images), network.features(split_patches(images, grid))
        logits, patch_logits = network.head(features), network.head(patches)
        whole, cells = projector(features), projector(patches)
        loss = bce_dice_loss(logits[:LABELED], target)
        if kind in ("contrast", JOINT):
            loss = loss + cross_level_contrastive_loss(
                whole, join_patches(cells, grid), normalization="l1"
            )
        if kind in ("consistency", JOINT):
            loss = loss + patch_consistency_loss(join_patches(patch_logits, grid), logits)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def matrix_rate(runtime: Runtime, n: int = 2048) -> float:
    """Operations per second of a square matrix product in the run's precision."""
    dtype = torch.bfloat16 if runtime.precision == "bf16" else torch.float32
    a = torch.randn(n, n, device=runtime.torch_device, dtype=dtype)
    return 2 * n**3 / seconds(lambda: a @ a, runtime.torch_device)


def seconds(work: Callable[[], object], device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize()
    started = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def count_operations(step: Callable[[], None]) -> int:
    with FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, default=320)
    parser.add_argument("--grid", type=int, default=5)
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    runtime = resolve_runtime(arguments.device, "auto")
    device = runtime.torch_device
    print(
        f"{LABELED + UNLABELED} images of {arguments.size}, {arguments.grid} x {arguments.grid} "
        f"patches, {runtime.device} in {runtime.precision}, {torch.get_num_threads()} threads, "
        f"median of {arguments.rounds} interleaved rounds"
    )
    print(f"{'phase':<12} {'plain s':>8} {'ours s':>8} {'ratio':>6} {'GFLOP':>7} {'of limit':>8}")
    for kind in (*PHASES, JOINT):
        plain = plain_step(arguments.size, arguments.grid, device, kind)
        ours = our_step(arguments.size, arguments.grid, runtime, kind)
        plain()
        operations = count_operations(ours)  # also the warm-up
        times: dict[str, list[float]] = {"plain": [], "ours": [], "rate": []}
        for _ in range(arguments.rounds):
            times["plain"].append(seconds(plain, device))
            times["rate"].append(matrix_rate(runtime))
            times["ours"].append(seconds(ours, device))
        before, after, rate = (statistics.median(values) for values in times.values())
        print(
            f"{kind:<12} {before:8.2f} {after:8.2f} {before / after:5.2f}x "
            f"{operations / 1e9:7.0f} {operations / rate / after:7.0%}"
        )
    print(f"matrix products: {rate / 1e9:.0f} GFLOP/s")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


if __name__ == "__main__":
    main()
