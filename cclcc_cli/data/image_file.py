"""Decoding one image or mask file: pixels as they lie in it, or a refusal that names the file.

What is to be decided over a whole data set is left open: the meaning of a mask's values, the
window of 16-bit images, and whether EXIF turns are followed (see ``reading``). Palettes are
resolved, grey becomes RGB, a TIFF of three channels that calls itself grey is read as RGB. Refused,
since reading them takes a decision that is not ours: floats, CMYK, transparent images, several
pages, a TIFF's stored rotation.
"""

import hashlib
import io
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cclcc_cli.data.image_header import MOST_PIXELS, Header, mend_tiff, read_header
from cclcc_cli.data.mask_coding import COLOR, MOST_VALUES, MaskHistogram, color_value
from cclcc_cli.data.members import BinaryFile
from cclcc_cli.errors import DataError

CHANNELS = ("grey", "red", "green", "blue", "alpha")
"""What of a mask may be read in place of its colours."""

CHANNEL_TOLERANCE = 16
"""How far the channels of a mask may differ and still be called grey."""

_EXACT = 2**24
"""OpenCV counts in float32, which is exact up to here."""

Pixels = NDArray[np.uint8 | np.uint16]
Values = NDArray[np.uint8 | np.uint16 | np.uint32]
Window = tuple[int, int]
"""Greys of 16 bits that become black and white."""


@dataclass(frozen=True)
class ImageFile:
    """A decoded image: (h, w, 3) uint8 RGB, the file's SHA-256, and how it was converted."""

    pixels: NDArray[np.uint8]
    sha256: str
    was_grey: bool
    had_alpha: bool


@dataclass(frozen=True)
class RawImage:
    """An image whose bits are not brought to 8 yet.

    Attributes:
        pixels: (h, w, 3) RGB as it lies in the file, uint8 or uint16.
        sha256: of the file.
        header: what the file says about itself.
        was_grey, had_alpha: how it was converted; an alpha channel was opaque.
    """

    pixels: Pixels
    sha256: str
    header: Header
    was_grey: bool
    had_alpha: bool

    @property
    def num_bits(self) -> int:
        """Bits of a channel, 8 or 16."""
        return self.pixels.dtype.itemsize * 8

    def to_8_bit(self, window: Window | None) -> NDArray[np.uint8]:
        """(h, w, 3) uint8 RGB; 16 bits are stretched from the window to 0 to 255."""
        if self.pixels.dtype == np.uint8:
            return self.pixels.astype(np.uint8, copy=False)
        assert window is not None
        low, high = window
        table = (np.arange(2**16) - float(low)) * (255 / (high - low))
        return np.asarray(np.rint(table.clip(0, 255)), np.uint8)[self.pixels]


@dataclass(frozen=True)
class MaskFile:
    """A mask whose values are not decoded yet.

    Attributes:
        values: (h, w) greys as uint8 or uint16, or values with colours as uint32; see
            ``mask_coding``.
        sha256: of the file.
        header: what the file says about itself.
        seen: how often it has each value.
    """

    values: Values
    sha256: str
    header: Header
    seen: MaskHistogram


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
    raw = decode_raw(data, path, most_pixels)
    if raw.num_bits != 8:
        raise DataError(f"{path}: has {raw.num_bits} bits per channel; convert it to 8 bits")
    return ImageFile(raw.to_8_bit(None), raw.sha256, raw.was_grey, raw.had_alpha)


def decode_raw(data: bytes, path: BinaryFile, most_pixels: int = MOST_PIXELS) -> RawImage:
    """The image in a file's bytes, whatever its bits; else as ``decode_image``.

    Raises:
        DataError: it cannot be decoded, or is partly transparent.
    """
    header = read_header(data, most_pixels)
    pixels = _decode(data, header, path)
    if pixels.ndim == 3 and pixels.shape[2] == 4 and not _is_opaque(pixels):
        raise DataError(f"{path}: is partly transparent; flatten it onto a background")
    was_grey, had_alpha = pixels.ndim == 2, pixels.ndim == 3 and pixels.shape[2] == 4
    convert = (cv2.COLOR_GRAY2RGB if was_grey else cv2.COLOR_BGRA2RGB if had_alpha
               else cv2.COLOR_BGR2RGB)
    rgb: Pixels = cv2.cvtColor(pixels, convert).astype(pixels.dtype, copy=False)
    return RawImage(rgb, hashlib.sha256(data).hexdigest(), header, was_grey, had_alpha)


def decode_mask(data: bytes, path: BinaryFile, channel: str | None = None) -> MaskFile:
    """The values of the mask in a file's bytes.

    Args:
        data: the file's bytes.
        path: names it in a message.
        channel: one of ``CHANNELS`` to be read alone; None for all colours of an opaque file.

    Raises:
        DataError: it cannot be decoded, has no such channel, or has too many colours.
    """
    header = read_header(data)
    pixels = _decode(data, header, path)
    seen = MaskHistogram(num_masks=1, num_lossy=int(header.is_lossy))
    if pixels.ndim == 3 and pixels.shape[2] == 4 and channel is None:
        seen.num_transparent = int(not _is_opaque(pixels))
        seen.transparent = str(path) * seen.num_transparent
    values = _one_channel(pixels, channel, path)
    counts = _count(values)
    if len(counts) > MOST_VALUES and values.dtype == np.uint32:
        raise DataError(f"{path}: the mask has colours, {len(counts)} of them; save it as grey, 0 "
                        f"and 255, or read one channel with --mask-channel")
    seen.pixels.update(counts)
    seen.num_with.update(counts.keys())
    seen.examples = dict.fromkeys(counts, str(path))
    seen.num_unit = int(max(counts) == 1)
    used = {color_value(*color.to_bytes(3, "big")): place
            for place, color in reversed([*enumerate(header.palette)])}
    seen.palette = {value: place for value, place in used.items() if value in counts}
    return MaskFile(values, hashlib.sha256(data).hexdigest(), header, seen)


