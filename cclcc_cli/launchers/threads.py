"""CPU threads of runs side by side on this machine."""

import os

from cclcc_cli.errors import RunError


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def choose_threads(fixed: int | None, workers: int) -> int:
    """CPU threads of each run here: those that are fixed, else one.

    Several runs side by side make more of the cores than threads of one run do, which wait for
    each other where anything else runs (``benchmarks/threads.py``).

    Args:
        fixed: the file's, else those of the first start: they are part of a run's identity, so a
            plan that has begun keeps them.
        workers: runs at once.

    Raises:
        RunError: so many workers would compute on more threads than there are cores.
    """
    cores = available_cores()
    threads = fixed or 1
    if threads > 1 and threads * workers > cores:
        raise RunError(
            f"--workers {workers}: each run of this plan has {threads} threads and this machine "
            f"{cores} cores; give {max(1, cores // threads)}, or write threads: 1 into the file, "
            "which makes new runs"
        )
    return threads
