"""A training step of CLCC: ours against a plain one, interleaved, each in a process of its own.

    python benchmarks/step.py [--rounds 3] [--size 320] [--grid 5] [--device auto]

The plain step does what the published code does: float32, NCHW, whole images and patches both
with a graph and both through head and projector, whichever terms the phase uses. Ours computes
in the machine's best precision, channels last, keeps freed memory, and computes only what the
phase needs. The matrix-product
rate of the machine, in the same precision, bounds what a step of the counted operations can take.
"""

import argparse
import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

import torch
from torch.utils.flop_counter import FlopCounterMode

from cclcc_cli.config import parse_recipe
from cclcc_cli.config.model import IMAGENET
from cclcc_cli.data.grid import join_patches, split_patches
from cclcc_cli.data.loading import normalize
from cclcc_cli.losses.consistency import patch_consistency_loss
from cclcc_cli.losses.contrastive import cross_level_contrastive_loss
from cclcc_cli.losses.overlap import bce_dice_loss
from cclcc_cli.methods import Batch, StepInfo, build_method
from cclcc_cli.models.projector import Projector, choose_strides
from cclcc_cli.models.unet import UNet
from cclcc_cli.training.memory import keep_freed_memory
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
        method, build_optimizer(config.optimizer, method), None, runtime
    )
    images, masks = raw_batch(size, runtime.torch_device)
    moment = StepInfo(PHASES.get(kind, 299), 300)

    def step() -> None:
        stepper.step(Batch(normalize(images, IMAGENET), masks[:, None].float()), moment, 1e-3)

    return step


def plain_step(size: int, grid: int, device: torch.device, kind: str) -> Callable[[], None]:
    torch.manual_seed(0)
    network = UNet().to(device)
    projector = Projector(16, (64, 64, 128), choose_strides(size // grid)).to(device)
    parameters = [*network.parameters(), *projector.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, weight_decay=1e-2)
    raw, masks = raw_batch(size, device)
    images, target = normalize(raw, IMAGENET).contiguous(), masks[:, None].float()

    def step() -> None:
        features, patches = network.features(images), network.features(split_patches(images, grid))
        logits, patch_logits = network.head(features), network.head(patches)
        whole, runs = projector(features), projector(patches)
        loss = bce_dice_loss(logits[:LABELED], target)
        if kind in ("contrast", JOINT):
            loss = loss + cross_level_contrastive_loss(
                whole, join_patches(runs, grid), normalization="l1"
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


class Stepping:
    """A process that takes a step whenever it is asked to, warmed up."""

    def __init__(self, which: str, size: int, grid: int, kind: str, runtime: Runtime) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, far = context.Pipe()
        self._process = context.Process(
            target=take_steps, args=(far, which, size, grid, kind, runtime), daemon=True
        )
        self._process.start()
        self._operations = self._pipe.recv()
        self.peak = 0.0

    def seconds(self) -> float:
        self._pipe.send(True)
        return self._pipe.recv()

    def close(self) -> tuple[int, float]:
        """Operations of one step, and the process's peak memory in GiB."""
        self._pipe.send(False)
        self.peak = self._pipe.recv()
        self._process.join()
        return self._operations, self.peak


def take_steps(
    pipe: Connection, which: str, size: int, grid: int, kind: str, runtime: Runtime
) -> None:
    device = runtime.torch_device
    if which == "ours":
        if runtime.device == "cpu":
            keep_freed_memory()
        step = our_step(size, grid, runtime, kind)
    else:
        step = plain_step(size, grid, device, kind)
    pipe.send(count_operations(step))
    step()
    while pipe.recv():
        pipe.send(seconds(step, device))
    pipe.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, default=320)
    parser.add_argument("--grid", type=int, default=5)
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    runtime = resolve_runtime(arguments.device, "auto")
    print(
        f"{LABELED + UNLABELED} images of {arguments.size}, {arguments.grid} x {arguments.grid} "
        f"patches, {runtime.device} in {runtime.precision}, {torch.get_num_threads()} threads, "
        f"median of {arguments.rounds} interleaved rounds"
    )
    print(f"{'phase':<12} {'plain s':>8} {'ours s':>8} {'ratio':>6} {'GFLOP':>7} {'of limit':>8}")
    for kind in (*PHASES, JOINT):
        plain, ours = (
            Stepping(which, arguments.size, arguments.grid, kind, runtime)
            for which in ("plain", "ours")
        )
        times: dict[str, list[float]] = {"plain": [], "ours": [], "rate": []}
        for _ in range(arguments.rounds):
            times["plain"].append(plain.seconds())
            times["rate"].append(matrix_rate(runtime))
            times["ours"].append(ours.seconds())
        before, after, rate = (
            statistics.median(times[name]) for name in ("plain", "ours", "rate")
        )
        operations, _ = ours.close()
        _, memory = plain.close()
        print(
            f"{kind:<12} {before:8.2f} {after:8.2f} {before / after:5.2f}x "
            f"{operations / 1e9:7.0f} {operations / rate / after:7.0%}"
            f"   peak {ours.peak:.2f} GiB (plain {memory:.2f})"
        )
    print(f"matrix products: {rate / 1e9:.0f} GFLOP/s")


if __name__ == "__main__":
    main()
