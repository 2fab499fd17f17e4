"""A teacher: the exponential moving average of a student."""

from copy import deepcopy
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from cclcc_cli.models.batch_norm import norm_statistics
from cclcc_cli.models.network import Network


@final
class EmaTeacher(nn.Module):
    """Follows a student and predicts; it never learns.

    Weights after update n (from 1) are ``d * teacher + (1 - d) * student`` with
    ``d = min(1 - 1 / (n + 1), decay)``: the plain mean until that is slower than the decay.
    BatchNorm's running statistics are averaged in the same way, and serve where the teacher is
    the predictor; its targets are made with the statistics of the batch at hand, as published.

    Args:
        student: is copied.
        decay: of the average, in [0, 1).
    """

    def __init__(self, student: Network, decay: float) -> None:
        super().__init__()
        self.network = deepcopy(student).requires_grad_(False)
        self._decay = decay
        self._updates = 0

    def start_from(self, student: Network) -> None:
        """Be the student's copy again, as when built."""
        self.network.load_state_dict(student.state_dict())

    @torch.no_grad()
    def follow(self, student: Network) -> None:
        """Move towards the student, as it is after its step."""
        self._updates += 1
        decay = min(1 - 1 / (self._updates + 1), self._decay)
        average = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        average(list(self.network.parameters()), list(student.parameters()), None)
        mine, theirs = list(self.network.buffers()), list(student.buffers())
        pairs = list(zip(mine, theirs, strict=True))
        floats = [(a, b) for a, b in pairs if a.is_floating_point()]
        if floats:
            average([a for a, _ in floats], [b for _, b in floats], None)
        for counter, other in pairs:
            if not counter.is_floating_point():  # how many batches were seen
                counter.copy_(other)

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``(B, K, H, W)`` in float32, without a graph."""
        return forward_only(self.network, images)

    def get_extra_state(self) -> Any:
        return self._updates

    def set_extra_state(self, state: Any) -> None:
        self._updates = state


def forward_only(network: Network, images: Tensor) -> Tensor:
    """Logits ``(B, K, H, W)`` in float32, without a graph.

    Under autocast a network that also learns must have learnt its part first: the half-precision
    weights that its first pass leaves in the cache would have no graph. Running BatchNorm
    statistics stay as they are.
    """
    with torch.inference_mode(), norm_statistics(network, "separate"):
        logits: Tensor = network(images).float()
    return logits.clone()  # a loss cannot keep an inference tensor for its backward pass
