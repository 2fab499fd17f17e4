"""Batches: the right images, normalised, and the same for any number of workers."""

from dataclasses import replace

import numpy as np
import psutil
import pytest
import torch

from cclcc_cli.config.model import IMAGENET
from cclcc_cli.config.schema import Strong, Weak
from cclcc_cli.data.class_map import IGNORED
from cclcc_cli.data.loading import TrainingImages, load_batches, normalize
from cclcc_cli.data.sampling import TwoStreamBatches
from cclcc_cli.data.store import load_store, store_path
from cclcc_cli.data.transforms import StrongTransform, TrainingTransform


@pytest.fixture
def store(tiny_data):
    return load_store(store_path(tiny_data, "synthetic", 32))


def batches(store, workers=0, steps=4, **augment):
    keys = TwoStreamBatches(
        np.arange(4), np.arange(4, 20), num_labeled=2, num_unlabeled=3, seed=0,
        first_step=0, total_steps=steps,
    )
    images = TrainingImages(store, TrainingTransform(Weak(**augment), seed=0))
    return list(load_batches(images, keys, workers=workers, pin_memory=False)), list(keys)


def test_images_and_masks_are_those_of_the_keys(store):
    made, keys = batches(store, flips=False, quarter_turns=False)
    for (images, masks, strong, ignored), step in zip(made, keys, strict=True):
        rows = [key.position for key in step]
        assert strong is None
        assert ignored is None
        assert np.array_equal(images.numpy(), store.images[rows])
        assert np.array_equal(masks.numpy(), store.masks[rows[:2]])


def test_what_is_ignored_is_known_of_images_whose_masks_may_be_used_and_of_no_others(store):
    masks = np.array(store.masks)
    masks[:, :8] = IGNORED
    masks[7] = IGNORED
    rows = tuple(replace(row, ignored=0.25) for row in store.rows)
    ignoring = replace(store, masks=masks, rows=rows)
    transform = TrainingTransform(Weak(flips=False, quarter_turns=False), 0)
    images = TrainingImages(ignoring, transform, labeled=[0, 1])
    keys = TwoStreamBatches(np.arange(2), np.arange(8), num_labeled=1, num_unlabeled=8, seed=0,
                            first_step=0, total_steps=1)
    (batch,), (step,) = load_batches(images, keys, workers=0, pin_memory=False), keys
    assert {key.position for key in step[1:]} == set(range(8))
    for key, ignored in zip(step, batch.ignored.numpy(), strict=True):
        assert np.array_equal(ignored, (masks[key.position] == IGNORED) & (key.position < 2))


def test_two_workers_equal_none(store):
    for alone, together in zip(
        batches(store, affine=1.0)[0], batches(store, workers=2, affine=1.0)[0], strict=True
    ):
        assert all(map(torch.equal, alone[:2], together[:2]))


def with_strong(store, workers=0, **options):
    keys = TwoStreamBatches(
        np.arange(4), np.arange(4, 20), num_labeled=2, num_unlabeled=3, seed=0,
        first_step=0, total_steps=3,
    )
    transform, strong = TrainingTransform(Weak(color=0.5), 0), StrongTransform(Strong(), 0)
    images = TrainingImages(store, transform, strong, **options)
    return list(load_batches(images, keys, workers=workers, pin_memory=False))


@pytest.mark.parametrize(("of_labeled", "count"), [(False, 3), (True, 5)])
def test_strong_views_leave_the_weak_ones_as_they_are(store, of_labeled, count):
    plain, _ = batches(store, steps=3, color=0.5)
    for step, weak in zip(
        with_strong(store, num_strong=2, strong_of_labeled=of_labeled), plain, strict=True
    ):
        assert torch.equal(step.images, weak.images)
        assert torch.equal(step.masks, weak.masks)
        assert step.strong.shape == (2, count, 32, 32, 3)
        assert not torch.equal(step.strong[0], step.strong[1])


def test_strong_views_are_the_same_for_two_workers(store):
    for alone, together in zip(
        with_strong(store, num_strong=1), with_strong(store, workers=2, num_strong=1), strict=True
    ):
        assert all(map(torch.equal, alone[:3], together[:3]))


def test_loading_draws_nothing_from_the_global_random_state(store):
    before = torch.get_rng_state()
    batches(store, affine=1.0, color=1.0)
    assert torch.equal(torch.get_rng_state(), before)


def test_normalises_to_imagenet_in_channels_last():
    images = torch.zeros(2, 4, 4, 3, dtype=torch.uint8)
    images[..., 1] = 255
    made = normalize(images, IMAGENET)
    assert made.shape == (2, 3, 4, 4)
    assert made.is_contiguous(memory_format=torch.channels_last)
    for channel, value in enumerate((0, 1, 0)):
        expected = (value - IMAGENET.mean[channel]) / IMAGENET.std[channel]
        assert made[0, channel, 0, 0].item() == pytest.approx(expected, rel=1e-5)


def test_a_store_larger_than_memory_is_trained_on_from_its_map(store, tmp_path):
    size = 320
    count = int(1.1 * psutil.virtual_memory().total) // (3 * size * size)
    maps = {}
    for name, shape in (("images", (count, size, size, 3)), ("masks", (count, size, size))):
        # a file of holes: as long as it says, and no longer on the disk than what is written
        maps[name] = np.memmap(tmp_path / name, np.uint8, "w+", shape=shape)
        maps[name][-1] = 7
        maps[name].flush()
        maps[name] = np.memmap(tmp_path / name, np.uint8, "r", shape=shape)
    large = replace(store, **maps)
    keys = TwoStreamBatches(
        np.arange(count - 50, count), np.arange(count), num_labeled=4, num_unlabeled=4, seed=0,
        first_step=0, total_steps=50,
    )
    images = TrainingImages(large, TrainingTransform(Weak(), seed=0))
    before = psutil.Process().memory_full_info().uss
    seen = [int(batch.max()) for batch, *_ in load_batches(images, keys, workers=0,
                                                          pin_memory=False)]
    assert max(seen) == 7
    # Pages of the map may stay while there is room for them; what is held may not.
    held = psutil.Process().memory_full_info().uss - before
    assert held < 400 * 3 * size * size + 100e6
