"""Keep freed memory: a step frees and allocates the same gigabytes as the step before it."""

import ctypes
import platform

# glibc's mallopt(3)
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4


def keep_freed_memory() -> bool:
    """Have the C library reuse large blocks instead of giving each back to the system.

    Every activation map is above glibc's limit for blocks of their own, so that without this
    each step has the kernel map and clear all of its memory again: on two cores about a seventh
    of the time, at the price of about a fifth more memory. Results do not change.

    Returns:
        Whether this system has such a setting (Linux with glibc).
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(_M_MMAP_MAX, 0)) and bool(mallopt(_M_TRIM_THRESHOLD, 2**31 - 1))
