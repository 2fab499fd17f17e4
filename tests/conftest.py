"""What several tests need."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

Wave = Callable[..., Tensor]


@pytest.fixture(scope="session")
def wave() -> Wave:
    """The inputs of the golden numbers: ``sin(k*i + 0.3*cos(0.017*i))`` over a shape, float64."""

    def build(shape: tuple[int, ...], k: float) -> Tensor:
        i = torch.arange(math.prod(shape), dtype=torch.float64)
        return torch.sin(k * i + 0.3 * torch.cos(0.017 * i)).reshape(shape)

    return build
