"""Synthetic scenes: reproducible, well formed, and not solved by colour."""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cclcc_cli.data.synthetic import synthetic_scene

Scene = tuple[NDArray[np.uint8], NDArray[np.uint8]]


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [synthetic_scene(11, index, 64) for index in range(100)]


def _fingerprint(scene: Scene) -> str:
    return hashlib.sha256(scene[0].tobytes() + scene[1].tobytes()).hexdigest()


def _best_dice(values: NDArray[np.uint8], masks: NDArray[np.bool_]) -> float:
    """Mean Dice over scenes of the best window low <= value < high, the same for all scenes."""
    flat, truth = values.reshape(len(values), -1), masks.reshape(len(masks), -1)
    bins = np.arange(0, 257, 8)
    every = np.stack([np.histogram(row, bins)[0] for row in flat])
    hits = np.stack(
        [np.histogram(row[inside], bins)[0] for row, inside in zip(flat, truth, strict=True)]
    )
    every_below = np.pad(every.cumsum(1), ((0, 0), (1, 0)))
    hits_below = np.pad(hits.cumsum(1), ((0, 0), (1, 0)))
    best = 0.0
    for low in range(len(bins) - 1):
        for high in range(low + 1, len(bins)):
            chosen = every_below[:, high] - every_below[:, low]
            hit = hits_below[:, high] - hits_below[:, low]
            best = max(best, float(np.mean(2 * hit / (chosen + truth.sum(1)))))
    return best


@pytest.mark.parametrize("size", [32, 33, 64, 128, 224, 320])
def test_image_is_rgb_bytes_and_mask_is_zero_or_one(size: int) -> None:
    image, mask = synthetic_scene(0, 0, size)

    assert image.shape == (size, size, 3)
    assert mask.shape == (size, size)
    assert image.dtype == mask.dtype == np.uint8
    assert set(np.unique(mask)) == {0, 1}


def test_same_arguments_give_the_same_bytes_in_any_order() -> None:
    forward = [_fingerprint(synthetic_scene(3, index, 48)) for index in range(6)]
    backward = [_fingerprint(synthetic_scene(3, index, 48)) for index in reversed(range(6))]

    assert forward == backward[::-1]


def test_threads_do_not_change_a_scene() -> None:
    alone = [_fingerprint(synthetic_scene(4, index, 160)) for index in range(4)]
    threads_before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(lambda i: _fingerprint(synthetic_scene(4, i, 160)), range(4)))
    finally:
        cv2.setNumThreads(threads_before)

    assert together == alone


def test_global_random_state_is_neither_read_nor_moved() -> None:
    np.random.seed(1)
    first = _fingerprint(synthetic_scene(5, 0, 48))
    after = np.random.random()
    np.random.seed(1)

    assert np.random.random() == after
    assert _fingerprint(synthetic_scene(5, 0, 48)) == first


def test_each_seed_and_index_gives_another_scene() -> None:
    fingerprints = {
        _fingerprint(synthetic_scene(seed, index, 32)) for seed in range(5) for index in range(20)
    }

    assert len(fingerprints) == 100


def test_a_scene_is_the_same_scene_at_every_size() -> None:
    overlaps = []
    for index in range(10):
        _, small = synthetic_scene(6, index, 64)
        _, large = synthetic_scene(6, index, 256)
        shrunk = cv2.resize(large, (64, 64), interpolation=cv2.INTER_AREA) > 0
        both, either = (small > 0) & shrunk, (small > 0) | shrunk
        overlaps.append(both.sum() / either.sum())

    assert min(overlaps) > 0.85


def test_lesions_cover_a_modest_share_of_every_scene(scenes: list[Scene]) -> None:
    shares = np.array([mask.mean() for _, mask in scenes])

    assert shares.min() > 0
    assert shares.max() < 0.4
    assert 0.04 < np.median(shares) < 0.13


def test_lesions_vary_in_number_and_place(scenes: list[Scene]) -> None:
    counts = [cv2.connectedComponents(mask)[0] - 1 for _, mask in scenes]
    usual_place = np.mean([mask for _, mask in scenes], axis=0)

    assert {1, 2, 3} <= set(counts)
    assert usual_place.max() < 0.3


def test_images_are_exposed_and_vary_in_colour(scenes: list[Scene]) -> None:
    means = np.array([image.mean(axis=(0, 1)) for image, _ in scenes])
    spreads = np.array([image.std() for image, _ in scenes])

    assert means.mean(axis=1).min() > 30
    assert means.mean(axis=1).max() < 220
    assert spreads.min() > 15
    assert (means[:, 0] > means[:, 2]).mean() > 0.95  # mucosa is red
    assert means.std(axis=0).min() > 8


@pytest.mark.parametrize(
    "channel", ["red", "green", "blue", "hue", "saturation", "value", "lightness", "a", "b"]
)
def test_no_colour_threshold_finds_the_lesions(scenes: list[Scene], channel: str) -> None:
    images = [image for image, _ in scenes[:40]]
    masks = np.stack([mask for _, mask in scenes[:40]]).astype(bool)
    code, plane = {
        "red": (None, 0),
        "green": (None, 1),
        "blue": (None, 2),
        "hue": (cv2.COLOR_RGB2HSV_FULL, 0),
        "saturation": (cv2.COLOR_RGB2HSV_FULL, 1),
        "value": (cv2.COLOR_RGB2HSV_FULL, 2),
        "lightness": (cv2.COLOR_RGB2LAB, 0),
        "a": (cv2.COLOR_RGB2LAB, 1),
        "b": (cv2.COLOR_RGB2LAB, 2),
    }[channel]
    planes = [image if code is None else cv2.cvtColor(image, code) for image in images]

    assert _best_dice(np.stack([whole[..., plane] for whole in planes]), masks) < 0.5


def test_the_threshold_search_finds_a_threshold_where_there_is_one(scenes: list[Scene]) -> None:
    masks = np.stack([mask for _, mask in scenes[:40]])

    assert _best_dice(masks * np.uint8(200), masks.astype(bool)) == 1.0


def test_lesions_are_rougher_than_the_rest() -> None:
    """The cue that a network must find: more detail at the pits' scale inside the masks."""
    ratios = []
    for index in range(40):
        image, mask = synthetic_scene(12, index, 128)
        green = np.log(image[..., 1].astype(np.float32) + 20)
        band = cv2.GaussianBlur(green, (0, 0), 1.2) - cv2.GaussianBlur(green, (0, 0), 3.0)
        core = cv2.erode(mask, np.ones((7, 7), np.uint8)).astype(bool)
        away = ~cv2.dilate(mask, np.ones((7, 7), np.uint8)).astype(bool)
        ratios.append(np.median(np.abs(band[core])) / np.median(np.abs(band[away])))

    assert np.mean(np.array(ratios) > 1) > 0.8


@pytest.mark.parametrize("size", [0, 31])
def test_too_small_a_size_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="at least 32"):
        synthetic_scene(0, 0, size)
