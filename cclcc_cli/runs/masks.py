"""Predicted masks of the test split, kept so that methods can be compared image by image.

``test_masks.npz`` holds ``stems`` (N,), ``size`` (the side S) and ``bits`` (N, ceil(S * S / 8))
uint8, each row a mask at the working size, packed by ``numpy.packbits``.
"""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cclcc_cli.errors import RunError
from cclcc_cli.runs.folder import RunFolder


@dataclass(frozen=True, eq=False)
class Masks:
    """What a run predicted for the test split.

    Attributes:
        stems: the images, each once.
        size: side of the masks, in pixels.
        bits: a packed mask for each image, ``(N, ceil(size * size / 8))`` uint8.
    """

    stems: tuple[str, ...]
    size: int
    bits: NDArray[np.uint8]

    def of(self, stems: Sequence[str]) -> NDArray[np.bool_]:
        """The masks of some of the images, ``(len(stems), size, size)``.

        Raises:
            KeyError: a stem has no mask.
        """
        position = {stem: index for index, stem in enumerate(self.stems)}
        rows = self.bits[[position[stem] for stem in stems]]
        flat = np.unpackbits(rows, axis=1, count=self.size * self.size)
        return flat.reshape(len(stems), self.size, self.size).astype(bool)


def write_masks(folder: RunFolder, masks: Masks) -> None:
    """Put the masks into the run folder; the same masks are the same bytes."""
    file = io.BytesIO()  # numpy dates what it puts in a .npz with 1980, not with today
    np.savez_compressed(file, stems=np.array(masks.stems), size=np.int64(masks.size),
                        bits=masks.bits)
    folder.write(folder.test_masks.name, file.getvalue())


def read_masks(folder: RunFolder) -> Masks | None:
    """What ``write_masks`` wrote; None where the run has none, as older runs have not.

    Raises:
        RunError: the file is damaged.
    """
    try:
        with folder.test_masks.open("rb") as whole, np.load(whole, allow_pickle=False) as file:
            stems, size, bits = file["stems"], int(file["size"]), file["bits"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise _damaged(folder, str(error)) from None
    if bits.dtype != np.uint8 or bits.shape != (len(stems), -(-size * size // 8)):
        raise _damaged(folder, f"{len(stems)} images of side {size}, bits {bits.shape}")
    return Masks(tuple(map(str, stems)), size, bits)


def _damaged(folder: RunFolder, reason: str) -> RunError:
    return RunError(f"{folder.test_masks}: cannot be read ({reason}); "
                    "cclcc train --fresh writes it again")
