"""The loss on labelled images, which every method starts from."""

from torch import Tensor

from cclcc_cli.config.plugins import build_from_plugin
from cclcc_cli.config.schema import LossSection, SupervisedLoss
from cclcc_cli.losses.overlap import bce_dice_loss, boundary_weights, region_bce_dice_loss


def supervised_loss(
    logits: Tensor, target: Tensor, config: LossSection, counts: Tensor | None = None
) -> Tensor:
    """The loss that the recipe names, a scalar, for ``(L, 1, H, W)`` logits and target.

    Args:
        logits, target, config: of that loss.
        counts: like the target, bool: the pixels that count; None for all.
    """
    if not isinstance(config, SupervisedLoss):
        extra = {} if counts is None else {"counts": counts}
        loss = build_from_plugin(config, Tensor, logits.float(), target, **extra)
        assert loss is not None
        return loss
    # Half precision is for the convolutions: sums over 10^5 pixels need all of float32.
    weights = supervised_weights(target, config, counts)
    if counts is None:
        return bce_dice_loss(logits.float(), target, weights)
    return region_bce_dice_loss(logits.float(), target, counts.float(), weights)


def supervised_weights(
    target: Tensor, config: LossSection, counts: Tensor | None = None
) -> Tensor | None:
    """What each pixel's BCE weighs, like ``target``; None where all weigh alike."""
    assert isinstance(config, SupervisedLoss)
    if config.boundary is None:
        return None
    return boundary_weights(
        target,
        weight=config.boundary.weight,
        kernel=config.boundary.kernel,
        count_padding=config.boundary.padding == "zeros",
        counts=counts,
    )
