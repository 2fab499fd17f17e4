"""Consistency: a prediction must agree with another one, which is the target."""

import torch
import torch.nn.functional as F
from torch import Tensor

from cclcc_cli.losses.counting import mean_where


def patch_consistency_loss(
    patch_logits: Tensor, whole_logits: Tensor, counts: Tensor | None = None
) -> Tensor:
    """How far predictions on patches stray from the whole image's, which is the target.

    The published code sums over the N patches of the grid: N times this.

    Args:
        patch_logits: predictions for the patches, laid back on their grid, ``(B, 1, H, W)``.
        whole_logits: predictions for the whole images, ``(B, 1, H, W)``; receives no gradient.
        counts: like the logits, bool: the pixels averaged over; None averages over all.

    Returns:
        Mean squared difference of probabilities, a scalar in [0, 1]. By hand: logit 0 against
        a logit of ln 3 gives (1/2 - 3/4)^2 = 1/16.
    """
    return consistency_loss(patch_logits, torch.sigmoid(whole_logits), counts)


def consistency_loss(logits: Tensor, target_probs: Tensor, counts: Tensor | None = None) -> Tensor:
    """How far predictions stray from a teacher's probabilities, where that counts.

    Args:
        logits: the student's, ``(U, K, H, W)``; receives gradient.
        target_probs: like ``logits``, in [0, 1]; receives no gradient.
        counts: like ``logits``, bool: the pixels averaged over; None averages over all.

    Returns:
        Mean squared difference of probabilities, a scalar in [0, 1]; 0 where no pixel counts.
        By hand: logits (0, 0) against (3/4, 1) give (1/16 + 1/4) / 2 = 5/32, and 1/16 if only
        the first counts.
    """
    if counts is None:
        return F.mse_loss(torch.sigmoid(logits), target_probs.detach())
    return mean_where((torch.sigmoid(logits) - target_probs.detach()).square(), counts)
