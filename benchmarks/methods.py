"""A training step of every method relative to supervised, beside the passes it has to make.

    python benchmarks/methods.py [--rounds 5] [--size 320] [--grid 5] [--device auto]

Each method steps in turn in one process, round after round, so that a busy machine slows all of
them alike. ``learnt`` and ``forward`` are whole images through a network in one step, with a graph
and without; ``GFLOP`` is counted on a step. A method whose time per operation is that of
supervised costs no more than its passes demand: ``time/op`` says how far it is from that.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch.utils.flop_counter import FlopCounterMode

from cclcc_cli.config import METHODS, AnyRecipe, parse_recipe
from cclcc_cli.data.loading import RawBatch
from cclcc_cli.methods import StepInfo, build_method
from cclcc_cli.training.costs import PassCounter
from cclcc_cli.training.memory import keep_freed_memory
from cclcc_cli.training.runtime import Runtime, resolve_runtime
from cclcc_cli.training.step import Stepper, build_optimizer, move_batch

LABELED, UNLABELED, STEPS = 4, 4, 300


def recipe_of(method: str, size: int, grid: int) -> AnyRecipe:
    raw = {
        "name": "bench", "method": method, "budget": {"steps": STEPS},
        "data": {"name": "bench", "size": size, "labeled": 4},
    }
    if "grid" in METHODS[method].example:
        raw[method] = {"grid": grid}
    return parse_recipe(raw, "benchmark")


class Stepping:
    """One method, ready to step."""

    def __init__(self, recipe: AnyRecipe, runtime: Runtime) -> None:
        torch.manual_seed(0)
        size, views = recipe.data.size, recipe.strong_views
        method = build_method(recipe).to(
            runtime.torch_device, memory_format=torch.channels_last
        )
        self.passes = PassCounter(method)
        self._normalization = method.student.normalization
        self._size, self._runtime = size, runtime
        self._stepper = Stepper(
            method, build_optimizer(recipe.optimizer, method), None, runtime
        )
        count = LABELED + recipe.batch.unlabeled
        images = torch.randint(256, (count, size, size, 3), dtype=torch.uint8)
        strong = None
        if views is not None:
            seen = images if views.of_labeled else images[LABELED:]
            strong = seen.expand(views.count, *seen.shape).contiguous()
        self._raw = RawBatch(images, (images[:LABELED, ..., 0] > 127).to(torch.uint8), strong)

    def step(self) -> None:
        batch = move_batch(self._raw, self._runtime, self._normalization)
        self._stepper.step(batch, StepInfo(STEPS - 1, STEPS), 1e-3)

    def seconds(self) -> float:
        return timed(self.step, self._runtime)

    def images(self) -> tuple[float, float]:
        """Through networks in one step: learnt from, forward only."""
        with self.passes.counting():
            self.step()
        area = self._size**2
        return self.passes.learning_pixels / area, self.passes.forward_only_pixels / area

    def operations(self) -> int:
        with FlopCounterMode(display=False) as counter:
            self.step()
        return counter.get_total_flops()


def timed(work: Callable[[], None], runtime: Runtime) -> float:
    def wait() -> None:
        if runtime.device == "cuda":
            torch.cuda.synchronize()

    wait()
    started = time.perf_counter()
    work()
    wait()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=320)
    parser.add_argument("--grid", type=int, default=5)
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    runtime = resolve_runtime(arguments.device, "auto")
    if runtime.device == "cpu":
        keep_freed_memory()
    steppings = {
        name: Stepping(recipe_of(name, arguments.size, arguments.grid), runtime)
        for name in METHODS
    }
    counted = {name: (s.operations(), *s.images()) for name, s in steppings.items()}
    times: dict[str, list[float]] = {name: [] for name in steppings}
    for _ in range(arguments.rounds):
        for name, stepping in steppings.items():
            times[name].append(stepping.seconds())
    print(
        f"{LABELED} + {UNLABELED} images of {arguments.size}, {runtime.device} in "
        f"{runtime.precision}, {torch.get_num_threads()} threads, median of {arguments.rounds} "
        "interleaved rounds, at the end of the ramps"
    )
    print(f"{'method':<15} {'learnt':>7} {'forward':>7} {'GFLOP':>7} {'s/step':>8} "
          f"{'relative':>9} {'time/op':>8}")
    base, base_operations = statistics.median(times["supervised"]), counted["supervised"][0]
    for name, (operations, learnt, forward) in counted.items():
        seconds = statistics.median(times[name])
        per_operation = (seconds / operations) / (base / base_operations)
        print(f"{name:<15} {learnt:7.3g} {forward:7.3g} {operations / 1e9:7.1f} {seconds:8.3f} "
              f"{seconds / base:8.2f}x {per_operation:7.2f}x")


if __name__ == "__main__":
    main()
