"""Where and in what precision a run computes: part of what determines its result.

A plan whose runs are all done needs no torch, so it loads where it is first needed.
"""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cclcc_cli.errors import RunError

if TYPE_CHECKING:
    import torch

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]


@dataclass(frozen=True)
class Runtime:
    """Resolved: nothing is left to choose.

    Attributes:
        device: cpu, cuda or mps.
        precision: fp32, bf16 or fp16, of the convolutions; losses and weights stay float32.
        workers: processes that load data; changes nothing but speed.
        threads: of a CPU, by whose number sums are ordered; None: as many as torch has now.
        processes: that compute together, each with so many threads or a GPU of its own.
    """

    device: str
    precision: str
    workers: int = 0
    threads: int | None = None
    processes: int = 1

    @property
    def cpu_threads(self) -> int:
        """Threads that a CPU run has."""
        if self.threads is None:
            import torch

            return torch.get_num_threads()
        return self.threads

    @property
    def torch_device(self) -> "torch.device":
        import torch

        return torch.device(self.device)

    def autocast(self) -> AbstractContextManager[object]:
        """Half precision inside, where the run uses it."""
        if self.precision == "fp32":
            return nullcontext()
        import torch

        dtype = torch.bfloat16 if self.precision == "bf16" else torch.float16
        # The weights' half-precision copies are cached per region; each region runs once a step.
        return torch.autocast(self.device, dtype=dtype)


def resolve_runtime(
    device: Device, precision: Precision, workers: int = 0, processes: int = 1,
    threads: int | None = None,
) -> Runtime:
    """Choose what ``auto`` leaves open, and refuse what this machine cannot do.

    Raises:
        RunError: the device is absent, cannot compute in this precision, or has no threads.
    """
    if (device, precision) == ("cpu", "fp32"):
        return Runtime("cpu", "fp32", workers, threads, processes)  # every machine can
    import torch

    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if device == "auto":
        chosen = next(name for name, there in available.items() if there)
    elif available[device]:
        chosen = device
    else:
        there = ", ".join(name for name, is_there in available.items() if is_there)
        raise RunError(f"--device {device}: this machine has none; available: {there}")
    if threads is not None and chosen != "cpu":
        raise RunError(f"--threads {threads}: it is a CPU's, and this computes on {chosen}; leave "
                       "it out, or give --device cpu")
    if precision == "auto":
        precision = "bf16" if has_fast_bf16(chosen) else "fp32"
    if precision == "fp16" and chosen == "cpu":
        raise RunError("--precision fp16: a CPU cannot train in it; use fp32, bf16 or auto")
    if precision == "bf16" and not has_fast_bf16(chosen):
        raise RunError(
            f"--precision bf16: this {chosen} has no bf16 arithmetic and would emulate it "
            "hundreds of times slower; use fp32 or auto"
        )
    return Runtime(chosen, precision, workers, threads, processes)


def has_fast_bf16(device: str) -> bool:
    """Whether the hardware itself computes in bf16 (AVX512-BF16, AMX, or a GPU from Ampere on)."""
    import torch

    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device == "cpu" and hasattr(torch.cpu, "get_capabilities"):
        capabilities = torch.cpu.get_capabilities()
        return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return False
