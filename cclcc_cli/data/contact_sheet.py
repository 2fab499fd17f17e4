"""Contact sheets: small pictures with their masks outlined and captions below, as pixels.

A sheet is an (H, W, 3) uint8 RGB array on white. Sheets that belong together are drawn one by one
and stacked.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Pixels = NDArray[np.uint8]
Color = tuple[int, int, int]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

CYAN: Color = (0, 229, 255)
"""For masks: tissue and skin hold no cyan, and it stays apart from them for the colour-blind."""
YELLOW: Color = (255, 221, 51)
"""For a second mask beside a cyan one: blue against yellow is what the colour-blind tell best."""

TILE_SIDE = 160
_LINE, _HALO = 1.0, 1.9
"""Half the width of an outline's bright line and of the dark one beneath, for TILE_SIDE pixels."""
_HALO_SHADE: Color = (16, 16, 20)
_INK: Color = (32, 33, 36)
_GAP, _MARGIN = 10, 16
_CAPTION_SIZE, _HEADING_SIZE = 13, 17
_LEADING = 1.35


@dataclass(frozen=True, eq=False)
class Outline:
    """A mask ``(S, S)``, zero or not, and the RGB colour of its border."""

    mask: NDArray[np.uint8] | NDArray[np.bool_]
    color: Color = CYAN


@dataclass(frozen=True, eq=False)
class Tile:
    """One picture of a sheet.

    Attributes:
        image: ``(S, S, 3)`` uint8 RGB.
        outlines: drawn in this order, so a later one lies on top.
        caption: short lines to stand below; one that is too long is shortened in its middle.
    """

    image: Pixels
    outlines: Sequence[Outline] = ()
    caption: Sequence[str] = ()


def draw_sheet(
    tiles: Sequence[Tile],
    columns: int,
    heading: Sequence[str] = (),
    side: int = TILE_SIDE,
) -> Pixels:
    """Tiles row by row, with captions below each and a heading above all.

    The width follows from ``columns``, also where there are fewer tiles.

    Args:
        tiles: at least one.
        columns: tiles in a row.
        heading: lines across the sheet.
        side: of a picture in pixels.
    """
    caption_height = _text_height(max(len(tile.caption) for tile in tiles), _CAPTION_SIZE)
    heading_height = _text_height(len(heading), _HEADING_SIZE)
    step_down = side + caption_height + _GAP
    width = 2 * _MARGIN + columns * (side + _GAP) - _GAP
    height = 2 * _MARGIN + heading_height + ceil(len(tiles) / columns) * step_down - _GAP
    corners = [(_MARGIN + heading_height + index // columns * step_down,
                _MARGIN + index % columns * (side + _GAP)) for index in range(len(tiles))]
    canvas = np.full((height, width, 3), 255, np.uint8)
    for tile, (top, left) in zip(tiles, corners, strict=True):
        canvas[top:top + side, left:left + side] = draw_picture(tile, side)

    paper = Image.fromarray(canvas)
    pen = ImageDraw.Draw(paper)
    _write(pen, heading, _MARGIN, _MARGIN, width - 2 * _MARGIN, _HEADING_SIZE)
    for tile, (top, left) in zip(tiles, corners, strict=True):
        _write(pen, tile.caption, top + side + _GAP // 2, left, side, _CAPTION_SIZE)
    return np.array(paper)


def stack_sheets(sheets: Sequence[Pixels]) -> Pixels:
    """Sheets below one another; narrower ones are filled with white at the right."""
    width = max(sheet.shape[1] for sheet in sheets)
    return np.concatenate([
        np.pad(sheet, ((0, 0), (0, width - sheet.shape[1]), (0, 0)), constant_values=255)
        for sheet in sheets
    ])


def draw_picture(tile: Tile, side: int = TILE_SIDE) -> Pixels:
    """A tile's image with its outlines and without its caption, ``(side, side, 3)``."""
    how = cv2.INTER_AREA if side <= tile.image.shape[0] else cv2.INTER_CUBIC
    picture = cv2.resize(np.ascontiguousarray(tile.image), (side, side), interpolation=how)
    colors = picture.astype(np.float32)
    for outline in tile.outlines:
        halo, line = _coverage(outline.mask, side)
        colors += halo * (np.array(_HALO_SHADE, np.float32) - colors)
        colors += line * (np.array(outline.color, np.float32) - colors)
    return np.rint(colors).astype(np.uint8)


def encode_png(pixels: Pixels) -> bytes:
    """A sheet or picture as a PNG file."""
    return _encode(".png", pixels, [])


def encode_jpeg(pixels: Pixels, quality: int = 90) -> bytes:
    """A sheet or picture as a JPEG file; its colours are not subsampled, so outlines stay crisp."""
    return _encode(".jpg", pixels, [
        cv2.IMWRITE_JPEG_QUALITY, quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ])


def _encode(extension: str, pixels: Pixels, options: Sequence[int]) -> bytes:
    done, data = cv2.imencode(extension, cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)
    assert done
    return data.tobytes()


def _coverage(
    mask: NDArray[np.uint8] | NDArray[np.bool_], side: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """How much of each pixel an outline's halo and its line cover, ``(side, side, 1)`` in [0, 1].

    The mask is enlarged first, so that the border is smooth, and by two at least, so that even
    a single pixel keeps its outline.
    """
    scale = max(4, ceil(2 * mask.shape[0] / side))
    fine = side * scale
    smooth = cv2.resize((mask > 0).astype(np.float32), (fine, fine))
    # Beyond the image is background: a mask that reaches its edge is outlined there as well.
    area = np.pad((smooth >= 0.5).astype(np.uint8), 1)
    if not area.any():
        nothing = np.zeros((side, side, 1), np.float32)
        return nothing, nothing
    inside, outside = (cv2.distanceTransform(part, cv2.DIST_L2, 5) for part in (area, 1 - area))
    distance = np.maximum(inside, outside)[1:-1, 1:-1] - 0.5  # from the border between two pixels
    halo, line = (
        cv2.resize((distance <= half * fine / TILE_SIDE).astype(np.float32), (side, side),
                   interpolation=cv2.INTER_AREA)[..., None]
        for half in (_HALO, _LINE)
    )
    return halo, line


def _text_height(lines: int, size: int) -> int:
    return ceil(lines * size * _LEADING) + _GAP // 2 if lines else 0


def _write(
    pen: ImageDraw.ImageDraw, lines: Sequence[str], top: int, left: int, width: int, size: int
) -> None:
    font = _font(size)
    for index, line in enumerate(lines):
        text = _shorten(_drawable(line), font, width)
        pen.text((left, top + round(index * size * _LEADING)), text, fill=_INK, font=font)


def _drawable(text: str) -> str:
    """Text in letters that Pillow's own font has: accents are dropped, the rest becomes ``?``."""
    plain = unicodedata.normalize("NFKD", text.replace("\N{MULTIPLICATION SIGN}", "x"))
    kept = (char for char in plain if not unicodedata.combining(char))
    return "".join(char if " " <= char <= "~" or char in "·…" else "?" for char in kept)


def _shorten(text: str, font: Font, width: int) -> str:
    """Text with as much of its middle left out as the width demands."""
    kept = len(text)
    shown = text
    while kept and font.getlength(shown) > width:
        kept -= 1
        shown = f"{text[:(kept + 1) // 2]}…{text[len(text) - kept // 2:]}"
    return shown


@cache
def _font(size: int) -> Font:
    return ImageFont.load_default(size)
