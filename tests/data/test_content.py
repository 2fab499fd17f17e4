"""Borders are cut off, content is not."""

import numpy as np
import pytest

from cclcc_cli.data.content import content_box

WHOLE = (slice(0, 90), slice(0, 120))


@pytest.fixture
def grey() -> np.ndarray:
    return np.random.default_rng(0).integers(60, 200, (90, 120), dtype=np.uint8)


@pytest.mark.parametrize("shade", [0, 12, 255])
def test_black_or_white_borders_are_cut_off(grey: np.ndarray, shade: int) -> None:
    grey[:7], grey[80:], grey[:, :31] = shade, shade, shade
    assert content_box(grey) == (slice(7, 80), slice(31, 120))


def test_lettering_in_a_border_does_not_keep_it(grey: np.ndarray) -> None:
    grey[:20] = 0
    grey[4:12, 4:9] = 255  # as large as a letter
    assert content_box(grey)[0].start == 20


def test_nothing_is_cut_off_content_or_inside_it(grey: np.ndarray) -> None:
    assert content_box(grey) == WHOLE
    grey[40:50] = 0
    grey[:, 50:60] = 255
    assert content_box(grey) == WHOLE


@pytest.mark.parametrize("shade", [0, 255])
def test_what_is_nothing_but_border_is_left_whole(grey: np.ndarray, shade: int) -> None:
    assert content_box(np.full_like(grey, shade)) == WHOLE
    grey[:, 10:] = shade
    assert content_box(grey) == WHOLE
