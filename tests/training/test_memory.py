"""Memory is kept where the system can, in a process of its own."""

import platform
import subprocess
import sys

import pytest

COUNT_FAULTS = """
import resource, sys
import torch
from cclcc_cli.training.memory import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
def work():
    for _ in range(20):
        torch.ones(16 * 2**20)  # 64 MiB, freed at once
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_freed_blocks_are_reused_without_the_kernel(monkeypatch, pytestconfig):
    monkeypatch.setenv("PYTHONPATH", str(pytestconfig.rootpath))
    faults = {
        mode: int(subprocess.run([sys.executable, "-c", COUNT_FAULTS, mode], check=True,
                                 capture_output=True, text=True).stdout)
        for mode in ("keep", "give back")
    }
    assert faults["give back"] > 1000
    assert faults["keep"] < faults["give back"] / 100
