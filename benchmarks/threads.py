"""What threads do to a training step where the cores have other work, and where they have none.

    python benchmarks/threads.py --busy 2

Steps of the published U-Net, each arrangement in a process of its own, in turn; ``--busy`` starts
so many processes that compute all the while. Waiting threads of OpenMP spin for each other unless
OMP_WAIT_POLICY says that they should sleep.
"""

import argparse
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import time

ARRANGEMENTS = {
    "1 thread": {"OMP_NUM_THREADS": "1"},
    "2 threads, spinning": {"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "ACTIVE"},
    "2 threads, the library's choice": {"OMP_NUM_THREADS": "2"},
    "2 threads, sleeping": {"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "PASSIVE"},
}


def steps_of(count: int, size: int) -> list[float]:
    """Seconds of each step but the first, which warms up."""
    import torch

    from cclcc_cli.config.model import UNetModel
    from cclcc_cli.models.build import build_network
    from cclcc_cli.training.memory import keep_freed_memory

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    keep_freed_memory()
    network = build_network(UNetModel()).to(memory_format=torch.channels_last)
    images = torch.randn(4, 3, size, size).contiguous(memory_format=torch.channels_last)
    seconds = []
    for _ in range(count + 1):
        started = time.perf_counter()
        network(images).square().mean().backward()
        seconds.append(time.perf_counter() - started)
    return seconds[1:]


def keep_busy() -> None:
    while True:
        sum(range(10_000))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--busy", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(steps_of(args.steps, args.size)))
        return
    others = [multiprocessing.Process(target=keep_busy, daemon=True) for _ in range(args.busy)]
    for other in others:
        other.start()
    seconds: dict[str, list[float]] = {name: [] for name in ARRANGEMENTS}
    for _ in range(args.rounds):
        for name, environment in ARRANGEMENTS.items():
            kept = {k: v for k, v in os.environ.items() if not k.startswith("OMP_")}
            told = subprocess.run([sys.executable, *sys.argv, "--child"], check=True, text=True,
                                  capture_output=True, env=kept | environment).stdout
            seconds[name] += json.loads(told)
    print(f"U-Net, 4 images of {args.size}, {os.cpu_count()} cores, {args.busy} busy processes, "
          f"medians of {args.rounds * args.steps} steps")
    base = statistics.median(seconds["1 thread"])
    for name, taken in seconds.items():
        median = statistics.median(taken)
        print(f"{name:34s} {median:7.3f} s  {median / base:6.2f}x  slowest {max(taken):.2f} s")


if __name__ == "__main__":
    main()
