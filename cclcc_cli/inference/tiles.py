"""Images far above the working size: tiles that overlap, blended smoothly, a band at a time."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from cclcc_cli.data.store_writer import fit_image
from cclcc_cli.data.workers import in_order
from cclcc_cli.inference.ensemble import CPU_PASS, Ensemble, Probs

OVERLAP = 0.25
"""Share of a tile's side that it has in common with the next, at least."""


def predict_tiles(
    ensemble: Ensemble, pixels: NDArray[np.uint8], side: int, pool: Executor,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Iterator[Probs]:
    """Probabilities of one image, from top to bottom.

    A tile's weight falls from its middle to its edge like a cosine, so no seam is seen. Where the
    image is smaller than a tile it is continued by reflection; nothing is squashed. Beside the
    image only as many rows are held as a tile has.

    Args:
        ensemble: predicts each tile as an image of its own.
        pixels: ``(H, W, 3)`` uint8 RGB.
        side: of a tile, in the image's pixels; resized to the network's size where it differs.
        pool: computes tiles side by side.
        progress: called with tiles done and tiles in all.

    Yields:
        Bands ``(M, rows, W)`` float32 of each member's probabilities, H rows in all.
    """
    height, width = pixels.shape[:2]
    tops, lefts = tile_starts(height, side), tile_starts(width, side)
    places = [(top, left) for top in tops for left in lefts]
    batches = [places[start:start + CPU_PASS] for start in range(0, len(places), CPU_PASS)]
    weights = tile_weights(side)
    across = _total_weight(lefts, weights, max(width, side))
    down = _total_weight(tops, weights, max(height, side))

    def compute(batch: Sequence[tuple[int, int]]) -> Probs:
        return _tile_probs(ensemble, [_cut(pixels, top, left, side) for top, left in batch])

    rows: Probs | None = None
    done = 0
    for batch, members in zip(batches, in_order(pool, compute, batches), strict=True):
        if rows is None:
            rows = np.zeros((len(members), side, max(width, side)), np.float32)
        for place, (_, left) in enumerate(batch):
            rows[:, :, left:left + side] += members[:, place] * weights * weights[:, None]
            done += 1
            if done % len(lefts):
                continue
            line = done // len(lefts) - 1  # a row of tiles is complete
            top, last = tops[line], line + 1 == len(tops)
            final = (height if last else tops[line + 1]) - top
            band = rows[:, :final, :width] / down[top:top + final, None] / across[:width]
            yield np.minimum(band, 1, out=band)  # rounding may go beyond
            rows[:, :side - final] = rows[:, final:].copy()
            rows[:, side - final:] = 0
        progress(done, len(places))


def tile_starts(length: int, side: int) -> list[int]:
    """Where tiles begin along one side of an image: evenly, overlapping by OVERLAP at least."""
    if length <= side:
        return [0]
    stride = max(1, side - round(OVERLAP * side))
    count = -(-(length - side) // stride) + 1
    return [round(place * (length - side) / (count - 1)) for place in range(count)]


def tile_weights(side: int) -> NDArray[np.float32]:
    """Weights along one side of a tile, above 0: a raised cosine over the overlap, 1 between."""
    reach = min(max(1, round(OVERLAP * side)), side // 2)
    ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(reach) + 0.5) / reach)
    weights = np.ones(side)
    weights[:reach], weights[side - reach:] = ramp, ramp[::-1]
    return weights.astype(np.float32)


def _total_weight(
    starts: Sequence[int], weights: NDArray[np.float32], length: int
) -> NDArray[np.float32]:
    total = np.zeros(length, np.float32)
    for start in starts:
        total[start:start + len(weights)] += weights
    return total


def _cut(pixels: NDArray[np.uint8], top: int, left: int, side: int) -> NDArray[np.uint8]:
    tile = pixels[top:top + side, left:left + side]
    below, right = side - tile.shape[0], side - tile.shape[1]
    if below or right:
        tile = np.asarray(cv2.copyMakeBorder(
            np.ascontiguousarray(tile), 0, below, 0, right, cv2.BORDER_REFLECT), np.uint8)
    return np.ascontiguousarray(tile)


def _tile_probs(ensemble: Ensemble, tiles: Sequence[NDArray[np.uint8]]) -> Probs:
    """``(M, B, side, side)`` for tiles ``(side, side, 3)``."""
    side = len(tiles[0])
    members = ensemble.members(np.stack([fit_image(tile, ensemble.size) for tile in tiles]))
    if side == ensemble.size:
        return members
    return resize_probs(members, side, side)


def resize_probs(probs: Probs, height: int, width: int) -> Probs:
    """Probability maps ``(M, B, S, S)`` at another size, resized as at a run's test."""
    resized = F.interpolate(torch.from_numpy(np.ascontiguousarray(probs)), size=(height, width),
                            mode="bilinear", align_corners=False)
    return resized.clamp_(0, 1).numpy()
