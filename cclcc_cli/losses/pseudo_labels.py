"""Cross-entropy to hard labels that a network made."""

import torch
import torch.nn.functional as F
from torch import Tensor


def pseudo_label_loss(logits: Tensor, label_probs: Tensor, threshold: float = 0.0) -> Tensor:
    """Cross-entropy to another prediction's hard labels, where that one is sure.

    Args:
        logits: what learns, ``(U, K, H, W)``; receives gradient.
        label_probs: the other prediction like ``logits``, in [0, 1]; no gradient. Above 1/2 is
            foreground.
        threshold: a pixel counts if its confidence max(p, 1 - p) lies above; at 1 none does,
            at 0 all do.

    Returns:
        Sum over pixels that count, divided by all pixels (as FixMatch and UniMatch do), at
        least 0. By hand: logits (ln 3, ln 3) against probabilities (0.99, 0.1) and threshold
        0.95: the first alone counts, -ln(3/4), hence ln(4/3) / 2; at threshold 0 the second adds
        -ln(1/4): (ln(4/3) + ln 4) / 2.
    """
    probs = label_probs.detach()
    confidence = torch.maximum(probs, 1 - probs)
    labels = (probs > 0.5).to(logits.dtype)
    cross_entropy = F.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    return (cross_entropy * (confidence > threshold)).mean()
