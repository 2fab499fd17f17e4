"""What BatchNorm does while other images pass through than those a network is tested on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from torch import nn

NormStatistics = Literal["shared", "separate", "frozen"]


@contextmanager
def norm_statistics(network: nn.Module, mode: NormStatistics) -> Iterator[None]:
    """Treat everything inside as others: patches, strong views, what a teacher looks at.

    - ``shared``: batch statistics, and the running ones learn from the others too (published;
      the running statistics that serve whole images at test time become a mixture).
    - ``separate``: batch statistics of the others; the running ones stay as they are.
    - ``frozen``: the running statistics normalise the others.
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
