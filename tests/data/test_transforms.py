"""Training transforms: one result per (seed, sweep, index), image and mask alike."""

import numpy as np
import pytest

from cclcc_cli.config.schema import Strong, Weak
from cclcc_cli.data.transforms import StrongTransform, TrainingTransform

PLAIN = {"flips": False, "quarter_turns": False}


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(256, size=(32, 32, 3), dtype=np.uint8)


@pytest.fixture
def mask(image):
    return (image[..., 0] > 127).astype(np.uint8)


def change(image, mask, seed=0, sweep=0, index=0, stream=1, **config):
    transform = TrainingTransform(Weak(**config), seed)
    return transform(image, mask, stream=stream, sweep=sweep, index=index)


def test_the_same_place_gets_the_same_change(image, mask):
    config = {"affine": 1.0, "color": 1.0}
    for first, second in zip(change(image, mask, **config), change(image, mask, **config),
                             strict=True):
        assert np.array_equal(first, second)


def test_order_of_calls_does_not_matter(image, mask):
    transform = TrainingTransform(Weak(affine=1.0), 0)
    forward = [transform(image, mask, stream=1, sweep=0, index=i)[0] for i in range(4)]
    backward = [transform(image, mask, stream=1, sweep=0, index=i)[0] for i in (3, 2, 1, 0)]
    assert all(map(np.array_equal, forward, backward[::-1]))


@pytest.mark.parametrize("key", ["seed", "sweep", "index", "stream"])
def test_every_part_of_the_place_matters(image, mask, key):
    versions = {change(image, mask, affine=1.0, **{key: n})[0].tobytes() for n in range(8)}
    assert len(versions) > 4


@pytest.mark.parametrize("place", range(8))
def test_flips_and_turns_move_image_and_mask_together(image, mask, place):
    changed, moved = change(image, mask, index=place)
    assert np.array_equal(moved, (changed[..., 0] > 127).astype(np.uint8))
    assert sorted(changed.ravel()) == sorted(image.ravel())


def test_nothing_asked_nothing_changed(image, mask):
    changed, moved = change(image, mask, **PLAIN)
    assert np.array_equal(changed, image)
    assert np.array_equal(moved, mask)


def test_colour_leaves_the_mask_alone(image, mask):
    changed, moved = change(image, mask, color=1.0, **PLAIN)
    assert not np.array_equal(changed, image)
    assert np.array_equal(moved, mask)


def test_masks_stay_binary(image, mask):
    _, moved = change(image, mask, affine=1.0)
    assert moved.dtype == np.uint8
    assert set(np.unique(moved)) <= {0, 1}


def strengthen(image, index=0, view=1, **config):
    place = {"stream": 0, "sweep": 0, "index": index, "view": view}
    return StrongTransform(Strong(**config), 0)(image, **place)


def test_a_strong_view_is_the_same_for_the_same_place_and_another_for_another(image):
    assert np.array_equal(strengthen(image), strengthen(image))
    views = {strengthen(image, index, view).tobytes() for index in range(4) for view in (1, 2)}
    assert len(views) == 8


def test_without_chances_the_strong_view_is_the_weak_one(image):
    assert np.array_equal(strengthen(image, color=0.0, gray=0.0, blur=0.0), image)


def test_a_strong_view_keeps_pixels_in_their_places():
    half = np.zeros((32, 32, 3), np.uint8)
    half[:, 16:] = (200, 90, 60)
    for index in range(8):
        view = strengthen(half, index, color=1.0, gray=0.5, blur=0.0)
        assert len(np.unique(view[:, :16].reshape(-1, 3), axis=0)) == 1
        assert len(np.unique(view[:, 16:].reshape(-1, 3), axis=0)) == 1
