"""What an encoder costs: seconds a step, weights and memory, interleaved, each in a process.

    python benchmarks/encoders.py [--size 96] [--labeled 4] [--unlabeled 4] [--method supervised]
        [--rounds 7] [--encoders NAME ...]

One thread, AdamW, random images and weights: what weights an encoder starts from changes no time.
The published U-Net comes first, and is what the others are relative to.
"""

import argparse
import multiprocessing
import resource
import statistics
import time
from multiprocessing.connection import Connection
from typing import Any

import torch

from cclcc_cli.config import parse_recipe
from cclcc_cli.data.loading import RawBatch
from cclcc_cli.methods import StepInfo, build_method
from cclcc_cli.training.memory import keep_freed_memory
from cclcc_cli.training.runtime import resolve_runtime
from cclcc_cli.training.step import Stepper, build_optimizer, move_batch

TIMM = {"kind": "timm", "weights": "none"}
ENCODERS = ("tf_efficientnet_lite0", "mobilenetv3_large_100", "resnet18", "convnext_atto")


def models(encoders: list[str]) -> dict[str, dict[str, Any]]:
    networks: dict[str, dict[str, Any]] = {"unet": {"kind": "unet"}}
    networks |= {name: TIMM | {"encoder": name} for name in encoders}
    first = TIMM | {"encoder": encoders[0]}
    return networks | {
        "  narrow decoder": first | {"decoder_widths": [128, 64, 32, 16, 16]},
        "  nearest": first | {"upsampling": "nearest"},
        "  frozen encoder": first | {"freeze": "encoder"},
    }


def work(connection: Connection, model: dict[str, Any], options: argparse.Namespace) -> None:
    """Say what the network weighs, then take a step at each request and say how long it took."""
    torch.set_num_threads(1)
    keep_freed_memory()
    runtime = resolve_runtime("cpu", options.precision, threads=1)
    batch = {"labeled": options.labeled}
    if options.method != "supervised":
        batch["unlabeled"] = options.unlabeled
    recipe = parse_recipe({
        "name": "x", "method": options.method, "budget": {"steps": 30}, "batch": batch,
        "data": {"name": "x", "size": options.size, "labeled": 4}, "model": model,
    }, "benchmark")
    method = build_method(recipe).to(memory_format=torch.channels_last)
    stepper = Stepper(method, build_optimizer(recipe.optimizer, method), None, runtime)
    count, side = sum(batch.values()), options.size
    images = torch.randint(256, (count, side, side, 3), dtype=torch.uint8)
    raw = RawBatch(images, (images[: options.labeled, ..., 0] > 127).to(torch.uint8))
    connection.send(sum(p.numel() for p in method.student.parameters()))
    while connection.recv():
        started = time.perf_counter()
        moved = move_batch(raw, runtime, method.student.normalization)
        stepper.step(moved, StepInfo(29, 30), 1e-3)
        seconds = time.perf_counter() - started
        connection.send((seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--labeled", type=int, default=8)
    parser.add_argument("--unlabeled", type=int, default=8)
    parser.add_argument("--method", default="supervised")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--encoders", nargs="+", default=list(ENCODERS))
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    networks, ends, weights = models(options.encoders), {}, {}
    for name, model in networks.items():
        ends[name], other = context.Pipe()
        context.Process(target=work, args=(other, model, options), daemon=True).start()
        weights[name] = ends[name].recv()
    seconds: dict[str, list[float]] = {name: [] for name in networks}
    memory: dict[str, float] = {}
    for number in range(options.rounds + 2):
        for name, end in ends.items():
            end.send(True)
            taken, memory[name] = end.recv()
            if number >= 2:  # the first two warm up
                seconds[name].append(taken)
    for end in ends.values():
        end.send(False)
    print(f"{options.method}, {options.labeled} labelled images of {options.size}, 1 thread, "
          f"median of {options.rounds} interleaved rounds")
    print(f"{'network':24} {'weights':>10} {'s/step':>7} {'relative':>9} {'memory':>9}")
    base = statistics.median(seconds["unet"])
    for name in networks:
        median = statistics.median(seconds[name])
        print(f"{name:24} {weights[name] / 1e6:>8.2f} M {median:>7.3f} {median / base:>8.2f}x "
              f"{memory[name]:>5.2f} GiB")


if __name__ == "__main__":
    main()
