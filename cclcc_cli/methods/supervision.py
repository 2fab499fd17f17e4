"""The loss on labelled images, which every method starts from."""

from torch import Tensor

from cclcc_cli.config.schema import SupervisedLoss
from cclcc_cli.losses.overlap import bce_dice_loss, boundary_weights


def supervised_loss(logits: Tensor, target: Tensor, config: SupervisedLoss) -> Tensor:
    """BCE + soft Dice as the recipe wants it, a scalar, for ``(L, 1, H, W)`` logits and target."""
    weights = None
    if config.boundary is not None:
        weights = boundary_weights(
            target,
            weight=config.boundary.weight,
            kernel=config.boundary.kernel,
            count_padding=config.boundary.padding == "zeros",
        )
    # Half precision is for the convolutions: sums over 10^5 pixels need all of float32.
    return bce_dice_loss(logits.float(), target, weights)
