"""The loss on labelled images, which every method starts from."""

from torch import Tensor

from cclcc_cli.config.schema import SupervisedLoss
from cclcc_cli.losses.overlap import bce_dice_loss, boundary_weights


def supervised_loss(logits: Tensor, target: Tensor, config: SupervisedLoss) -> Tensor:
    """BCE + soft Dice as the recipe wants it, a scalar, for ``(L, 1, H, W)`` logits and target."""
    # Half precision is for the convolutions: sums over 10^5 pixels need all of float32.
    return bce_dice_loss(logits.float(), target, supervised_weights(target, config))


def supervised_weights(target: Tensor, config: SupervisedLoss) -> Tensor | None:
    """What each pixel's BCE weighs, like ``target``; None where all weigh alike."""
    if config.boundary is None:
        return None
    return boundary_weights(
        target,
        weight=config.boundary.weight,
        kernel=config.boundary.kernel,
        count_padding=config.boundary.padding == "zeros",
    )
