"""Whole images cut into a grid of patches, and patches laid back. Both are exact."""

import torch.nn.functional as F
from torch import Tensor


def split_patches(images: Tensor, grid: int) -> Tensor:
    """Cut each image into G x G patches.

    Args:
        images: ``(B, C, H, W)``; H and W are multiples of the grid.
        grid: G, patches per side.

    Returns:
        ``(B * N, C, H / G, W / G)``, image-major, then row-major over the grid.
    """
    b, c, h, w = images.shape
    if h % grid or w % grid:
        raise ValueError(f"a grid of {grid} does not divide {h} x {w} pixels")
    cut = images.reshape(b, c, grid, h // grid, grid, w // grid)
    return cut.permute(0, 2, 4, 1, 3, 5).reshape(b * grid * grid, c, h // grid, w // grid)


def join_patches(patches: Tensor, grid: int) -> Tensor:
    """Lay patches back on their grid: the inverse of ``split_patches``.

    Args:
        patches: ``(B * N, C, P, Q)``, image-major, then row-major.
        grid: G.

    Returns:
        ``(B, C, G * P, G * Q)``.
    """
    bn, c, p, q = patches.shape
    if bn % (grid * grid):
        raise ValueError(f"{bn} patches do not fill grids of {grid} x {grid}")
    laid = patches.reshape(bn // (grid * grid), grid, grid, c, p, q)
    return laid.permute(0, 3, 1, 4, 2, 5).reshape(-1, c, grid * p, grid * q)


def cells_that_count(counts: Tensor, grid: int) -> Tensor:
    """Which cells of a grid hold a pixel that counts: ``(B, 1, H, W)`` bool to ``(B, 1, G, G)``."""
    return F.adaptive_max_pool2d(counts.float(), grid) > 0
