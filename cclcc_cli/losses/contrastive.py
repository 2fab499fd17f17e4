"""InfoNCE, and the cross-level contrast: a whole image's cells against patches of the image."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from cclcc_cli.losses.counting import mean_where

Normalization = Literal["l1", "l2"]
Negatives = Literal["patch", "image", "both"]
NegativesFrom = Literal["keys", "queries", "both"]

_NEGATIVES_FROM: dict[Negatives, NegativesFrom] = {
    "patch": "keys", "image": "queries", "both": "both"
}


def info_nce_loss(
    queries: Tensor,
    keys: Tensor,
    *,
    temperature: float = 0.07,
    normalization: Normalization = "l2",
    negatives: NegativesFrom = "keys",
    keys_learn: bool = False,
    counts: Tensor | None = None,
) -> Tensor:
    """Asks each query of a set to find the key in its own place among the set's others.

    Args:
        queries: ``(S, N, D)``, S sets of N embeddings of any length; receives gradient.
        keys: ``(S, N, D)``; receives gradient only if ``keys_learn``.
        temperature: divides the similarities, above 0.
        normalization: ``l1`` pins the loss close to log N; ``l2`` is the standard.
        negatives: ``keys`` takes the other keys, ``queries`` the other queries, ``both`` all of
            them. One set of images with ``both``, taken both ways, is SimCLR's NT-Xent.
        keys_learn: whether gradient flows through keys, and through queries as negatives.
        counts: ``(S, N)`` bool: places that are asked for and that others are told from; None
            for all.

    Returns:
        Mean cross-entropy over the S * N queries, or those that count, a scalar, at least 0. By
        hand: queries (1, 0), (0, 1), keys (1, 0), (1, 1) and temperature 1 give similarities
        [1, s] and [0, s] with s = 1 / sqrt 2, hence the mean of log(1 + e^(s - 1)) and
        log(1 + e^(-s)).
    """
    order = 1 if normalization == "l1" else 2
    queries = F.normalize(queries, p=order, dim=2)
    keys = F.normalize(keys if keys_learn else keys.detach(), p=order, dim=2)
    across = queries @ keys.transpose(1, 2) / temperature  # (S, N, N)
    n = across.shape[1]
    if negatives == "keys":
        similarities = across
    else:
        own = torch.eye(n, dtype=torch.bool, device=across.device)
        others = queries if keys_learn else queries.detach()
        within = (queries @ others.transpose(1, 2) / temperature).masked_fill(own, float("-inf"))
        if negatives == "queries":
            similarities = torch.where(own, across, within)
        else:
            similarities = torch.cat([across, within], dim=2)  # (S, N, 2N)
    positives = torch.arange(n, device=across.device).expand(across.shape[0], n)
    if counts is None:
        return F.cross_entropy(similarities.flatten(0, 1), positives.flatten())
    # A place that does not count is no negative; its own query, which keeps its key, counts not.
    others = ~counts[:, None, :] & ~torch.eye(n, dtype=torch.bool, device=across.device)
    if negatives == "both":
        others = torch.cat([others, others], dim=2)
    similarities = similarities.masked_fill(others, float("-inf"))
    losses = F.cross_entropy(similarities.flatten(0, 1), positives.flatten(), reduction="none")
    return mean_where(losses, counts.flatten())


def cross_level_contrastive_loss(
    whole: Tensor,
    patches: Tensor,
    *,
    temperature: float = 0.07,
    normalization: Normalization = "l2",
    negatives: Negatives = "patch",
    counts: Tensor | None = None,
) -> Tensor:
    """InfoNCE that asks each cell of the whole image's map to find its own patch.

    Args:
        whole: queries, ``(B, D, G, G)``, of any length; receives gradient.
        patches: keys, ``(B, D, G, G)``, patch embeddings laid on their grid; no gradient.
        temperature: divides the similarities, above 0.
        normalization: ``l1`` as published pins the loss close to log N; ``l2`` is the standard.
        negatives: ``patch`` takes the other patches (published), ``image`` the other cells of
            the whole image's own map (no gradient through them as keys), ``both`` all of them.
        counts: ``(B, 1, G, G)`` bool: the cells that count; None for all.

    Returns:
        Mean cross-entropy over the B * N cells, or those that count, a scalar, at least 0. By
        hand: with N = 4 equal keys every similarity is equal and the loss is log 4.
    """
    return info_nce_loss(
        cells_of(whole),
        cells_of(patches),
        temperature=temperature,
        normalization=normalization,
        negatives=_NEGATIVES_FROM[negatives],
        counts=None if counts is None else counts.flatten(1),
    )


def cells_of(maps: Tensor) -> Tensor:
    """A map's cells as a set: ``(B, D, G, G)`` to ``(B, N, D)``, row-major."""
    return maps.flatten(2).transpose(1, 2)
