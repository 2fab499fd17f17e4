"""Surface distances: by hand, against brute force, and for empty masks."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from cclcc_cli.metrics.overlap import rules
from cclcc_cli.metrics.surface import surface_scores, tolerance

masks = arrays(np.bool_, (7, 9), elements=st.booleans())


def brute_outline(area):
    h, w = area.shape
    return [
        (y, x) for y in range(h) for x in range(w) if area[y, x] and any(
            not (0 <= y + dy < h and 0 <= x + dx < w and area[y + dy, x + dx])
            for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0))
        )
    ]


@given(masks.filter(np.any), masks.filter(np.any))
def test_agrees_with_brute_force(mask, target):
    ours, theirs = brute_outline(mask), brute_outline(target)
    there = [min(math.dist(p, q) for q in theirs) for p in ours]
    back = [min(math.dist(p, q) for q in ours) for p in theirs]
    expected = {
        "hd95": max(np.percentile(there, 95), np.percentile(back, 95)),
        "assd": np.mean(there + back),
        "nsd": np.mean([distance <= 1 for distance in there + back]),
    }
    assert surface_scores(mask, target) == pytest.approx(expected)


def test_by_hand():
    mask, target = np.zeros((5, 9), bool), np.zeros((5, 9), bool)
    mask[2, 2] = True
    target[2, 2] = target[2, 6] = True  # distances: 0 from the mask; 0 and 4 from the truth
    found = surface_scores(mask, target)
    assert found == pytest.approx({"hd95": 0.95 * 4, "assd": 4 / 3, "nsd": 2 / 3})


@pytest.mark.parametrize(
    ("mask", "target", "distance"), [(0, 0, 0.0), (1, 0, 5.0), (0, 1, 5.0), (1, 1, 0.0)]
)
def test_empty_and_full(mask, target, distance):
    found = surface_scores(np.full((3, 4), bool(mask)), np.full((3, 4), bool(target)))
    assert found == {"hd95": distance, "assd": distance, "nsd": float(distance == 0)}


def test_the_image_border_is_an_outline():
    full, half = np.ones((4, 4), bool), np.ones((4, 4), bool)
    half[:, 2:] = False
    assert surface_scores(full, half)["assd"] > 0


@pytest.mark.parametrize(("height", "width", "pixels"), [
    (32, 32, 1.0), (70, 70, 1.0), (96, 96, 1.3576), (320, 320, 4.5255), (300, 400, 5.0)])
def test_the_tolerance_is_one_percent_of_the_diagonal_and_at_least_a_pixel(height, width, pixels):
    assert tolerance(height, width) == pytest.approx(pixels, abs=1e-4)
    assert "1% of the image's diagonal, at least 1 pixel" in rules("zero", "probs")["nsd"]


@pytest.mark.filterwarnings("ignore:.*always_return_as_numpy:FutureWarning")  # monai's own
@pytest.mark.parametrize("side", [40, 150, 320])
def test_nsd_is_monais_surface_dice(side):
    """An oracle of other hands: blobs that differ by more and less than the tolerance."""
    import torch
    from monai.metrics import compute_surface_dice

    generator = np.random.default_rng(side)
    for shift in (0, 1, side // 20, side // 6):
        rough = ndimage.gaussian_filter(generator.normal(size=(side, side)), side / 12)
        target = rough > np.quantile(rough, 0.7)  # parts of it touch the border
        moved = ndimage.shift(rough, (shift, -shift), order=1, mode="nearest")
        mask = moved > np.quantile(rough, 0.72)
        expected = compute_surface_dice(
            torch.tensor(mask)[None, None].float(), torch.tensor(target)[None, None].float(),
            [tolerance(side, side)], include_background=True)
        assert surface_scores(mask, target)["nsd"] == pytest.approx(float(expected), abs=1e-6)


def test_nsd_forgives_a_shift_within_the_tolerance_and_nothing_beyond():
    target = np.zeros((300, 400), bool)
    target[100:200, 100:200] = True
    near, far = np.roll(target, 5, axis=1), np.roll(target, 6, axis=1)
    assert surface_scores(near, target)["nsd"] == 1  # the tolerance is 5 pixels
    assert 0 < surface_scores(far, target)["nsd"] < 1


def test_a_mirrored_or_padded_pair_is_as_far_apart():
    generator = np.random.default_rng(0)
    mask, target = generator.random((2, 12, 17)) < 0.2
    expected = pytest.approx(surface_scores(mask, target))
    assert surface_scores(target, mask) == expected
    assert surface_scores(mask[::-1, ::-1], target[::-1, ::-1]) == expected
    assert surface_scores(np.pad(mask, 9), np.pad(target, 9)) == expected
