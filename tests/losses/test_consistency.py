"""Cross-level consistency: the published code's numbers, a value by hand, who gets gradient."""

import math

import pytest
import torch

from cclcc_cli.data.grid import join_patches, split_patches
from cclcc_cli.losses.consistency import patch_consistency_loss


def test_equals_the_published_loss(wave):
    whole = 2 * wave((2, 1, 320, 320), 0.0071)
    patches = join_patches(2 * wave((50, 1, 64, 64), 0.0093), 5)
    loss = patch_consistency_loss(patches, whole).item()
    assert loss == pytest.approx(0.16511985384357428, rel=1e-9)
    assert 25 * loss == pytest.approx(4.127996346089357, rel=1e-9)


def test_exact_crops_cost_nothing(wave):
    whole = wave((2, 1, 32, 32), 0.3)
    assert patch_consistency_loss(join_patches(split_patches(whole, 2), 2), whole).item() == 0


def test_by_hand():
    loss = patch_consistency_loss(torch.zeros(1, 1, 1, 1), torch.full((1, 1, 1, 1), math.log(3)))
    assert loss.item() == pytest.approx(1 / 16)


def test_only_the_patches_receive_gradient():
    patches = torch.zeros(1, 1, 2, 2, requires_grad=True)
    whole = torch.ones(1, 1, 2, 2, requires_grad=True)
    patch_consistency_loss(patches, whole).backward()
    assert patches.grad.abs().sum() > 0
    assert whole.grad is None
