"""Tiles cover an image, and their blend is smooth."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cclcc_cli.inference.ensemble import load_ensemble
from cclcc_cli.inference.tiles import OVERLAP, predict_tiles, tile_starts, tile_weights


@given(length=st.integers(1, 3000), side=st.integers(16, 700))
def test_tiles_cover_a_side_and_overlap(length, side):
    starts = tile_starts(length, side)
    assert starts[0] == 0
    assert starts[-1] == max(length - side, 0)
    assert all(after - before <= side - round(OVERLAP * side)
               for before, after in pairwise(starts))


def predicted(members, pixels, side, size=16):
    ensemble = SimpleNamespace(size=size, members=members)
    with ThreadPoolExecutor(2) as pool:
        return np.concatenate(list(predict_tiles(ensemble, pixels, side, pool)), axis=1)


def brightness(images):
    return (images[..., 0] / np.float32(255))[None]


@given(height=st.integers(1, 70), width=st.integers(1, 70))
def test_what_depends_on_a_pixel_alone_is_laid_back_exactly(height, width):
    pixels = np.random.default_rng(height).integers(0, 256, (height, width, 3), np.uint8)
    assert np.allclose(predicted(brightness, pixels, 16), brightness(pixels[None])[:, 0],
                       atol=1e-5)


def test_tiles_that_contradict_each_other_leave_no_seam():
    columns = np.broadcast_to(np.arange(60, dtype=np.uint8)[:, None], (16, 60, 3))

    def every_other(tiles):  # they begin at 0, 11, 22, 33 and 44
        return np.stack([np.full((16, 16), tile[0, 0, 0] // 11 % 2, np.float32)
                         for tile in tiles])[None]

    found = predicted(every_other, columns, 16)
    assert np.abs(np.diff(found, axis=2)).max() < 0.6  # without blending: 1
    assert found.min() == 0
    assert found.max() == 1


def test_a_tile_of_another_side_is_resized_to_the_network_s():
    pixels = cv2.resize(np.arange(16, dtype=np.uint8)[:, None].repeat(16, 1) * 15, (40, 40))
    pixels = pixels[..., None].repeat(3, 2)
    found = predicted(brightness, pixels, 40)
    assert found.shape == (1, 40, 40)
    assert np.abs(found[0] - pixels[..., 0] / 255).max() < 0.05


def test_weights_are_symmetric_and_above_0():
    weights = tile_weights(96)
    assert np.array_equal(weights, weights[::-1])
    assert 0 < weights[0] < weights[10] < weights[47] == 1


@pytest.mark.parametrize("shape", [(100, 75), (20, 40)])
def test_a_network_s_tiles_are_the_same_bits_whatever_the_threads(run_folders, shape):
    ensemble = load_ensemble(run_folders[:1], device="cpu")
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    found = []
    for threads in (1, 3):
        with ThreadPoolExecutor(threads) as pool:
            found.append(np.concatenate(list(predict_tiles(ensemble, pixels, 32, pool)), axis=1))
    assert found[0].shape == (1, *shape)
    assert np.array_equal(*found)
