"""CPU threads of runs side by side on this machine."""

from cclcc_cli.errors import RunError
from cclcc_cli.system import available_cores


def choose_threads(fixed: int | None, workers: int) -> int:
    """CPU threads of each run on this machine: the fixed number, or else one.

    Several runs side by side use the cores better than several threads of one run, which wait for
    each other as soon as anything else is running (``benchmarks/threads.py``).

    Args:
        fixed: the file's number, or that of the first start: threads are part of a CPU run's
            identity, so a plan that has started keeps them.
        workers: runs at once.

    Raises:
        RunError: the workers would compute on more threads than there are cores.
    """
    cores = available_cores()
    threads = fixed or 1
    if threads > 1 and threads * workers > cores:
        raise RunError(
            f"--workers {workers}: each run of this plan has {threads} threads and this machine "
            f"has {cores} cores; give {max(1, cores // threads)}, or write threads: 1 into the "
            "file, which changes the runs' identity"
        )
    return threads
