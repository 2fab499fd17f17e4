"""One file in: RGB or a mask's values out, or a refusal that names the file."""

import io
import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from cclcc_cli.data.image_file import (
    ImageFile,
    MaskFile,
    RawImage,
    decode_image,
    decode_mask,
    decode_raw,
    file_sha256,
    quiet_opencv,
    read_bytes,
    turned,
)
from cclcc_cli.data.mask_coding import COLOR, CodingOptions, decide_coding
from cclcc_cli.errors import DataError

Pixels = NDArray[np.uint8]
HEIGHT, WIDTH = 24, 40


def read_image(path: Path) -> ImageFile:
    return decode_image(read_bytes(path), path)


def read_raw(path: Path) -> RawImage:
    return decode_raw(read_bytes(path), path)


def read_mask(path: Path, channel: str | None = None) -> MaskFile:
    return decode_mask(read_bytes(path), path, channel)


def alone(mask: MaskFile) -> Pixels:
    """What a mask means if it is the only one of its set."""
    return decide_coding(mask.seen, CodingOptions()).apply(mask.values)


@pytest.fixture(autouse=True)
def _quiet() -> None:
    quiet_opencv()


@pytest.fixture
def picture() -> Pixels:
    """Smooth colours (24, 40, 3) RGB, without symmetry."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    colors = np.stack([6 * x, 10 * y, 255 - 3 * x - 5 * y], axis=2)
    return np.asarray(colors.clip(0, 255), np.uint8)


@pytest.fixture
def disc() -> Pixels:
    """A mask (24, 40) in {0, 1}."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.asarray((y - 9) ** 2 + (x - 25) ** 2 < 49, np.uint8)


def encode(
    extension: str, pixels: NDArray[np.integer[Any] | np.floating[Any]], *options: int
) -> bytes:
    """Pixels as given to OpenCV: BGR or BGRA or grey."""
    done, data = cv2.imencode(extension, pixels, list(options))
    assert done
    return data.tobytes()


def bgr(picture: Pixels) -> Pixels:
    return np.ascontiguousarray(picture[..., ::-1])


def with_alpha(pixels: Pixels, alpha: int) -> Pixels:
    return np.dstack([pixels, np.full(pixels.shape[:2], alpha, np.uint8)])


def tiff(
    pixels: Pixels, tags: Mapping[int, int], next_page: int = 0, order: str = "<"
) -> bytes:
    """An uncompressed TIFF of (h, w, 3) with chosen tags."""
    height, width, channels = pixels.shape
    data = pixels.tobytes()
    longs = {256: width, 257: height, 273: 8, 278: height, 279: len(data)}
    shorts = {258: 8, 259: 1, 262: 2, 277: channels, **tags}
    entries = {**{tag: (f"{order}HHII", 4, value) for tag, value in longs.items()},
               **{tag: (f"{order}HHIH2x", 3, value) for tag, value in shorts.items()}}
    table = b"".join(struct.pack(entries[tag][0], tag, entries[tag][1], 1, entries[tag][2])
                     for tag in sorted(entries))
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}I", 8 + len(data))
    count, end = struct.pack(f"{order}H", len(entries)), struct.pack(f"{order}I", next_page)
    return head + data + count + table + end


