"""Decoding one image or mask file: RGB or {0, 1} out, or a refusal that names the file.

Pixels are taken as they lie in the file: an EXIF orientation is ignored, for images and masks
alike, so the two cannot drift apart. Palettes are resolved, grey becomes RGB, a TIFF of three
channels that calls itself grey is read as RGB. Refused, since reading them takes a decision that
is not ours: 16 bits, floats, CMYK, transparency, several pages, a TIFF's stored rotation.
"""

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cclcc_cli.data.image_header import MOST_PIXELS, mend_tiff, read_header
from cclcc_cli.data.members import BinaryFile
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


def file_sha256(path: BinaryFile) -> str:
    """SHA-256 (hex) of a file's bytes.

    Raises:
        DataError: it cannot be read.
    """
    return hashlib.sha256(read_bytes(path)).hexdigest()


def read_bytes(path: BinaryFile) -> bytes:
    """A file's bytes.

    Raises:
        DataError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None


def decode_image(data: bytes, path: BinaryFile, most_pixels: int = MOST_PIXELS) -> ImageFile:
    """The 8-bit image in a file's bytes; grey becomes RGB, an opaque alpha channel is dropped.

    Args:
        data: the file's bytes.
        path: names it in errors.
        most_pixels: an image of more is refused.

    Raises:
        DataError: it cannot be decoded, is not 8-bit, or is partly transparent.
    """
    pixels = _decode(data, path, most_pixels)
    colors = _without_alpha(pixels, path)
    was_grey = colors.ndim == 2
    rgb = cv2.cvtColor(colors, cv2.COLOR_GRAY2RGB if was_grey else cv2.COLOR_BGR2RGB)
    return ImageFile(
        rgb.astype(np.uint8, copy=False),
        hashlib.sha256(data).hexdigest(),
        was_grey=was_grey,
        had_alpha=colors.shape != pixels.shape,
    )


def decode_mask(data: bytes, path: BinaryFile) -> MaskFile:
    """The mask in a file's bytes: of 0 and 1, of 0 and 255, or of a JPEG's greys near those.

    Raises:
        DataError: as for an image; or it has colours, or is not binary.
    """
    colors = _without_alpha(_decode(data, path), path)
    return MaskFile(_binarise(_one_channel(colors, path), path), hashlib.sha256(data).hexdigest())


def _decode(
    data: bytes, path: BinaryFile, most_pixels: int = MOST_PIXELS
) -> NDArray[np.uint8]:
    """(h, w), (h, w, 3) BGR or (h, w, 4) BGRA."""
    header = read_header(data, most_pixels)
    if header.flaw:
        raise DataError(f"{path}: {header.flaw}")
    try:
        pixels = cv2.imdecode(np.frombuffer(mend_tiff(data), np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:  # OpenCV raises for some damaged files and returns None for others
        pixels = None
    if pixels is None:
        raise DataError(f"{path}: cannot be decoded; it is damaged or cut short")
    if pixels.dtype != np.uint8:
        bits = pixels.dtype.itemsize * 8
        raise DataError(f"{path}: has {bits} bits per channel; convert it to 8 bits")
    return pixels.astype(np.uint8, copy=False)


def _without_alpha(pixels: NDArray[np.uint8], path: BinaryFile) -> NDArray[np.uint8]:
    if pixels.ndim == 2 or pixels.shape[2] == 3:
        return pixels
    if pixels[..., 3].min() < 255:
        raise DataError(f"{path}: is partly transparent; flatten it onto a background")
    return np.ascontiguousarray(pixels[..., :3])


def _one_channel(pixels: NDArray[np.uint8], path: BinaryFile) -> NDArray[np.uint8]:
    if pixels.ndim == 2:
        return pixels
    blue, green, red = cv2.split(pixels)
    spread = max(int(cv2.absdiff(green, other).max()) for other in (blue, red))
    if spread > (0 if pixels.max() <= 1 else CHANNEL_TOLERANCE):
        raise DataError(f"{path}: the mask has colours; save it as grey, 0 and 255")
    return green.astype(np.uint8, copy=False)


def _binarise(grey: NDArray[np.uint8], path: BinaryFile) -> NDArray[np.uint8]:
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
