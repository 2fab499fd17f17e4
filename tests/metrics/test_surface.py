"""Surface distances: by hand, against brute force, and for empty masks."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cclcc_cli.metrics.surface import surface_scores

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
    }
    assert surface_scores(mask, target) == pytest.approx(expected)


def test_by_hand():
    mask, target = np.zeros((5, 9), bool), np.zeros((5, 9), bool)
    mask[2, 2] = True
    target[2, 2] = target[2, 6] = True  # distances: 0 from the mask; 0 and 4 from the truth
    found = surface_scores(mask, target)
    assert found == pytest.approx({"hd95": 0.95 * 4, "assd": 4 / 3})


@pytest.mark.parametrize(
    ("mask", "target", "distance"), [(0, 0, 0.0), (1, 0, 5.0), (0, 1, 5.0), (1, 1, 0.0)]
)
def test_empty_and_full(mask, target, distance):
    found = surface_scores(np.full((3, 4), bool(mask)), np.full((3, 4), bool(target)))
    assert found == {"hd95": distance, "assd": distance}


def test_the_image_border_is_an_outline():
    full, half = np.ones((4, 4), bool), np.ones((4, 4), bool)
    half[:, 2:] = False
    assert surface_scores(full, half)["assd"] > 0


def test_a_mirrored_or_padded_pair_is_as_far_apart():
    generator = np.random.default_rng(0)
    mask, target = generator.random((2, 12, 17)) < 0.2
    expected = pytest.approx(surface_scores(mask, target))
    assert surface_scores(target, mask) == expected
    assert surface_scores(mask[::-1, ::-1], target[::-1, ::-1]) == expected
    assert surface_scores(np.pad(mask, 9), np.pad(target, 9)) == expected
