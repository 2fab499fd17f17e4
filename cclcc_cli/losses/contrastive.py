"""Cross-level contrast: a cell of the whole image's map against patches of the same image."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Normalization = Literal["l1", "l2"]
Negatives = Literal["patch", "image", "both"]


def cross_level_contrastive_loss(
    whole: Tensor,
    patches: Tensor,
    *,
    temperature: float = 0.07,
    normalization: Normalization = "l2",
    negatives: Negatives = "patch",
) -> Tensor:
    """InfoNCE that asks each cell of the whole image's map to find its own patch.

    Args:
        whole: queries, ``(B, D, G, G)``, of any length; receives gradient.
        patches: keys, ``(B, D, G, G)``, patch embeddings laid on their grid; no gradient.
        temperature: divides the similarities, above 0.
        normalization: ``l1`` as published pins the loss close to log N; ``l2`` is the standard.
        negatives: ``patch`` takes the other patches (published), ``image`` the other cells of
            the whole image's own map (no gradient through them as keys), ``both`` all of them.

    Returns:
        Mean cross-entropy over B * N cells, a scalar, at least 0. By hand: with N = 4 equal
        keys every similarity is equal and the loss is log 4.
    """
    order = 1 if normalization == "l1" else 2
    queries = F.normalize(whole.flatten(2).transpose(1, 2), p=order, dim=2)  # (B, N, D)
    keys = F.normalize(patches.detach().flatten(2).transpose(1, 2), p=order, dim=2)
    across = queries @ keys.transpose(1, 2) / temperature  # (B, N, N)
    n = across.shape[1]
    own = torch.eye(n, dtype=torch.bool, device=across.device)
    if negatives == "patch":
        similarities = across
    else:
        within = queries @ queries.detach().transpose(1, 2) / temperature
        within = within.masked_fill(own, float("-inf"))
        if negatives == "image":
            within = torch.where(own, across, within)
            similarities = within
        else:
            similarities = torch.cat([across, within], dim=2)  # (B, N, 2N)
    positives = torch.arange(n, device=across.device).expand(across.shape[0], n)
    return F.cross_entropy(similarities.flatten(0, 1), positives.flatten())
