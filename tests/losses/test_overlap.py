"""BCE + soft Dice: the published code's numbers, values derived by hand, limits."""

import math

import pytest
import torch

from cclcc_cli.losses.overlap import (
    bce_dice_loss,
    boundary_weights,
    region_bce_dice_loss,
    soft_dice_loss,
)


@pytest.fixture
def logits(wave):
    return 3 * wave((4, 1, 64, 64), 0.37)


@pytest.fixture
def target(wave):
    return (wave((4, 64, 64), 0.0113) > 0.2).double()[:, None]


def test_equals_the_published_loss(logits, target):
    assert target.mean().item() == 0.4542236328125
    assert bce_dice_loss(logits, target).item() == pytest.approx(1.6690340227207, rel=1e-9)


def test_its_parts_equal_the_published_ones(logits, target):
    dice = soft_dice_loss(logits, target).mean().item()
    assert dice == pytest.approx(0.5232586538624138, rel=1e-9)
    bce = bce_dice_loss(logits, target).item() - dice
    assert bce == pytest.approx(1.145775368858286, rel=1e-9)


def test_boundary_weighting_as_it_was_meant(logits, target):
    weights = boundary_weights(target, weight=5.0, kernel=31, count_padding=True)
    loss = bce_dice_loss(logits, target, weights)
    assert loss.item() == pytest.approx(1.6690358552726368, rel=1e-9)
    per_image = [
        (bce_dice_loss(x, y, w) - soft_dice_loss(x, y).mean()).item()
        for x, y, w in zip(logits.split(1), target.split(1), weights.split(1), strict=True)
    ]
    published = [1.1426210384035147, 1.147027868378925, 1.1475443954196765, 1.1459155034387754]
    assert per_image == pytest.approx(published, rel=1e-9)


def test_equal_weights_are_no_weights(logits, target):
    weighted = bce_dice_loss(logits, target, torch.full_like(target, 7.0))
    assert weighted.item() == pytest.approx(bce_dice_loss(logits, target).item(), rel=1e-12)


def test_one_pixel_by_hand():
    loss = bce_dice_loss(torch.zeros(1, 1, 1, 1), torch.ones(1, 1, 1, 1))
    assert loss.item() == pytest.approx(math.log(2) + 0.2)


def test_perfect_logits_cost_nothing():
    target = torch.tensor([[[[1.0, 0.0]]]])
    assert bce_dice_loss(200 * (target - 0.5), target).item() == pytest.approx(0, abs=1e-6)


def test_padding_adds_weight_to_foreground_at_the_image_edge():
    full = torch.ones(1, 1, 8, 8)
    assert boundary_weights(full, kernel=3).max() == 1
    assert boundary_weights(full, kernel=3, count_padding=True)[0, 0, 0, 0].item() == (
        pytest.approx(1 + 5 * 5 / 9)
    )


def test_weight_is_highest_at_a_border():
    half = torch.zeros(1, 1, 32, 32)
    half[..., 16:] = 1
    row = boundary_weights(half, kernel=5)[0, 0, 16]
    assert row[0] == row[-1] == 1
    assert row[16].item() == pytest.approx(1 + 5 * 2 / 5)
    assert row[16] == row.max()


def test_ignored_pixels_count_as_little_as_pixels_that_were_cut_off(logits, target):
    counts = torch.ones_like(target, dtype=torch.bool)
    counts[..., 40:] = False
    kept = (logits[..., :40], target[..., :40])
    seen = region_bce_dice_loss(logits, target * counts, counts.double())
    assert seen.item() == pytest.approx(bce_dice_loss(*kept).item(), rel=1e-12)
    weights = boundary_weights(target * counts, kernel=5, counts=counts)
    torch.testing.assert_close(weights[..., :40], boundary_weights(kept[1], kernel=5))


def test_an_image_without_a_pixel_that_counts_adds_nothing():
    logits, nothing = torch.full((1, 1, 2, 2), 3.0), torch.zeros(1, 1, 2, 2)
    assert region_bce_dice_loss(logits, nothing, nothing, 1 + nothing).item() == 0
