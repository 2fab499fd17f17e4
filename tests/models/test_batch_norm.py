"""What patches may do to, and take from, BatchNorm's statistics."""

import pytest
import torch
from torch import nn

from cclcc_cli.models.batch_norm import norm_statistics


@pytest.fixture
def norm():
    norm = nn.BatchNorm2d(2)
    norm(torch.randn(4, 2, 8, 8) + 3)
    return norm


@pytest.mark.parametrize(("mode", "learns"), [("shared", True), ("separate", False),
                                              ("frozen", False)])
def test_whether_running_statistics_learn_from_patches(norm, mode, learns):
    before = norm.running_mean.clone()
    with norm_statistics(norm, mode):
        norm(torch.randn(4, 2, 8, 8) - 5)
    assert torch.equal(norm.running_mean, before) is not learns


@pytest.mark.parametrize(("mode", "centred"), [("shared", True), ("separate", True),
                                               ("frozen", False)])
def test_whose_statistics_normalise_patches(norm, mode, centred):
    with norm_statistics(norm, mode):
        out = norm(torch.randn(4, 2, 8, 8) - 5)
    assert (out.mean().abs() < 1e-3).item() is centred


@pytest.mark.parametrize("mode", ["shared", "separate", "frozen"])
def test_afterwards_everything_is_as_before_even_after_an_error(norm, mode):
    with pytest.raises(ValueError, match="Expected more than 1|expected 4D"), \
            norm_statistics(norm, mode):
        norm(torch.zeros(2, 2))
    assert norm.training
    assert norm.track_running_stats


@pytest.mark.parametrize("mode", ["shared", "separate", "frozen"])
def test_evaluation_is_left_alone(norm, mode):
    norm.eval()
    with norm_statistics(norm, mode):
        assert norm.track_running_stats
    assert not norm.training
