"""Contact sheets: outlines where the border is, captions below, and no text that breaks them."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cclcc_cli.data.contact_sheet import (
    CYAN,
    TILE_SIDE,
    YELLOW,
    Outline,
    Tile,
    draw_picture,
    draw_sheet,
    encode_jpeg,
    encode_png,
    stack_sheets,
)

Array = NDArray[np.uint8]
SIZE = 32
RED = (200, 30, 30)


def plain(color: tuple[int, int, int] = RED, size: int = SIZE) -> Array:
    return np.full((size, size, 3), color, np.uint8)


def box(top: int, bottom: int, left: int, right: int, size: int = SIZE) -> Array:
    mask = np.zeros((size, size), np.uint8)
    mask[top:bottom, left:right] = 1
    return mask


def where(pixels: Array, color: tuple[int, int, int]) -> NDArray[np.bool_]:
    return np.asarray((pixels == color).all(axis=-1))


def ink(pixels: Array) -> NDArray[np.bool_]:
    """Dark pixels, which on a sheet without dark pictures is text."""
    return np.asarray((pixels < 120).all(axis=-1))


SQUARE = box(8, 24, 8, 24)
"""At TILE_SIDE its border runs at 40 and 120."""


def test_the_outline_runs_along_the_masks_border_and_nowhere_else() -> None:
    picture = draw_picture(Tile(plain((0, 0, 0)), [Outline(SQUARE)]))
    bright = where(picture, CYAN)
    for along in range(50, 110):
        for across in (40, 120):
            assert bright[along, across - 1:across + 1].all()
            assert bright[across - 1:across + 1, along].all()
    rows, columns = np.indices(bright.shape) + 0.5
    from_border = np.abs(np.maximum(np.abs(rows - 80), np.abs(columns - 80)) - 40)
    assert from_border[bright].max() < 2
    assert (picture[from_border > 3] == 0).all()


def test_a_dark_halo_sets_the_line_off_from_a_bright_picture() -> None:
    picture = draw_picture(Tile(plain((255, 255, 255)), [Outline(SQUARE)]))
    across = picture[80, 30:50].astype(int).sum(axis=1)
    assert tuple(picture[80, 39]) == CYAN
    assert across[:9].min() < 200  # outside of the line, before column 39
    assert across[11:].min() < 200  # and inside


def test_every_border_is_outlined_holes_as_well() -> None:
    ring = SQUARE.copy()
    ring[12:20, 12:20] = 0
    bright = where(draw_picture(Tile(plain(), [Outline(ring)])), CYAN)
    assert bright[80, 39]
    assert bright[80, 60]
    assert not bright[80, 45:55].any()


@pytest.mark.parametrize("size", [16, 160, 199, 512, 1024])
def test_a_single_pixel_keeps_its_outline_at_any_size(size: int) -> None:
    middle = size // 2
    mask = box(middle, middle + 1, middle, middle + 1, size)
    bright = draw_picture(Tile(plain((0, 0, 0), size), [Outline(mask)]))[..., 2] > 100
    assert bright.any()
    assert np.abs(np.argwhere(bright) - 80).max() < TILE_SIDE / size + 3


def test_a_full_mask_is_framed() -> None:
    bright = where(draw_picture(Tile(plain(), [Outline(np.ones((SIZE, SIZE), bool))])), CYAN)
    edge = np.ones_like(bright)
    edge[1:-1, 1:-1] = False
    assert bright[edge].all()
    assert not bright[4:-4, 4:-4].any()


def test_an_empty_mask_changes_nothing() -> None:
    empty = draw_picture(Tile(plain(), [Outline(np.zeros((SIZE, SIZE), np.uint8))]))
    np.testing.assert_array_equal(empty, draw_picture(Tile(plain())))


def test_of_two_outlines_the_later_lies_on_top() -> None:
    picture = draw_picture(Tile(plain(), [Outline(SQUARE), Outline(box(8, 24, 8, 16), YELLOW)]))
    assert tuple(picture[80, 39]) == YELLOW
    assert tuple(picture[80, 120]) == CYAN


@pytest.mark.parametrize("side", [80, 240, 320])
def test_outlines_scale_with_the_picture(side: int) -> None:
    usual, scaled = (draw_picture(Tile(plain((0, 0, 0)), [Outline(SQUARE)]), at)[..., 2].mean()
                     for at in (TILE_SIDE, side))
    assert usual > 5
    assert scaled == pytest.approx(usual, rel=0.15)


def test_captions_stand_below_their_picture_and_never_in_it() -> None:
    captions = ["first", "second"]
    sheet = draw_sheet([Tile(plain(), caption=captions), Tile(plain(), caption=["x"])], columns=1)
    rows = np.flatnonzero(where(sheet, RED).any(axis=1))
    first = np.arange(rows[0], rows[0] + TILE_SIDE)
    assert where(sheet, RED).sum() == 2 * TILE_SIDE**2
    text = np.flatnonzero(ink(sheet).any(axis=1))
    assert text.min() > first[-1]
    assert set(rows).isdisjoint(text)
    assert len(text[text < rows[-1]]) > 10  # two lines of caption between the pictures
    assert text.max() > rows[-1]


def test_tiles_go_row_by_row_and_columns_set_the_width() -> None:
    shades = [(200, shade, 0) for shade in (10, 20, 30, 40)]
    sheet = draw_sheet([Tile(plain(shade)) for shade in shades], columns=3)
    corners = [tuple(np.argwhere(where(sheet, shade))[0]) for shade in shades]
    tops, lefts = zip(*corners, strict=True)
    assert tops[0] == tops[1] == tops[2] < tops[3]
    assert lefts[0] == lefts[3] < lefts[1] < lefts[2]
    assert draw_sheet([Tile(plain())], columns=3).shape[1] == sheet.shape[1]


def test_a_heading_stands_above_the_pictures() -> None:
    sheet = draw_sheet([Tile(plain())], columns=2, heading=["train", "12 of 800"])
    assert np.flatnonzero(ink(sheet).any(axis=1)).max() < np.flatnonzero(
        where(sheet, RED).any(axis=1)).min()


def test_a_long_caption_loses_its_middle_and_keeps_to_its_column() -> None:
    def caption(text: str) -> NDArray[np.bool_]:
        return ink(draw_sheet([Tile(plain(), caption=[text]), Tile(plain())], columns=2))

    drawn = caption("case_" + "0" * 60 + "_left")
    columns = np.flatnonzero(drawn.any(axis=0))
    assert TILE_SIDE * 0.9 < columns.max() - columns.min() <= TILE_SIDE
    np.testing.assert_array_equal(drawn, caption("case_" + "0" * 70 + "_left"))
    assert (drawn != caption("Case_" + "0" * 60 + "_left")).any()
    assert (drawn != caption("case_" + "0" * 60 + "_righ")).any()


@pytest.mark.parametrize(("text", "drawn"), [
    ("Läsion é", "Lasion e"), ("图7", "?7"), ("a\N{ZERO WIDTH SPACE}\tb", "a??b"),
    ("32 \N{MULTIPLICATION SIGN} 24", "32 x 24"),
])
def test_letters_without_a_shape_are_replaced(text: str, drawn: str) -> None:
    got, wanted = (draw_sheet([Tile(plain(), caption=[line])], columns=1) for line in (text, drawn))
    np.testing.assert_array_equal(got, wanted)


@given(st.text(st.characters(), max_size=60))  # surrogates and control characters as well
@settings(max_examples=50, deadline=None)
def test_no_text_can_break_a_sheet(text: str) -> None:
    plainly = draw_sheet([Tile(plain(size=4), caption=["x"])], columns=1, heading=["x"], side=32)
    sheet = draw_sheet([Tile(plain(size=4), caption=[text])], columns=1, heading=[text], side=32)
    assert sheet.shape == plainly.shape


def test_sheets_are_stacked_at_the_width_of_the_widest() -> None:
    wide, narrow = draw_sheet([Tile(plain())], 4), draw_sheet([Tile(plain())], 2)
    stack = stack_sheets([narrow, wide])
    assert stack.shape == (len(wide) + len(narrow), wide.shape[1], 3)
    np.testing.assert_array_equal(stack[:len(narrow), :narrow.shape[1]], narrow)
    assert (stack[:len(narrow), narrow.shape[1]:] == 255).all()


def test_png_is_exact_and_jpeg_close_both_in_rgb() -> None:
    picture = draw_picture(Tile(plain(), [Outline(SQUARE)]))
    png, jpeg = (
        np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))[..., ::-1]
        for data in (encode_png(picture), encode_jpeg(picture))
    )
    np.testing.assert_array_equal(png, picture)
    assert np.abs(jpeg.astype(int) - picture).mean() < 4
