"""Means over the pixels that count."""

from torch import Tensor


def mean_where(values: Tensor, counts: Tensor | None) -> Tensor:
    """The mean of values where they count, a scalar; 0 where none does.

    Args:
        values: of any shape; receives gradient where it counts.
        counts: bool, of the same shape; None counts all.
    """
    if counts is None:
        return values.mean()
    return (values * counts).sum() / counts.sum().clamp(min=1)
