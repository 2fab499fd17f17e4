"""Weights that change over training."""

import math


def sigmoid_ramp_up(t: float) -> float:
    """The usual sigmoid-shaped ramp ``exp(-5 (1 - t)^2)``: exp(-5) at t = 0, 1 from t = 1 on.

    Args:
        t: how far along the ramp, below 0 counts as 0, above 1 as 1.
    """
    t = min(max(t, 0.0), 1.0)
    return math.exp(-5 * (1 - t) ** 2)
