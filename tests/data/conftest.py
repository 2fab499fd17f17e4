"""Tiny folders of images and masks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.data.splitting import WriteLists


@dataclass(frozen=True)
class Folders:
    """A folder of images and one of masks, both there."""

    images: Path
    masks: Path

    def add(
        self,
        stem: str,
        height: int = 20,
        width: int = 30,
        image_extension: str = ".png",
        mask_name: str | None = None,
    ) -> NDArray[np.uint8]:
        """Write a pair drawn from its stem; gives the mask (height, width) in {0, 1}."""
        rng = np.random.default_rng(list(stem.encode()))
        image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        mask = np.zeros((height, width), np.uint8)
        top, left = rng.integers(0, height // 2), rng.integers(0, width // 2)
        mask[top:top + height // 3 + 1, left:left + width // 3 + 1] = 1
        write(self.images / f"{stem}{image_extension}", image)
        write(self.masks / (mask_name or f"{stem}.png"), mask * 255)
        return mask


def write(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write pixels, BGR or grey, in the format of the file's extension."""
    done, data = cv2.imencode(path.suffix, pixels)
    assert done
    path.write_bytes(data.tobytes())


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    made = Folders(tmp_path / "images", tmp_path / "masks")
    made.images.mkdir()
    made.masks.mkdir()
    return made


@pytest.fixture
def write_image() -> Callable[[Path, NDArray[np.uint8]], None]:
    return write


@pytest.fixture
def write_lists(tmp_path: Path) -> WriteLists:
    """Writes ``name.txt`` for each name, and gives the folder that ``name`` is relative to."""

    def write(lists: Mapping[str, str]) -> Path:
        for name, entries in lists.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / f"{name}.txt").write_text("\n".join(entries.split()))
        return tmp_path

    return write
