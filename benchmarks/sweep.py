"""What an ablation costs beside its trainings.

    python benchmarks/sweep.py [--runs 1000] [--images 1000] [--trained 4] [--rounds 5]
                               [--against FOLDER] [--runs-only]

Plans so many tiny runs, all to do and then all done, as ``cclcc ablate`` does before it trains;
then (with ``--runs-only`` at once) trains a few and tells the time between two, and what MLflow
adds. The command's own start is told apart: it is paid once. ``--against`` names another checkout
of the package, whose command is timed in turn with this one's.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

STARTED = time.perf_counter()

from cclcc_cli.config.ablation import load_ablation  # noqa: E402
from cclcc_cli.data.prepare import prepare  # noqa: E402
from cclcc_cli.data.sources import SyntheticSource  # noqa: E402
from cclcc_cli.data.split_rule import SplitRule  # noqa: E402
from cclcc_cli.data.store import store_path  # noqa: E402
from cclcc_cli.sweeps.ablation import OpenAblation, open_ablation, run_ablation  # noqa: E402

IMPORTED = time.perf_counter() - STARTED


class Silent:
    """A display that shows nothing."""

    def say(self, line: str) -> None:
        """Nobody hears."""

    def show(self, progress: object) -> None:
        """Nobody looks."""


def write_ablation(path: Path, runs: int, steps: int) -> None:
    base = {
        "method": "clcc", "data": {"name": "synthetic", "size": 32, "labeled": 0.1},
        "model": {"widths": [4, 8, 8, 8, 8]}, "budget": {"steps": steps},
        "validation": {"every": steps}, "batch": {"labeled": 2, "unlabeled": 2},
        "clcc": {"grid": 2, "projector_widths": [8, 8, 8]},
    }
    path.write_text(json.dumps({
        "name": path.stem, "base": base, "threads": 1,
        "variants": {"clcc": {}, "both_ways": {"clcc.symmetric": True}},
        "axes": {"seed": list(range(runs // 2))},
    }))


def planned(path: Path, root: Path) -> tuple[OpenAblation, str]:
    begun, computed = time.perf_counter(), time.process_time()
    opened = open_ablation(load_ablation(path), data_root=root / "data", runs_root=root / "runs",
                           device="cpu", precision="fp32", workers=1)
    _ = [run.state for run in opened.plan.runs]
    return opened, (f"{time.perf_counter() - begun:6.2f} s, of which "
                    f"{time.process_time() - computed:.2f} s computing")


def run(opened: OpenAblation, uri: str | None = None) -> tuple[Any, float]:
    begun = time.perf_counter()
    summary = run_ablation(opened, workers=1, retry=False, display=Silent(), tracking_uri=uri)
    return summary, time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--trained", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--runs-only", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        prepare(store_path(root / "data", "synthetic", 32),
                SyntheticSource(count=arguments.images, seed=0), SplitRule())
        print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        if not arguments.runs_only:
            measure_plan(root, arguments.runs)
            measure_command(root, arguments.rounds, arguments.against)
        measure_runs(root, arguments.trained, arguments.rounds)


def measure_plan(root: Path, runs: int) -> None:
    path = root / "many.yaml"
    write_ablation(path, runs, steps=2)
    opened, seconds = planned(path, root)
    print(f"imports before                     {IMPORTED:6.2f} s")
    print(f"{runs} runs planned, all to do     {seconds}")
    for run in opened.plan.runs:
        run.folder.update_status(state="finished", step=2, elapsed=1.0)
        run.folder.join_ablation(opened.plan.name)  # as its training would have
    opened, seconds = planned(path, root)
    summary, skipped = run(opened)
    assert summary.before == runs
    print(f"{runs} runs planned, all done      {seconds}; passed over in {skipped:.2f} s")


def measure_command(root: Path, rounds: int, against: Path | None) -> None:
    """The whole command on runs that are all done, this package and another in turn."""
    trees = {"now": Path(__file__).parents[1]} | ({} if against is None else {"before": against})
    explicit = ["--device", "cpu", "--precision", "fp32"]
    kinds = {"without MLflow": [*explicit, "--no-mlflow"], "with MLflow": explicit,
             "--device auto": ["--precision", "fp32", "--no-mlflow"]}
    for kind, options in kinds.items():
        command(root, trees["now"], options)  # MLflow's file is made once
        taken = {name: [] for name in trees}
        for _ in range(rounds):
            for name, tree in trees.items():
                taken[name].append(command(root, tree, options))
        middle = {name: [statistics.median(column) for column in zip(*pairs, strict=True)]
                  for name, pairs in taken.items()}
        told = "; ".join(f"{name} {wall:.2f} s, of which {computing:.2f} s computing"
                         for name, (wall, computing) in middle.items())
        ratio = (f"; {middle['before'][0] / middle['now'][0]:.2f} times faster, computing "
                 f"{middle['before'][1] / middle['now'][1]:.2f} times" if against else "")
        print(f"the whole command, {kind}: {told}{ratio}", flush=True)


def command(root: Path, tree: Path, options: list[str]) -> tuple[float, float]:
    begun, before = time.perf_counter(), children_computed()
    subprocess.run(
        [sys.executable, "-m", "cclcc_cli", "ablate", str(root / "many.yaml"), "--data",
         str(root / "data"), "--runs", str(root / "runs"), "--quiet", "--no-report", *options],
        check=True, stdout=subprocess.DEVNULL, cwd=root,
        env={**os.environ, "PYTHONPATH": str(tree)},
    )
    return time.perf_counter() - begun, children_computed() - before


def children_computed() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure_runs(root: Path, trained: int, rounds: int) -> None:
    """What a run costs beside its training, without and with MLflow in turn.

    One worker trains one run after another. Between a run's end and the next one's start lies
    everything around a training but the imports: handing over, opening the store, the lock,
    identity and environment, the network's first weights, and the last word, which with MLflow is
    the upload. What MLflow adds within a run shows in its time beside its steps; whether it
    slows the steps, in theirs.
    """
    kinds = {"without MLflow": None, "with MLflow": f"sqlite:///{root / 'mlflow.db'}"}
    gaps: dict[str, list[float]] = {kind: [] for kind in kinds}
    beside: dict[str, list[float]] = {kind: [] for kind in kinds}
    steps: dict[str, list[float]] = {kind: [] for kind in kinds}
    for number in range(rounds):
        for kind, address in kinds.items():
            path = root / f"few_{number}_{kind.split()[0]}.yaml"
            write_ablation(path, trained, steps=200)
            opened = open_ablation(
                load_ablation(path), data_root=root / "data", runs_root=root / path.stem,
                device="cpu", precision="fp32", workers=1)
            run(opened, address)
            statuses = sorted((run.folder.status for run in opened.plan.runs),
                              key=lambda status: status.started)
            moments = [(datetime.fromisoformat(status.session_started),
                        datetime.fromisoformat(status.finished)) for status in statuses]
            gaps[kind] += [(after[0] - before[1]).total_seconds()
                           for before, after in pairwise(moments)]
            beside[kind] += [one.elapsed - one.seconds for one in statuses[1:]]
            steps[kind] += [one.seconds for one in statuses[1:]]
    for kind in kinds:
        print(f"{rounds} x {trained} runs {kind}: between two {_spread(gaps[kind])}; within one, "
              f"beside its steps {_spread(beside[kind])}, its steps {_spread(steps[kind])}")
    without, tracked = (statistics.median(beside[kind]) for kind in kinds)
    added = statistics.median(gaps["with MLflow"]) + tracked - without
    print(f"beside a run's training, with MLflow: {added:.2f} s, {added / 0.6:.2f} % of a minute")


def _spread(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.3f} s ({min(seconds):.3f} to {max(seconds):.3f})"


if __name__ == "__main__":
    main()
