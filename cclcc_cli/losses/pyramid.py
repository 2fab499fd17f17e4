"""Uncertainty-rectified pyramid consistency: scales pulled to their mean."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from cclcc_cli.losses.counting import mean_where

_LEAST = 1e-6


def pyramid_consistency_loss(scales: Sequence[Tensor], counts: Tensor | None = None) -> Tensor:
    """How far predictions at several scales stray from their mean, less where they disagree.

    Per scale s: with v = KL(mean || p_s) per pixel, the mean of exp(-v) (mean - p_s)^2 divided
    by the mean of exp(-v), plus the mean of v. URPC, arXiv:2012.07042.

    Args:
        scales: logits of each scale at full size, each ``(U, K, H, W)``; all receive gradient,
            through the mean and the weights too, as published.
        counts: like each of them, bool: the pixels averaged over; None averages over all.

    Returns:
        Mean over scales, at least 0; 0 where all agree. By hand: probabilities 1/2 and 1/4 of
        one pixel have the mean m = 3/8; exp(-v) cancels, both squares are 1/64, and
        v = m ln(m / p) + (1 - m) ln((1 - m) / (1 - p)) is 0.0315839 and 0.0380984; so
        1/64 + 0.0348412 = 0.0504662.
    """
    probs = [torch.sigmoid(logits) for logits in scales]
    # At exactly 0 or 1 the entropy's slope would be infinite.
    mean = torch.stack(probs).mean(dim=0).clamp(_LEAST, 1 - _LEAST)
    entropy = -mean * mean.log() - (1 - mean) * (1 - mean).log()
    losses = []
    for logits, p in zip(scales, probs, strict=True):
        # KL(mean || p) = cross-entropy - entropy, from logits so that nothing is log 0.
        cross = F.binary_cross_entropy_with_logits(logits, mean, reduction="none")
        divergence = cross - entropy
        weight = torch.exp(-divergence)
        squares = mean_where(weight * (mean - p).square(), counts)
        rectified = squares / mean_where(weight, counts).clamp(min=_LEAST)
        losses.append(rectified + mean_where(divergence, counts))
    return torch.stack(losses).mean()
