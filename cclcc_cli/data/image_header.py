"""What the first bytes of an image file say: its size, and flaws a decoder passes over in silence.

Decoders fill what is missing with grey, drop pages and colours, and allocate whatever size a
header claims. So the header is read first, and what could go wrong unseen is refused.
"""

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

MOST_PIXELS = 80_000_000
"""Images of more are refused: decoding them would take more memory than is promised."""

_JPEG_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_PHOTOMETRIC = 262
_SAMPLES = 277
_GREYS = (0, 1)


@dataclass(frozen=True)
class Header:
    """What a file says about itself.

    Attributes:
        width, height: in pixels, as the pixels lie; 0 where it could not be read.
        flaw: why the file must not be decoded, None where it may.
    """

    width: int
    height: int
    flaw: str | None

    @property
    def num_pixels(self) -> int:
        return self.width * self.height


def read_header(data: bytes, most_pixels: int = MOST_PIXELS) -> Header:
    """Look at a JPEG, PNG, BMP or TIFF file without decoding it.

    Args:
        data: the file's bytes.
        most_pixels: of an image that may be decoded.
    """
    try:
        header = _read(data)
    except (struct.error, IndexError):
        return Header(0, 0, "is damaged or cut short")
    if header.flaw is None and header.num_pixels > most_pixels:
        flaw = (f"has {header.width}x{header.height} pixels; the most is "
                f"{most_pixels / 1e6:.0f} million, shrink it")
        return Header(header.width, header.height, flaw)
    return header


def mend_tiff(data: bytes) -> bytes:
    """The file with three-channel TIFFs that call themselves grey called RGB, which they are.

    CVC-ClinicDB is published so; a decoder that believes the tag shows grey, or two thirds less.
    """
    if not data.startswith((b"II*\0", b"MM\0*")):
        return data
    order = "<" if data[:2] == b"II" else ">"
    tags, _ = _tiff_tags(data, order)
    grey = tags.get(_PHOTOMETRIC)
    if grey is None or grey[0] not in _GREYS or tags.get(_SAMPLES, (1, 0))[0] != 3:
        return data
    at = grey[1]
    return data[:at] + struct.pack(f"{order}H", 2) + data[at + 2:]


def _read(data: bytes) -> Header:
    if data.startswith(b"\xff\xd8"):
        return _read_jpeg(data)
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        width, height = struct.unpack_from(">II", data, 16)
        flaw = None if _png_is_whole(data) else "is damaged or cut short (a PNG)"
        return Header(width, height, flaw)
    if data.startswith((b"II*\0", b"MM\0*")):
        return _read_tiff(data)
    if data.startswith(b"BM"):
        is_old = struct.unpack_from("<I", data, 14)[0] == 12  # OS/2's header
        width, height = struct.unpack_from("<HH" if is_old else "<ii", data, 18)
        flaw = None if width > 0 and height else "is damaged (a BMP)"
        return Header(width, abs(height), flaw)  # a negative height: rows from the top
    what = "is not a JPEG, PNG, BMP or TIFF file, whatever its name says" if data else "is empty"
    return Header(0, 0, what)


def _read_jpeg(data: bytes) -> Header:
    """Walks the segments up to the scan; a thumbnail's own, in the header, do not count."""
    at, width, height, channels = 2, 0, 0, 0
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _JPEG_FRAMES:
            height, width, channels = struct.unpack_from(">HHB", data, at + 5)
        if marker == 0xDA and data.find(b"\xff\xd9", at) >= 0:
            cmyk = "is a CMYK JPEG; convert it to RGB" if channels == 4 else None
            return Header(width, height, cmyk)
        if marker == 0xDA:
            break
        # 0xFF before a marker is filling
        at += 1 if marker == 0xFF else 2 + int.from_bytes(data[at + 2:at + 4], "big")
    return Header(width, height, "is cut short (a JPEG without its end)")


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


def _read_tiff(data: bytes) -> Header:
    """Refuses what OpenCV would misread: it turns it, drops pages, or takes colour for grey."""
    order = "<" if data[:2] == b"II" else ">"
    try:
        found, next_page = _tiff_tags(data, order)
    except struct.error:
        return Header(0, 0, "is damaged or cut short (a TIFF)")
    tags = {tag: value for tag, (value, _) in found.items()}
    flaw = None
    # photometric interpretation: 0 and 1 grey, 2 RGB, 3 palette, 6 YCbCr
    allowed = {0: (1, 3), 1: (1, 3), 2: (3, 4), 3: (1,), 6: (3,)}.get(tags.get(_PHOTOMETRIC, 1), ())
    if next_page:
        flaw = "holds several pages; save one page a file"
    elif tags.get(274, 1) != 1:
        flaw = "is a TIFF with a stored rotation; save it upright"
    elif tags.get(_SAMPLES, 1) not in allowed:
        flaw = "is a TIFF whose channels are not plain grey or RGB; convert it to PNG"
    return Header(tags.get(256, 0), tags.get(257, 0), flaw)


def _tiff_tags(data: bytes, order: str) -> tuple[Mapping[int, tuple[int, int]], int]:
    """The first page's single whole numbers, each with the place it stands at, and where the next
    page starts (0: nowhere)."""
    (at,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, at)
    tags: dict[int, tuple[int, int]] = {}
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind, length = struct.unpack_from(f"{order}HHI", data, entry)
        if length == 1 and kind in (3, 4):
            (value,) = struct.unpack_from(f"{order}{'H' if kind == 3 else 'I'}", data, entry + 8)
            tags[tag] = value, entry + 8
    (next_page,) = struct.unpack_from(f"{order}I", data, at + 2 + 12 * count)
    return tags, next_page