def turned(pixels: NDArray[np.generic], turn: int) -> NDArray[np.generic]:
    """Pixels ``(h, w, ...)`` as a viewer shows them that follows the EXIF orientation ``turn``."""
    if turn in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    down = -1 if turn in (3, 4, 7, 8) else 1
    right = -1 if turn in (2, 3, 6, 7) else 1
    return np.ascontiguousarray(pixels[::down, ::right])


def _decode(data: bytes, header: Header, path: BinaryFile) -> Pixels:
    """(h, w), (h, w, 3) BGR or (h, w, 4) BGRA, as it lies in the file."""
    if header.flaw:
        raise DataError(f"{path}: {header.flaw}")
    if header.kind == "GIF":
        return _decode_gif(data, path)
    try:
        pixels = cv2.imdecode(np.frombuffer(mend_tiff(data), np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:  # OpenCV raises for some damaged files and returns None for others
        pixels = None
    if pixels is None:
        raise DataError(f"{path}: cannot be decoded; it is damaged or cut short")
    if pixels.dtype == np.uint8 or pixels.dtype == np.uint16:
        return pixels.astype(pixels.dtype, copy=False)
    bits = pixels.dtype.itemsize * 8
    raise DataError(f"{path}: has {bits} bits per channel; convert it to 8 or 16 bits")


def _decode_gif(data: bytes, path: BinaryFile) -> Pixels:
    """As OpenCV would lay it out, which reads GIF in its newer versions only."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=["GIF"]) as image:
            if getattr(image, "n_frames", 1) > 1:
                raise DataError(f"{path}: holds several pictures; save one a file")
            if image.mode == "L":
                return np.asarray(image, np.uint8)
            with_alpha = "transparency" in image.info
            rgb = np.asarray(image.convert("RGBA" if with_alpha else "RGB"), np.uint8)
    except (OSError, ValueError, EOFError, SyntaxError, IndexError):
        raise DataError(f"{path}: cannot be decoded; it is damaged or cut short") from None
    return np.ascontiguousarray(rgb[..., [2, 1, 0, 3][:rgb.shape[2]]])


def _is_opaque(pixels: Pixels) -> bool:
    return bool(pixels[..., 3].min() == np.iinfo(pixels.dtype).max)


def _one_channel(
    pixels: Pixels, channel: str | None, path: BinaryFile
) -> Values:
    """Greys, or values with colours where there are any and no channel was asked for."""
    if pixels.ndim == 2:
        if channel == "alpha":
            raise DataError(f"{path}: has no alpha channel, which --mask-channel asks for")
        return pixels
    if channel == "alpha" and pixels.shape[2] < 4:
        raise DataError(f"{path}: has no alpha channel, which --mask-channel asks for")
    planes = [plane.astype(pixels.dtype, copy=False) for plane in cv2.split(pixels)]
    if channel is not None and channel != "grey":
        return planes[("blue", "green", "red", "alpha").index(channel)]
    blue, green, red = planes[:3]
    spread = max(int(cv2.absdiff(green, other).max()) for other in (blue, red))
    if not spread or (spread <= CHANNEL_TOLERANCE and pixels[..., :3].max() > 1):
        return green
    if channel == "grey":
        colors = np.ascontiguousarray(pixels[..., :3])
        return cv2.cvtColor(colors, cv2.COLOR_BGR2GRAY).astype(pixels.dtype, copy=False)
    if pixels.dtype != np.uint8:
        raise DataError(f"{path}: the mask has colours of 16 bits; read one with --mask-channel")
    codes = (red.astype(np.uint32) << 16) + (green.astype(np.uint32) << 8) + blue + np.uint32(COLOR)
    plain = (red == green) & (green == blue)
    codes[plain] = green[plain]
    return codes


def count_greys(pixels: Pixels) -> NDArray[np.int64]:
    """How many of the pixels ``(h, w, ...)`` have each grey, ``(256,)`` or ``(65536,)``."""
    top = int(np.iinfo(pixels.dtype).max) + 1
    flat = np.ascontiguousarray(pixels).reshape(1, -1)
    counts = np.zeros(top, np.int64)
    for start in range(0, flat.shape[1], _EXACT):
        part = flat[:, start:start + _EXACT]
        found = cv2.calcHist([part], [0], None, [top], [0, top])
        counts += found.ravel().astype(np.int64)
    return counts


def _count(values: Values) -> dict[int, int]:
    """Value to how many pixels have it."""
    if values.dtype != np.uint32:
        greys = count_greys(values.astype(values.dtype, copy=False))
        return {int(value): int(greys[value]) for value in np.flatnonzero(greys)}
    found, counts = np.unique(values, return_counts=True)
    return {int(value): int(count) for value, count in zip(found, counts, strict=True)}
