"""What it costs to start local workers: forked from a process with its imports loaded, or anew.

    python benchmarks/worker_start.py --workers 4

CPU seconds and seconds until every worker has all that a training run loads, an optimiser made
included; then the same for a worker that replaces one that was killed.
"""

import argparse
import multiprocessing
import os
import signal
import time
from concurrent.futures import ProcessPoolExecutor, wait

import psutil

from cclcc_cli.launchers.local_pool import LocalPool


def make_ready() -> int:
    """What a run does first; this worker's process."""
    import torch

    import cclcc_cli.runs.run  # noqa: F401

    torch.optim.AdamW([torch.zeros(1, requires_grad=True)])
    return os.getpid()


def spent() -> float:
    """CPU seconds of this process and all its living descendants."""
    me = psutil.Process()
    return sum(sum(one.cpu_times()[:2]) for one in [me, *me.children(recursive=True)])


def anew(workers: int) -> None:
    """Workers that load everything themselves."""
    context = multiprocessing.get_context("spawn")
    pools = [ProcessPoolExecutor(1, mp_context=context) for _ in range(workers)]
    begun, cpu = time.perf_counter(), spent()
    wait([pool.submit(make_ready) for pool in pools])
    show(f"{workers} workers, each loading for itself", begun, cpu)
    for pool in pools:
        pool.shutdown()


def forked(workers: int) -> None:
    """Those of ``cclcc ablate`` and ``search``."""
    with LocalPool(workers) as pool:
        begun, cpu = time.perf_counter(), spent()
        calls = [pool.submit(make_ready) for _ in range(workers)]
        wait(calls)
        show(f"{workers} workers, forked", begun, cpu)
        os.kill(calls[0].result(), signal.SIGKILL)
        time.sleep(0.5)
        begun, cpu = time.perf_counter(), spent()
        pool.submit(make_ready).result()
        show("a forked one more", begun, cpu)


def show(what: str, begun: float, cpu: float) -> None:
    print(f"{what}: {spent() - cpu:.1f} s of CPU, ready after {time.perf_counter() - begun:.1f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=2)
    count = parser.parse_args().workers
    anew(count)
    forked(count)
