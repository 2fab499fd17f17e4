"""Boxes of one image laid into another: CutMix and copy-paste on a batch.

Boxes are drawn on the CPU from torch's own random state, which a checkpoint holds: no wait for
the device, and a resumed run draws what an unbroken one would.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

_AREA = (0.02, 0.4)
_RATIO = (0.3, 1 / 0.3)
"""UniMatch's CutMix: a box's part of the image, and its width over its height."""


def draw_cutmix_boxes(count: int, size: Sequence[int], probability: float) -> Tensor:
    """Where each image takes another's pixels: ``(count, 1, H, W)`` bool, a box or nothing."""
    height, width = size
    boxes = torch.zeros(count, 1, height, width, dtype=torch.bool)
    draws = torch.rand(count, 5).tolist()
    for box, (happens, area, ratio, top, left) in zip(boxes, draws, strict=True):
        if happens >= probability:
            continue
        pixels = (_AREA[0] + area * (_AREA[1] - _AREA[0])) * height * width
        aspect = _RATIO[0] + ratio * (_RATIO[1] - _RATIO[0])
        h = min(height, max(1, round(math.sqrt(pixels / aspect))))
        w = min(width, max(1, round(math.sqrt(pixels * aspect))))
        y, x = int(top * (height - h + 1)), int(left * (width - w + 1))
        box[:, y : y + h, x : x + w] = True
    return boxes


def draw_paste_box(size: Sequence[int], side: float) -> Tensor:
    """One box of a share of each side, somewhere: ``(1, 1, H, W)`` bool."""
    height, width = size
    h, w = max(1, int(height * side)), max(1, int(width * side))
    top, left = torch.rand(2).tolist()
    y, x = int(top * (height - h + 1)), int(left * (width - w + 1))
    box = torch.zeros(1, 1, height, width, dtype=torch.bool)
    box[..., y : y + h, x : x + w] = True
    return box


def paste_neighbor(maps: Tensor, boxes: Tensor) -> Tensor:
    """Each map with the one before it in the batch inside its box.

    Args:
        maps: ``(B, C, H, W)``: images, or what was said of them.
        boxes: ``(B, 1, H, W)`` bool, on the same device.
    """
    return torch.where(boxes, maps.roll(1, dims=0), maps)


def mix_halves(maps: Tensor, shares: Tensor) -> Tensor:
    """The first half of a batch mixed with the second: ``(B // 2, C, H, W)``.

    Args:
        maps: ``(B, C, H, W)``; a last odd one is left out.
        shares: of the second half, ``(B // 2, 1, 1, 1)`` in [0, 1].
    """
    half = len(maps) // 2
    return torch.lerp(maps[:half], maps[half : 2 * half], shares.to(maps))
