"""Decoding one image or mask file: RGB or {0, 1} out, or a refusal that names the file.

Pixels are taken as they lie in the file: an EXIF orientation is ignored, for images and masks
alike, so the two cannot drift apart.
"""

import hashlib
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from cclcc_cli.errors import DataError

FOREGROUND_ABOVE = 127
MIDDLE = (32, 224)
MIDDLE_SHARE = 0.02
"""A mask is refused when more of its pixels than this lie in MIDDLE, neither black nor white.

Kvasir-SEG's JPEG masks, shrunk by a third party, reach 0.0002; its originals and ISIC have none.
"""
CHANNEL_TOLERANCE = 16
"""How far the channels of a mask may differ and still be called grey."""


@dataclass(frozen=True)
class ImageFile:
    """A decoded image: (h, w, 3) uint8 RGB, the file's SHA-256, and how it was converted."""

    pixels: NDArray[np.uint8]
    sha256: str
    was_grey: bool
    had_alpha: bool


@dataclass(frozen=True)
class MaskFile:
    """A decoded mask: (h, w) uint8 in {0, 1}, and the file's SHA-256."""

    pixels: NDArray[np.uint8]
    sha256: str


def quiet_opencv() -> None:
    """For a worker: no threads inside OpenCV, and its own messages about bad files held back."""
    cv2.setNumThreads(0)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def file_sha256(path: Path) -> str:
    """SHA-256 (hex) of a file's bytes.

    Raises:
        DataError: it cannot be read.
    """
    return hashlib.sha256(_read(path)).hexdigest()


def read_image(path: Path) -> ImageFile:
    """Decode an 8-bit image; grey becomes RGB, an opaque alpha channel is dropped.

    Raises:
        DataError: it cannot be read or decoded, is not 8-bit, or is partly transparent.
    """
    data = _read(path)
    pixels = _decode(data, path)
    colors = _without_alpha(pixels, path)
    was_grey = colors.ndim == 2
    rgb = cv2.cvtColor(colors, cv2.COLOR_GRAY2RGB if was_grey else cv2.COLOR_BGR2RGB)
    return ImageFile(
        rgb.astype(np.uint8, copy=False),
        hashlib.sha256(data).hexdigest(),
        was_grey=was_grey,
        had_alpha=colors.shape != pixels.shape,
    )


def read_mask(path: Path) -> MaskFile:
    """Decode a mask of 0 and 1, of 0 and 255, or of a JPEG's greys near those.

    Raises:
        DataError: as for an image; or it has colours, or is not binary.
    """
    data = _read(path)
    colors = _without_alpha(_decode(data, path), path)
    return MaskFile(_binarise(_one_channel(colors, path), path), hashlib.sha256(data).hexdigest())


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None


def _decode(data: bytes, path: Path) -> NDArray[np.uint8]:
    """(h, w), (h, w, 3) BGR or (h, w, 4) BGRA."""
    flaw = _flaw(data)
    if flaw:
        raise DataError(f"{path}: {flaw}")
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:  # OpenCV raises for some damaged files and returns None for others
        pixels = None
    if pixels is None:
        raise DataError(f"{path}: cannot be decoded; it is damaged or cut short")
    if pixels.dtype != np.uint8:
        bits = pixels.dtype.itemsize * 8
        raise DataError(f"{path}: has {bits} bits per channel; convert it to 8 bits")
    return pixels.astype(np.uint8, copy=False)


def _without_alpha(pixels: NDArray[np.uint8], path: Path) -> NDArray[np.uint8]:
    if pixels.ndim == 2 or pixels.shape[2] == 3:
        return pixels
    if pixels[..., 3].min() < 255:
        raise DataError(f"{path}: is partly transparent; flatten it onto a background")
    return np.ascontiguousarray(pixels[..., :3])


