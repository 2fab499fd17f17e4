"""Losses on labelled images."""

import torch
import torch.nn.functional as F
from torch import Tensor


def bce_dice_loss(
    logits: Tensor, target: Tensor, weights: Tensor | None = None, smooth: float = 1.0
) -> Tensor:
    """How badly logits fit the truth: mean BCE plus soft Dice loss, per image, then averaged.

    Args:
        logits: ``(L, 1, H, W)``, unbounded; receives gradient.
        target: ``(L, 1, H, W)``, 0 or 1.
        weights: positive weight of each pixel's BCE, like ``target``; None weighs all alike,
            which is also what the published boundary weighting comes to.
        smooth: added to numerator and denominator of Dice.

    Returns:
        A scalar, at least 0. By hand: logit 0 against one pixel of truth 1 gives
        ln 2 + 1 - (2 * 0.5 + 1) / (0.5 + 1 + 1) = ln 2 + 0.2.
    """
    bce = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    if weights is None:
        bce_per_image = bce.mean(dim=(1, 2, 3))
    else:
        bce_per_image = (weights * bce).sum(dim=(1, 2, 3)) / weights.sum(dim=(1, 2, 3))
    return (bce_per_image + soft_dice_loss(logits, target, smooth)).mean()


def soft_dice_loss(logits: Tensor, target: Tensor, smooth: float = 1.0) -> Tensor:
    """One minus the Dice of probabilities, per image ``(L,)``, each in [0, 1].

    Args:
        logits: ``(L, 1, H, W)``; receives gradient.
        target: ``(L, 1, H, W)``, 0 or 1.
        smooth: keeps empty images defined.
    """
    probs = torch.sigmoid(logits)
    intersection = (probs * target).sum(dim=(1, 2, 3))
    total = probs.sum(dim=(1, 2, 3)) + target.sum(dim=(1, 2, 3))
    return 1 - (2 * intersection + smooth) / (total + smooth)


def region_bce_dice_loss(
    logits: Tensor,
    target: Tensor,
    region: Tensor,
    weights: Tensor | None = None,
    smooth: float = 1.0,
) -> Tensor:
    """The same as ``bce_dice_loss`` over a part of each image; over all of it they are equal.

    Args:
        logits: ``(L, 1, H, W)``; receives gradient inside the region only.
        target: ``(L, 1, H, W)``, 0 or 1.
        region: ``(L, 1, H, W)``, 1 inside and 0 outside; an image without any adds 0.
        weights: positive weight of each pixel's BCE, like ``target``.
        smooth: added to numerator and denominator of Dice.

    Returns:
        A scalar, at least 0. By hand: logits (0, 5) against truth (1, 1) and region (1, 0)
        give ln 2 + 0.2, as the first pixel alone does.
    """
    counted = region if weights is None else region * weights
    bce = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    bce_per_image = (counted * bce).sum(dim=(1, 2, 3)) / counted.sum(dim=(1, 2, 3)).clamp(min=1)
    probs, truth = torch.sigmoid(logits) * region, target * region
    intersection = (probs * truth).sum(dim=(1, 2, 3))
    total = probs.sum(dim=(1, 2, 3)) + truth.sum(dim=(1, 2, 3))
    return (bce_per_image + 1 - (2 * intersection + smooth) / (total + smooth)).mean()


def boundary_weights(
    target: Tensor, weight: float = 5.0, kernel: int = 31, count_padding: bool = False,
    counts: Tensor | None = None,
) -> Tensor:
    """Pixels near a border of the mask weigh more: ``1 + weight * |local mean - mask|``.

    Args:
        target: ``(L, 1, H, W)``, 0 or 1.
        weight: the most a pixel can gain.
        kernel: side of the square the local mean is taken over, odd, in pixels.
        count_padding: whether zeros beyond the image count in the mean. They do in the
            published code, so foreground at the image's edge gains weight without a border.
        counts: like ``target``, bool: the pixels averaged over; None averages over all. The
            target is 0 where none counts.

    Returns:
        Weights like ``target``, in [1, 1 + weight].
    """
    def local_mean(maps: Tensor) -> Tensor:
        return F.avg_pool2d(
            maps, kernel, stride=1, padding=kernel // 2, count_include_pad=count_padding
        )

    mean = local_mean(target)
    if counts is not None:
        mean = mean / (1 - local_mean((~counts).float())).clamp(min=1 / kernel**2)
    return 1 + weight * (mean - target).abs()
