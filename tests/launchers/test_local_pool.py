"""Local workers: each with its GPU, told before torch looks for one, also after it was replaced."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor

import pytest

from cclcc_cli.launchers.local_pool import LocalPool, visible_gpus


def test_gpus_are_dealt_in_turn_and_kept_when_a_worker_is_replaced(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    with LocalPool(3, gpus=(0, 1)) as pool:
        def ask(function, *args):
            return [pool.submit(function, *args) for _ in range(3)]

        assert [f.result() for f in ask(os.getenv, "CUDA_VISIBLE_DEVICES")] == ["0", "1", "0"]
        for future in ask(signal.raise_signal, signal.SIGKILL):
            assert isinstance(future.exception(), BrokenExecutor)
        assert [f.result() for f in ask(os.getenv, "CUDA_VISIBLE_DEVICES")] == ["0", "1", "0"]
    assert "CUDA_VISIBLE_DEVICES" not in os.environ


def test_without_gpus_a_worker_sees_what_we_see(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    with LocalPool(1) as pool:
        assert pool.submit(os.getenv, "CUDA_VISIBLE_DEVICES").result() == "7"


def test_what_is_loaded_for_all_workers_looks_for_no_gpu():
    code = """
import torch
looked = []
for name in ("is_available", "device_count", "current_device", "init", "_lazy_init"):
    setattr(torch.cuda, name, lambda *_, name=name: looked.append(name))
import cclcc_cli.launchers.preloaded, cclcc_cli.tracking.mirror, cclcc_cli.sweeps.search.pruner
assert not looked, looked
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr


def test_workers_have_it_from_the_first_moment_and_the_parent_goes_without():
    loaded = "{'torch._dynamo', 'cclcc_cli.runs.run'} <= {*__import__('sys').modules}"
    code = f"""
import sys
from cclcc_cli.launchers.local_pool import LocalPool
if __name__ == "__main__":
    with LocalPool(2) as pool:
        print([pool.submit(eval, {loaded!r}).result() for _ in range(2)])
    assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          check=True)
    assert done.stdout == "[True, True]\n"


def test_a_worker_hears_the_signal_to_leave():
    with LocalPool(1) as pool:
        call = pool.submit(time.sleep, 300)
        while not call.running():
            time.sleep(0.01)
        pool.terminate()
        assert isinstance(call.exception(60), BrokenExecutor)


@pytest.mark.parametrize(("ours", "expected"), [(None, ["0", "1"]), ("3, GPU-ab", ["3", "GPU-ab"])])
def test_numbers_count_among_the_gpus_that_we_were_given(monkeypatch, ours, expected):
    if ours is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", ours)
    assert visible_gpus([0, 1]) == expected
