"""How unsure a prediction is."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from cclcc_cli.losses.counting import mean_where


def binary_entropy(probs: Tensor) -> Tensor:
    """Entropy of each probability in nats, like ``probs``, in [0, ln 2]; 0 at 0 and at 1.

    Args:
        probs: in [0, 1].
    """
    entropy: Tensor = -torch.special.xlogy(probs, probs) - torch.special.xlogy(1 - probs, 1 - probs)
    return entropy


def entropy_loss(logits: Tensor, counts: Tensor | None = None) -> Tensor:
    """Mean entropy of predictions as a share of the highest.

    Args:
        logits: ``(U, K, H, W)``; receives gradient. Computed from logits, so that sure
            predictions give no infinite slope.
        counts: like ``logits``, bool: the pixels averaged over; None averages over all.

    Returns:
        A scalar in [0, 1]: 1 at logit 0. By hand: at a logit of ln 3, p = 3/4 and the entropy
        ln 4 - (3/4) ln 3 is 0.8112781 of ln 2.
    """
    # -p log p - (1 - p) log(1 - p), with log(1 - p) = log p - x.
    entropy = torch.sigmoid(-logits) * logits - F.logsigmoid(logits)
    return mean_where(entropy, counts) / math.log(2)
