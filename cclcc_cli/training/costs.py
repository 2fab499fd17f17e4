"""What a method costs: weights, images through its networks, speed, memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from cclcc_cli.methods.base import Method
from cclcc_cli.models.network import Network
from cclcc_cli.system import peak_memory as peak_memory_of_process
from cclcc_cli.training.distributed.context import SINGLE_PROCESS, DistributedContext
from cclcc_cli.training.runtime import Runtime


class PassCounter:
    """Counts pixels that enter a method's networks, with a graph and without.

    Pixels, because patches are images too: the patches of one image make one image. Only
    networks from their first convolution on are counted; a second pass of a decoder alone is
    not. Nothing waits for the device: shapes are known without it.

    Args:
        method: watched from now on, while ``counting``.
        context: whose other processes pass the rest of a batch.
    """

    def __init__(self, method: Method, context: DistributedContext = SINGLE_PROCESS) -> None:
        self._context = context
        self._counting = False
        self.learning_pixels = self.forward_only_pixels = 0
        for network in method.modules():
            if isinstance(network, Network):
                first = next(m for m in network.modules() if isinstance(m, nn.Conv2d))
                first.register_forward_hook(self._count)

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Inside, passes are a step's and not a validation's."""
        self._counting = True
        try:
            yield
        finally:
            self._counting = False

    def _count(self, _module: nn.Module, inputs: tuple[Tensor], _out: Tensor) -> None:
        if not self._counting:
            return
        count, _, height, width = inputs[0].shape
        batch = self._context.whole_count(count)
        if torch.is_grad_enabled():
            self.learning_pixels += batch * height * width
        else:
            self.forward_only_pixels += batch * height * width


def count_parameters(method: Method) -> dict[str, int]:
    """Weights of the network that is kept, and of all that training holds, teachers included."""
    def count(module: nn.Module) -> int:
        return sum(parameter.numel() for parameter in module.parameters())

    return {"predictor": count(method.predictor), "training": count(method)}


def peak_memory(runtime: Runtime) -> dict[str, Any]:
    """The most bytes that tensors took on a CUDA device, or that the process took elsewhere.

    A process counts everything it ever held, Python and torch themselves included.
    """
    if runtime.device == "cuda":
        return {"bytes": torch.cuda.max_memory_allocated(), "of": "device"}
    return {"bytes": peak_memory_of_process(), "of": "process"}