def with_pillow(image: Image.Image, kind: str, **options: Any) -> bytes:
    """An image as Pillow writes it, which knows kinds that OpenCV does not write."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def with_exif_rotation(jpeg: bytes, turn: int = 6) -> bytes:
    """The same JPEG, saying that it is to be shown turned, by a quarter if nothing is said."""
    exif = b"Exif\0\0" + b"II*\0\x08\0\0\0" + struct.pack("<HHHIHHI", 1, 274, 3, 1, turn, 0, 0)
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]


def with_thumbnail(jpeg: bytes) -> bytes:
    """The same JPEG with a whole JPEG, end marker and all, in its header."""
    small = encode(".jpg", np.zeros((8, 8), np.uint8))
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(small) + 2) + small + jpeg[2:]


@pytest.mark.parametrize("extension", [".png", ".bmp", ".tif"])
def test_a_lossless_image_comes_back_as_rgb(
    tmp_path: Path, picture: Pixels, extension: str
) -> None:
    path = tmp_path / f"a{extension}"
    path.write_bytes(encode(extension, bgr(picture)))
    image = read_image(path)
    np.testing.assert_array_equal(image.pixels, picture)
    assert (image.was_grey, image.had_alpha) == (False, False)
    assert image.sha256 == file_sha256(path)


def test_a_jpeg_comes_back_nearly_and_its_stored_rotation_is_ignored(
    tmp_path: Path, picture: Pixels
) -> None:
    jpeg = encode(".jpg", bgr(picture), cv2.IMWRITE_JPEG_QUALITY, 98)
    plain, turned = tmp_path / "plain.jpg", tmp_path / "turned.jpg"
    plain.write_bytes(jpeg)
    turned.write_bytes(with_exif_rotation(jpeg))
    assert np.abs(read_image(plain).pixels.astype(int) - picture).max() < 24
    np.testing.assert_array_equal(read_image(turned).pixels, read_image(plain).pixels)


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_stored_rotation_is_told_and_can_be_followed(
    tmp_path: Path, picture: Pixels, kind: str, turn: int
) -> None:
    exif = Image.Exif()
    exif[274] = turn
    path = tmp_path / "a"
    path.write_bytes(with_pillow(Image.fromarray(picture), kind, exif=exif))
    image = read_raw(path)
    assert image.header.turn == turn
    with Image.open(path) as opened:
        upright = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
    shown = turned(image.pixels, turn)
    assert shown.shape == upright.shape
    assert np.abs(shown.astype(int) - upright).mean() < 2  # two decoders


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_gif_and_webp_are_read(tmp_path: Path, picture: Pixels, disc: Pixels, kind: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(with_pillow(Image.fromarray(picture), kind, lossless=True))
    image = read_raw(path)
    assert (image.header.width, image.header.height) == (WIDTH, HEIGHT)
    assert np.abs(image.pixels.astype(int) - picture).mean() < (20 if kind == "GIF" else 1)
    path.write_bytes(with_pillow(Image.fromarray(disc * 255), kind, lossless=True))
    mask = read_mask(path)
    assert mask.seen.num_lossy == 0
    np.testing.assert_array_equal(alone(mask), disc)


@pytest.mark.parametrize("extension", [".png", ".tif"])
def test_16_bits_are_stretched_from_a_window(tmp_path: Path, extension: str) -> None:
    grey = np.array([[0, 100, 300], [350, 600, 65535]], np.uint16)
    (tmp_path / "a").write_bytes(encode(extension, grey))
    with pytest.raises(DataError, match=r"a: has 16 bits per channel; convert it to 8 bits"):
        read_image(tmp_path / "a")
    image = read_raw(tmp_path / "a")
    assert (image.num_bits, image.was_grey) == (16, True)
    assert image.to_8_bit((100, 600))[..., 1].tolist() == [[0, 0, 102], [128, 255, 255]]


def test_a_grey_image_becomes_rgb_and_an_opaque_alpha_channel_goes(
    tmp_path: Path, picture: Pixels
) -> None:
    grey, opaque = tmp_path / "grey.png", tmp_path / "opaque.png"
    grey.write_bytes(encode(".png", picture[..., 0]))
    opaque.write_bytes(encode(".png", with_alpha(bgr(picture), 255)))
    np.testing.assert_array_equal(read_image(grey).pixels, np.dstack([picture[..., 0]] * 3))
    assert read_image(grey).was_grey
    np.testing.assert_array_equal(read_image(opaque).pixels, picture)
    assert read_image(opaque).had_alpha


def test_the_content_decides_and_not_the_name(tmp_path: Path, picture: Pixels) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(encode(".png", bgr(picture)))
    np.testing.assert_array_equal(read_image(path).pixels, picture)


@pytest.mark.parametrize("extension", [".jpg", ".png", ".bmp", ".tif"])
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.7, 0.95, 0.999])
def test_a_file_that_is_cut_short_is_refused(
    tmp_path: Path, picture: Pixels, extension: str, kept: float
) -> None:
    data = encode(extension, bgr(picture))
    if extension == ".jpg":
        data = with_thumbnail(data)
    path = tmp_path / f"a{extension}"
    path.write_bytes(data)
    assert read_image(path).pixels.shape == picture.shape
    path.write_bytes(data[:int(kept * len(data))])
    with pytest.raises(DataError, match=str(path)):
        read_image(path)


def test_a_png_with_a_flipped_bit_is_refused(tmp_path: Path, picture: Pixels) -> None:
    data = bytearray(encode(".png", bgr(picture)))
    data[len(data) // 2] ^= 1
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(DataError, match=r"a.png: is damaged or cut short"):
        read_image(tmp_path / "a.png")


def test_bytes_after_a_jpegs_end_do_no_harm(tmp_path: Path, picture: Pixels) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(encode(".jpg", bgr(picture)) + b"\0" * 50)
    assert read_image(path).pixels.shape == picture.shape


def giant_png(width: int, height: int) -> bytes:
    """A whole PNG whose header claims a size that its few bytes cannot fill."""
    data = encode(".png", np.zeros((2, 2, 3), np.uint8))
    header = b"IHDR" + struct.pack(">II", width, height) + data[24:29]
    return data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("grey", [0, 1])
def test_a_tiff_of_three_channels_that_calls_itself_grey_is_read_as_rgb(
    tmp_path: Path, picture: Pixels, grey: int, order: str
) -> None:
    path = tmp_path / "cvc.tif"
    path.write_bytes(tiff(picture, {262: grey}, order=order))
    image = read_image(path)
    np.testing.assert_array_equal(image.pixels, picture)
    assert not image.was_grey


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_a_palette_is_resolved(tmp_path: Path, picture: Pixels, kind: str) -> None:
    painted = Image.fromarray(picture).quantize(32)
    path = tmp_path / "palette"
    path.write_bytes(with_pillow(painted, kind))
    np.testing.assert_array_equal(read_image(path).pixels, np.asarray(painted.convert("RGB")))


def test_a_mask_may_have_a_palette(tmp_path: Path, disc: Pixels) -> None:
    indices = Image.fromarray(disc, "P")
    indices.putpalette([0, 0, 0, 255, 255, 255])
    (tmp_path / "a.png").write_bytes(with_pillow(indices, "PNG"))
    np.testing.assert_array_equal(alone(read_mask(tmp_path / "a.png")), disc)


BAD_IMAGES: dict[str, tuple[Callable[[Pixels], bytes], str]] = {
    "empty file": (lambda _: b"", "is empty"),
    "text": (lambda _: b"hello", "is not a JPEG, PNG, BMP, TIFF, GIF or WebP file, whatever"),
    "float tiff": (lambda p: encode(".tif", p[..., 0].astype(np.float32)),
                   "has 32 bits per channel; convert it to 8 or 16"),
    "webp of two pictures": (lambda p: with_pillow(Image.fromarray(p), "WEBP", save_all=True,
                             append_images=[Image.fromarray(255 - p)]), "holds several pictures"),
    "gif of two pictures": (lambda p: with_pillow(Image.fromarray(p), "GIF", save_all=True,
                            append_images=[Image.fromarray(255 - p)]), "holds several pictures"),
    "webp cut short": (lambda p: encode(".webp", bgr(p))[:-9], r"cut short \(a WebP\)"),
    "gif cut short": (lambda p: with_pillow(Image.fromarray(p), "GIF")[:-9], "is cut short"),
    "gif head alone": (lambda p: with_pillow(Image.fromarray(p), "GIF")[:20] + b";", "is damaged"),
    "partly transparent": (lambda p: encode(".png", with_alpha(bgr(p), 254)),
                           "is partly transparent; flatten it onto a background"),
    "tiff of two pages": (lambda p: tiff(p, {}, next_page=8), "holds several pages"),
    "turned tiff": (lambda p: tiff(p, {274: 3}), "is a TIFF with a stored rotation"),
    "turned and paged": (lambda p: tiff(p, {274: 6}, next_page=8), "holds several pages"),
    "cmyk jpeg": (lambda p: with_pillow(Image.fromarray(p).convert("CMYK"), "JPEG"),
                  "is a CMYK JPEG; convert it to RGB"),
    "png of a giant": (lambda _: giant_png(40_000, 40_000),
                       "has 40000x40000 pixels; the most is 80 million, shrink it"),
    "bmp of a giant": (lambda _: b"BM" + bytes(16) + struct.pack("<ii", 2**30, -(2**30)),
                       "has 1073741824x1073741824 pixels"),
    "lab tiff": (lambda p: tiff(p, {262: 8}), "whose channels are not plain grey or RGB"),
    "cmyk tiff": (lambda p: tiff(with_alpha(p, 255), {262: 5}), "not plain grey or RGB"),
    "tiff without a table": (lambda _: b"II*\0\xff\xff\0\0", r"is damaged or cut short \(a TIFF\)"),
    "bmp without a size": (lambda _: b"BM" + bytes(60), r"is damaged \(a BMP\)"),
    "bmp head alone": (lambda p: encode(".bmp", p)[:60], "cannot be decoded; it is damaged"),
}


@pytest.mark.parametrize("name", BAD_IMAGES)
def test_an_image_that_cannot_be_used_is_refused_by_name(
    tmp_path: Path, picture: Pixels, name: str
) -> None:
    make, message = BAD_IMAGES[name]
    path = tmp_path / "a.tif"
    path.write_bytes(make(picture))
    with pytest.raises(DataError, match=message) as caught:
        read_image(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_the_tiff_that_the_refusals_vary_is_itself_fine(tmp_path: Path, picture: Pixels) -> None:
    (tmp_path / "a.tif").write_bytes(tiff(picture, {}))
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").pixels, picture)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a.png: cannot be read \(No such file"):
        read_image(tmp_path / "a.png")


GOOD_MASKS: dict[str, Callable[[Pixels], bytes]] = {
    "0 and 1": lambda m: encode(".png", m),
    "0 and 255": lambda m: encode(".png", m * 255),
    "one bit": lambda m: encode(".png", m * 255, cv2.IMWRITE_PNG_BILEVEL, 1),
    "rgb 0 and 255": lambda m: encode(".bmp", np.dstack([m * 255] * 3)),
    "rgb 0 and 1": lambda m: encode(".png", np.dstack([m] * 3)),
    "rgba": lambda m: encode(".png", with_alpha(np.dstack([m * 255] * 3), 255)),
    "grey jpeg": lambda m: encode(".jpg", m * 255, cv2.IMWRITE_JPEG_QUALITY, 90),
    "rgb jpeg": lambda m: encode(".jpg", np.dstack([m * 255] * 3), cv2.IMWRITE_JPEG_QUALITY, 90),
    "tiff": lambda m: encode(".tif", m * 255),
    "nearly equal channels": lambda m: encode(".png", np.dstack([m * 255, m * 250, m * 245])),
}


@pytest.mark.parametrize("name", GOOD_MASKS)
def test_a_mask_comes_back_as_0_and_1(tmp_path: Path, disc: Pixels, name: str) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(GOOD_MASKS[name](disc))
    mask = read_mask(path)
    decoded = alone(mask)
    np.testing.assert_array_equal(decoded, disc)
    assert decoded.dtype == np.uint8
    assert mask.sha256 == file_sha256(path)


@pytest.mark.parametrize("value", [0, 1, 255])
def test_a_mask_may_be_all_background_or_all_foreground(tmp_path: Path, value: int) -> None:
    (tmp_path / "a.png").write_bytes(encode(".png", np.full((8, 8), value, np.uint8)))
    np.testing.assert_array_equal(alone(read_mask(tmp_path / "a.png")), int(value > 0))


def test_every_value_is_counted(tmp_path: Path, disc: Pixels) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encode(".png", np.dstack([disc * 0, disc * 0, disc * 255])))
    red = COLOR | 0xFF0000
    objects = int(disc.sum())
    assert read_mask(path).seen.pixels == {0: disc.size - objects, red: objects}
    assert read_mask(path, "red").seen.pixels == {0: disc.size - objects, 255: objects}
    assert read_mask(path, "blue").seen.pixels == {0: disc.size}
    with pytest.raises(DataError, match=r"a.png: has no alpha channel, which --mask-channel asks"):
        read_mask(path, "alpha")


def test_a_channel_of_alpha_is_read_alone(tmp_path: Path, disc: Pixels) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encode(".png", np.dstack([disc * 0] * 3 + [disc * 255])))
    assert read_mask(path).seen.num_transparent == 1
    np.testing.assert_array_equal(alone(read_mask(path, "alpha")), disc)


def test_a_mask_with_the_colours_of_a_photograph_is_refused(
    tmp_path: Path, picture: Pixels
) -> None:
    (tmp_path / "a.png").write_bytes(encode(".png", bgr(picture)))
    with pytest.raises(DataError, match=r"a.png: the mask has colours, [0-9]+ of them; save it as"):
        read_mask(tmp_path / "a.png")


BAD_MASKS: dict[str, tuple[Callable[[Pixels], bytes], str]] = {
    "label map": (lambda m: encode(".png", m * 2), r"2 \(.*2 is in 1 of 3 masks: .*foreground 2"),
    "grey foreground": (lambda m: encode(".png", m * 127), "127 is in 1 of 3 masks"),
    "trimap": (lambda m: encode(".png", m * 128 + m[::-1] * 127), "127 is in 1 of 3 masks"),
    "photograph": (lambda _: encode(".png", np.tile(np.arange(WIDTH, dtype=np.uint8) * 6,
                                                    (HEIGHT, 1))), "and 35 more; .* in 1 of 3"),
    "red overlay": (lambda m: encode(".png", np.dstack([m * 0, m * 0, m * 255])),
                    "0xff0000 is in 1 of 3 masks"),
    "faint colours": (lambda m: encode(".png", np.dstack([m, m * 0, m])), "0x010001 is in 1 of 3"),
    "mask in alpha": (lambda m: encode(".png", np.dstack([m * 0] * 3 + [m * 255])),
                      "1 of 3 masks are partly transparent, such as .*--mask-channel alpha"),
    "16-bit": (lambda m: encode(".png", m.astype(np.uint16) * 65535), "65535 is in 1 of 3 masks"),
}
"""Masks that do not fit two others of 0 and 255, and what is said of them then."""
