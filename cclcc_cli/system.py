"""What operating systems differ in, each thing with what stands for it elsewhere.

Linux is where everything is tried. Several processes for one run and Slurm need a POSIX system.
"""

import os
import signal
import sys
from pathlib import Path

import psutil

try:
    import fcntl
except ModuleNotFoundError:
    fcntl = None  # type: ignore[assignment]

WARNING = getattr(signal, "SIGUSR2", signal.SIGTERM)
"""The signal that Slurm is asked to send some time before it ends a job."""


def lock_open_file(handle: int, *, shared: bool) -> None:
    """Lock an open file until it is closed, where the system has such locks.

    Windows has none; there an open file keeps its folder from being removed.

    Raises:
        BlockingIOError: another one holds it.
    """
    if fcntl is not None:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def peak_memory() -> int:
    """The most bytes of memory that this process ever held, Python and libraries included."""
    try:  # the system's own count: on Linux ru_maxrss begins with what the starting process had
        status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return 1024 * int(next(line for line in status if line.startswith("VmHWM:")).split()[1])
    except (OSError, StopIteration):
        pass
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return int(getattr(psutil.Process().memory_info(), "peak_wset"))  # noqa: B009
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
