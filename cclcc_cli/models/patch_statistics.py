"""What BatchNorm does while patches pass through a network that also sees whole images."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from torch import nn

PatchStatistics = Literal["shared", "separate", "frozen"]


@contextmanager
def patch_statistics(network: nn.Module, mode: PatchStatistics) -> Iterator[None]:
    """Treat everything inside as patches.

    - ``shared``: batch statistics, and the running ones learn from patches too (published;
      the running statistics that serve whole images at test time become a mixture).
    - ``separate``: batch statistics of the patches; the running ones stay those of whole images.
    - ``frozen``: the running statistics of whole images normalise the patches.
    """
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d) and m.training]
    for norm in norms:
        norm.track_running_stats = mode == "shared"
        if mode == "frozen":
            norm.eval()
            norm.track_running_stats = True
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True
            norm.train()
