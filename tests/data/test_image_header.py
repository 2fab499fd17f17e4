"""What a header says: the size without decoding, whatever the format."""

import cv2
import numpy as np
import pytest

from cclcc_cli.data.image_header import mend_tiff, read_header


@pytest.mark.parametrize("extension", [".jpg", ".png", ".bmp", ".tif"])
@pytest.mark.parametrize("shape", [(24, 40, 3), (40, 24), (1, 1, 3), (300, 7)])
def test_the_size_is_read_without_decoding(extension: str, shape: tuple[int, ...]) -> None:
    done, data = cv2.imencode(extension, np.zeros(shape, np.uint8))
    assert done
    header = read_header(data.tobytes())
    assert (header.height, header.width, header.flaw) == (*shape[:2], None)
    assert header.num_pixels == shape[0] * shape[1]


def test_a_progressive_jpeg_tells_its_size_too() -> None:
    _, data = cv2.imencode(".jpg", np.zeros((24, 40, 3), np.uint8),
                           [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])
    header = read_header(data.tobytes())
    assert (header.width, header.height, header.flaw) == (40, 24, None)


@pytest.mark.parametrize("start", [b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*", b"BM"])
def test_a_beginning_alone_is_a_flaw_and_not_a_crash(start: bytes) -> None:
    for extra in range(40):
        assert read_header(start + b"\xff" * extra).flaw


@pytest.mark.parametrize("extension", [".jpg", ".png", ".bmp", ".tif"])
def test_files_that_tell_the_truth_are_not_mended(extension: str) -> None:
    _, data = cv2.imencode(extension, np.zeros((4, 4, 3), np.uint8))
    assert mend_tiff(data.tobytes()) == data.tobytes()
