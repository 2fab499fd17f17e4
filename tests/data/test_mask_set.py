"""What many masks have in common: told where it is wrong, not where data sets are as they are."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cclcc_cli.data.mask_set import MaskLook, findings_of_all, look_at_mask

SIDE = 64


def spot(seed: int, drawn: bool = True) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """A brown spot on pale skin, or skin alone, and where the spot is."""
    rng = np.random.default_rng(seed)
    area = np.zeros((SIDE, SIDE), np.uint8)
    if drawn:
        place = rng.integers(20, SIDE - 20, 2).tolist()
        cv2.circle(area, place, int(rng.integers(8, 15)), 1, cv2.FILLED)
    skin = np.array([210, 170, 150]) + rng.normal(0, 4, (SIDE, SIDE, 3))
    return np.clip(skin - 90 * area[..., None], 0, 255).astype(np.uint8), area > 0


def whats(looks: list[MaskLook]) -> list[str]:
    return [found.what for found in findings_of_all(looks)]


def test_nothing_is_said_of_masks_that_are_right() -> None:
    assert whats([look_at_mask(*spot(seed)) for seed in range(20)]) == []


def test_exchanged_foreground_is_said_with_its_count() -> None:
    spots = [spot(seed) for seed in range(12)]
    found = findings_of_all([look_at_mask(image, ~area if place < 9 else area)
                             for place, (image, area) in enumerate(spots)])
    assert [(each.what, each.count, each.of) for each in found] == [
        ("masks cover the border", 9, 12), ("masks cover most of the image", 9, 12)]


@pytest.mark.parametrize(("exchanged", "said"), [(6, False), (7, True)])
def test_half_of_the_masks_are_not_most(exchanged: int, said: bool) -> None:
    looks = [look_at_mask(image, ~area if place < exchanged else area)
             for place, (image, area) in enumerate(map(spot, range(12)))]
    assert bool(whats(looks)) is said


def test_empty_masks_beside_spots_are_told_from_those_beside_bare_skin() -> None:
    outlined = [look_at_mask(*spot(seed)) for seed in range(20)]
    nothing = np.zeros((SIDE, SIDE), bool)
    forgotten = [look_at_mask(spot(seed)[0], nothing) for seed in range(20, 26)]
    bare = [look_at_mask(*spot(seed, drawn=False)) for seed in range(30, 36)]
    assert whats([*outlined, *bare]) == []
    (found,) = findings_of_all([*outlined, *forgotten, *bare])
    assert (found.what, found.count, found.of) == ("empty masks beside objects", 6, 12)


def test_nothing_is_said_where_colours_do_not_tell_objects() -> None:
    rng = np.random.default_rng(0)
    grey = [rng.integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8) for _ in range(30)]
    looks = [look_at_mask(image, spot(seed)[1] if seed < 20 else np.zeros((SIDE, SIDE), bool))
             for seed, image in enumerate(grey)]
    assert whats(looks) == []


def test_few_masks_have_nothing_in_common() -> None:
    assert whats([look_at_mask(image, ~area) for image, area in map(spot, range(7))]) == []
    assert findings_of_all([]) == ()
