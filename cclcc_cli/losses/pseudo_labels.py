"""Cross-entropy to hard labels that a network made."""

import torch
import torch.nn.functional as F
from torch import Tensor

from cclcc_cli.losses.counting import mean_where


def pseudo_label_loss(
    logits: Tensor, label_probs: Tensor, threshold: float = 0.0, counts: Tensor | None = None
) -> Tensor:
    """Cross-entropy to another prediction's hard labels, where that one is sure.

    Args:
        logits: what learns, ``(U, K, H, W)``; receives gradient.
        label_probs: the other prediction like ``logits``, in [0, 1]; no gradient. Above 1/2 is
            foreground.
        threshold: a pixel is sure if its confidence max(p, 1 - p) lies above; at 1 none is,
            at 0 all are.
        counts: like ``logits``, bool: the pixels that there are; None for all.

    Returns:
        Sum over sure pixels, divided by all that there are (as FixMatch and UniMatch do), at
        least 0. By hand: logits (ln 3, ln 3) against probabilities (0.99, 0.1) and threshold
        0.95: the first alone is sure, -ln(3/4), hence ln(4/3) / 2; at threshold 0 the second adds
        -ln(1/4): (ln(4/3) + ln 4) / 2.
    """
    probs = label_probs.detach()
    confidence = torch.maximum(probs, 1 - probs)
    labels = (probs > 0.5).to(logits.dtype)
    cross_entropy = F.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    return mean_where(cross_entropy * (confidence > threshold), counts)
