"""Cross-level consistency: patches must predict what the whole image predicts there."""

import torch
import torch.nn.functional as F
from torch import Tensor


def patch_consistency_loss(patch_logits: Tensor, whole_logits: Tensor) -> Tensor:
    """How far predictions on patches stray from the whole image's, which is the target.

    The published code sums over the N patches of the grid: N times this.

    Args:
        patch_logits: predictions for the patches, laid back on their grid, ``(B, 1, H, W)``.
        whole_logits: predictions for the whole images, ``(B, 1, H, W)``; receives no gradient.

    Returns:
        Mean squared difference of probabilities, a scalar in [0, 1]. By hand: logit 0 against
        a logit of ln 3 gives (1/2 - 3/4)^2 = 1/16.
    """
    return F.mse_loss(torch.sigmoid(patch_logits), torch.sigmoid(whole_logits).detach())