def _one_channel(pixels: NDArray[np.uint8], path: Path) -> NDArray[np.uint8]:
    if pixels.ndim == 2:
        return pixels
    blue, green, red = cv2.split(pixels)
    spread = max(int(cv2.absdiff(green, other).max()) for other in (blue, red))
    if spread > (0 if pixels.max() <= 1 else CHANNEL_TOLERANCE):
        raise DataError(f"{path}: the mask has colours; save it as grey, 0 and 255")
    return green.astype(np.uint8, copy=False)


def _binarise(grey: NDArray[np.uint8], path: Path) -> NDArray[np.uint8]:
    top = int(grey.max())
    if top <= 1:
        return grey
    if top <= FOREGROUND_ABOVE:
        raise DataError(
            f"{path}: the mask is not binary: its largest value is {top}; save it as 0 and 255"
        )
    middle = int(np.count_nonzero((grey >= MIDDLE[0]) & (grey < MIDDLE[1]))) / grey.size
    if middle > MIDDLE_SHARE:
        raise DataError(
            f"{path}: the mask is not binary: {middle:.1%} of its pixels are neither near 0 nor "
            f"near 255; save it as 0 and 255"
        )
    return (grey > FOREGROUND_ABOVE).astype(np.uint8)


def _flaw(data: bytes) -> str | None:
    """What is wrong with a file that a decoder might pass over in silence, if anything."""
    if data.startswith(b"\xff\xd8"):
        return None if _jpeg_ends(data) else "is cut short (a JPEG without its end)"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return None if _png_is_whole(data) else "is damaged or cut short (a PNG)"
    if data.startswith((b"II*\0", b"MM\0*")):
        return _tiff_flaw(data)
    if data.startswith(b"BM"):
        return None
    if not data:
        return "is empty"
    return "is not a JPEG, PNG, BMP or TIFF file, whatever its name says"


def _jpeg_ends(data: bytes) -> bool:
    """Whether an end marker follows the scan; a thumbnail's own, in the header, does not count."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xDA:
            return data.find(b"\xff\xd9", at) >= 0
        # 0xFF before a marker is filling
        at += 1 if marker == 0xFF else 2 + int.from_bytes(data[at + 2:at + 4], "big")
    return False


def _png_is_whole(data: bytes) -> bool:
    """Whether every chunk up to the last is there with its right checksum."""
    at = 8
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at:at + 4], "big")
        if zlib.crc32(data[at + 4:end]) != int.from_bytes(data[end:end + 4], "big"):
            return False
        if data[at + 4:at + 8] == b"IEND":
            return True
        at = end + 4
    return False


def _tiff_flaw(data: bytes) -> str | None:
    """Whether OpenCV would misread a TIFF: turn it, drop pages, or take colour for grey."""
    order = "<" if data[:2] == b"II" else ">"
    try:
        tags, next_page = _tiff_tags(data, order)
    except struct.error:
        return "is damaged or cut short (a TIFF)"
    if next_page:
        return "holds several pages; save one page a file"
    if tags.get(274, 1) != 1:
        return "is a TIFF with a stored rotation; save it upright"
    # photometric interpretation: 0 and 1 grey, 2 RGB, 3 palette, 6 YCbCr
    allowed = {0: (1,), 1: (1,), 2: (3, 4), 3: (1,), 6: (3,)}.get(tags.get(262, 1), ())
    if tags.get(277, 1) not in allowed:
        return "is a TIFF whose channels are not plain grey or RGB; convert it to PNG"
    return None


def _tiff_tags(data: bytes, order: str) -> tuple[Mapping[int, int], int]:
    """The first page's short tags with one value, and where the next page starts (0: nowhere)."""
    (at,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, at)
    tags: dict[int, int] = {}
    for entry in range(count):
        tag, kind, length, value = struct.unpack_from(f"{order}HHIH", data, at + 2 + 12 * entry)
        if kind == 3 and length == 1:
            tags[tag] = value
    (next_page,) = struct.unpack_from(f"{order}I", data, at + 2 + 12 * count)
    return tags, next_page
