"""Device and precision: chosen where left open, refused where absent."""

import pytest
import torch

from cclcc_cli.errors import RunError
from cclcc_cli.training.runtime import Runtime, has_fast_bf16, resolve_runtime


def test_auto_on_a_cpu_takes_what_its_hardware_computes():
    expected = "bf16" if has_fast_bf16("cpu") else "fp32"
    assert resolve_runtime("cpu", "auto", 3) == Runtime("cpu", expected, 3)


def test_half_precision_that_the_machine_lacks_is_refused():
    with pytest.raises(RunError, match="a CPU cannot train in it"):
        resolve_runtime("cpu", "fp16")
    if not has_fast_bf16("cpu"):
        with pytest.raises(RunError, match="has no bf16 arithmetic"):
            resolve_runtime("cpu", "bf16")


@pytest.mark.parametrize("precision", ["fp32", "auto"])
def test_threads_and_processes_are_kept(precision):
    runtime = resolve_runtime("cpu", precision, processes=2, threads=3)
    assert (runtime.cpu_threads, runtime.processes) == (3, 2)


def test_threads_are_a_cpus(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    with pytest.raises(RunError, match="--threads 3: it is a CPU's, and this computes on cuda"):
        resolve_runtime("auto", "fp32", threads=3)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_an_absent_device_is_refused_with_those_there_are():
    with pytest.raises(RunError, match="--device cuda: this machine has none; available: "):
        resolve_runtime("cuda", "auto")


def test_autocast_covers_convolutions_only_where_asked():
    conv, images = torch.nn.Conv2d(3, 4, 1), torch.ones(1, 3, 2, 2)
    with Runtime("cpu", "fp32").autocast():
        assert conv(images).dtype == torch.float32
    with Runtime("cpu", "bf16").autocast():
        assert conv(images).dtype == torch.bfloat16
