"""The sigmoid ramp-up."""

import math

import pytest

from cclcc_cli.losses.ramps import sigmoid_ramp_up


@pytest.mark.parametrize(
    ("t", "value"),
    [(-1, math.exp(-5)), (0, math.exp(-5)), (0.5, math.exp(-1.25)), (1, 1.0), (7, 1.0)],
)
def test_values(t, value):
    assert sigmoid_ramp_up(t) == pytest.approx(value)
