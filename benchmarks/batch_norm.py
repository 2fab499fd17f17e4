"""Labelled and unlabelled images with statistics of their own: two passes, or one that splits.

    python benchmarks/batch_norm.py --size 96 --rounds 7
    python benchmarks/batch_norm.py --device cuda --size 320

Prints seconds of a forward and backward pass, medians of interleaved rounds, and the peak of
memory, each in a process of its own: one batch for both (joint), two passes as the methods make
them, and one pass whose BatchNorm layers split the batch.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from cclcc_cli.config.model import TimmModel, UNetModel
from cclcc_cli.models.batch_norm import norm_statistics
from cclcc_cli.models.build import build_network
from cclcc_cli.models.network import Network
from cclcc_cli.training.memory import keep_freed_memory

WAYS = ("joint", "two passes", "one pass that splits")


def split_norms(network: Network, count: int) -> None:
    """Have each BatchNorm normalise the first ``count`` rows and the others apart."""
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            alone = norm.forward

            def forward(x: Tensor, norm: nn.BatchNorm2d = norm,
                        alone: Callable[[Tensor], Tensor] = alone) -> Tensor:
                first = alone(x[:count])
                norm.track_running_stats = False
                rest = alone(x[count:])
                norm.track_running_stats = True
                return torch.cat([first, rest])

            norm.forward = forward  # type: ignore[method-assign,assignment]


def build_step(way: str, args: argparse.Namespace) -> Callable[[], None]:
    """One forward and backward pass of both streams, in one of the ways."""
    torch.manual_seed(0)
    model: Any = UNetModel() if args.encoder == "unet" else TimmModel(
        kind="timm", encoder=args.encoder, weights="none")
    network = build_network(model).to(args.device, memory_format=torch.channels_last)
    images = torch.randn(2 * args.images, 3, args.size, args.size, device=args.device)
    images = images.contiguous(memory_format=torch.channels_last)
    if way == WAYS[2]:
        split_norms(network, args.images)

    def step() -> None:
        if way == "two passes":
            outputs = [network(images[: args.images])]
            with norm_statistics(network, "separate"):
                outputs.append(network(images[args.images :]))
        else:
            outputs = [network(images)]
        sum(x.square().mean() for x in outputs).backward()  # type: ignore[union-attr]
        if args.device == "cuda":
            torch.cuda.synchronize()

    return step


def peak_megabytes(way: str, args: argparse.Namespace) -> float:
    """The most memory that three steps take beside the program itself."""
    step = build_step(way, args)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(3):
        step()
    if args.device == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--encoder", default="unet", help="unet, or an encoder of timm")
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--images", type=int, default=4, help="of each stream")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--peak-of", choices=WAYS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.peak_of:
        print(json.dumps(peak_megabytes(args.peak_of, args)))
        return
    peaks = {
        way: json.loads(subprocess.run([sys.executable, *sys.argv, "--peak-of", way], check=True,
                                       capture_output=True, text=True).stdout)
        for way in WAYS
    }
    keep_freed_memory()
    steps = {way: build_step(way, args) for way in WAYS}
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    clock = time.process_time if args.device == "cpu" else time.perf_counter
    for _ in range(args.rounds + 1):
        for way, step in steps.items():
            started = clock()
            step()
            seconds[way].append(clock() - started)
    medians = {way: statistics.median(taken[1:]) for way, taken in seconds.items()}
    print(f"{args.encoder}, {args.images} + {args.images} images of {args.size}, {args.device}, "
          f"one thread, median of {args.rounds} rounds")
    for way in WAYS:
        print(f"{way:22s} {medians[way]:.3f} s  {medians[way] / medians['joint']:.2f}x  "
              f"peak {peaks[way]:.0f} MB  {peaks[way] / peaks['joint']:.2f}x")


if __name__ == "__main__":
    main()
