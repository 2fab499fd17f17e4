"""Scores from counts of pixels, per image, with every empty case decided here and nowhere else."""

from typing import Literal

import torch
from torch import Tensor

from cclcc_cli.metrics.surface import NSD_RULE

TotalMiss = Literal["zero", "one_pixel", "published"]
MaeOn = Literal["probs", "mask"]


def overlap_scores(
    probs: Tensor,
    mask: Tensor,
    target: Tensor,
    counts: Tensor | None = None,
    *,
    total_miss: TotalMiss = "zero",
    mae_on: MaeOn = "probs",
) -> dict[str, Tensor]:
    """How well predicted masks cover the truth, image by image.

    Args:
        probs: predicted probabilities in [0, 1], ``(B, 1, H, W)``.
        mask: the prediction after the threshold, bool, like ``probs``.
        target: the truth, bool or 0 and 1, like ``probs``.
        counts: bool, like ``probs``: the pixels that count; None for all.
        total_miss: ``zero`` scores a prediction without a single true pixel 0; ``one_pixel``
            counts one in Dice, IoU, precision and recall, as the published code does (Dice
            about 0.0003, and precision 1 where nothing was predicted); ``published`` counts it in
            accuracy as well.
        mae_on: mean absolute error of the probabilities, or of the mask (= 1 - accuracy).

    Returns:
        Each of ``scores.OVERLAP_SCORES`` as float64 ``(B,)`` in [0, 1]; ``rules`` puts the empty
        cases in words.
    """
    truth, background = target.bool(), ~mask & ~target.bool()
    if counts is not None:
        truth, mask, background = truth & counts, mask & counts, background & counts
    tp, tn = _count(mask & truth), _count(background)
    fp, fn = _count(mask & ~truth), _count(~mask & truth)
    # Before a miss is mended.
    accuracy = _ratio(tp + tn, tp + tn + fp + fn, empty=1.0)
    if total_miss != "zero":
        missed = (tp == 0) & (fp + fn > 0)
        tp = torch.where(missed, torch.ones_like(tp), tp)
    if total_miss == "published":
        accuracy = _ratio(tp + tn, tp + tn + fp + fn, empty=1.0)
    if mae_on == "probs":
        errors = (probs.double() - truth.double()).abs()
        mae = errors.mean(dim=(1, 2, 3)) if counts is None else _ratio(
            (errors * counts).sum(dim=(1, 2, 3)), _count(counts), empty=0.0)
    else:
        mae = 1 - accuracy
    return {
        "dice": _ratio(2 * tp, 2 * tp + fp + fn, empty=1.0),
        "iou": _ratio(tp, tp + fp + fn, empty=1.0),
        # Nothing predicted: right if there was nothing to find, else no pixel was right.
        "precision": torch.where(tp + fp > 0, _ratio(tp, tp + fp, 0.0), (fn == 0).double()),
        # Nothing to find: right if nothing was predicted, else wrong.
        "recall": torch.where(tp + fn > 0, _ratio(tp, tp + fn, 0.0), (fp == 0).double()),
        "specificity": _ratio(tn, tn + fp, empty=1.0),
        "accuracy": accuracy,
        "mae": mae,
    }


def rules(total_miss: TotalMiss, mae_on: MaeOn) -> dict[str, str]:
    """The conventions behind ``overlap_scores``, in words that are stamped into results."""
    missed = {
        "zero": "Dice, IoU, precision and recall are 0",
        "one_pixel": "one true pixel is counted in Dice, IoU, precision and recall "
        "(published behaviour)",
        "published": "one true pixel is counted in Dice, IoU, precision, recall and accuracy, on "
        "the test split alone (published behaviour)",
    }
    error = {"probs": "of probabilities", "mask": "of the thresholded mask"}
    return {
        "both_empty": "Dice, IoU, precision and recall are 1; surface distances are 0",
        "total_miss": missed[total_miss],
        "one_empty": "surface distances are the image's diagonal",
        "no_background": "specificity is 1",
        "mae": f"mean absolute error {error[mae_on]}",
        "hd95": "larger of the two directed 95th percentiles, pixels",
        "assd": "mean over both surfaces together, pixels",
        "nsd": NSD_RULE,
    }


IGNORED_RULE = (
    "pixels that the truth ignores count nowhere; surface distances see background there, in mask "
    "and truth alike, and so do scores of plug-ins; an image without any other pixel scores as "
    "one whose mask and truth are empty"
)


def _count(pixels: Tensor) -> Tensor:
    return pixels.sum(dim=(1, 2, 3)).double()


def _ratio(part: Tensor, whole: Tensor, empty: float) -> Tensor:
    return torch.where(whole > 0, part / whole.clamp(min=1), torch.full_like(whole, empty))
