"""Local workers: each with its GPU, told before torch could look, also after it was replaced."""

import os
import signal
from concurrent.futures import BrokenExecutor

import pytest

from cclcc_cli.launchers.local_pool import LocalPool, visible_gpus


def test_gpus_are_dealt_in_turn_and_kept_when_a_worker_is_replaced(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    with LocalPool(3, gpus=(0, 1)) as pool:
        def ask(function, *args):
            return [pool.submit(function, *args) for _ in range(3)]

        assert [f.result() for f in ask(os.getenv, "CUDA_VISIBLE_DEVICES")] == ["0", "1", "0"]
        assert [f.result() for f in ask(eval, "'torch' in __import__('sys').modules")] == [
            False] * 3  # so that it was told in time
        for future in ask(signal.raise_signal, signal.SIGKILL):
            assert isinstance(future.exception(), BrokenExecutor)
        assert [f.result() for f in ask(os.getenv, "CUDA_VISIBLE_DEVICES")] == ["0", "1", "0"]
    assert "CUDA_VISIBLE_DEVICES" not in os.environ


def test_without_gpus_a_worker_sees_what_we_see(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    with LocalPool(1) as pool:
        assert pool.submit(os.getenv, "CUDA_VISIBLE_DEVICES").result() == "7"


@pytest.mark.parametrize(("ours", "expected"), [(None, ["0", "1"]), ("3, GPU-ab", ["3", "GPU-ab"])])
def test_numbers_count_among_the_gpus_that_we_were_given(monkeypatch, ours, expected):
    if ours is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", ours)
    assert visible_gpus([0, 1]) == expected
