"""From a recipe's ``model:`` block to a network with fresh weights."""

from typing import assert_never

from cclcc_cli.config.model import (
    AnyModel,
    MonaiModel,
    ResidualUNetModel,
    UNetModel,
    WideUNetModel,
)
from cclcc_cli.models.network import Network
from cclcc_cli.models.unet import UNet


def build_network(config: AnyModel) -> Network:
    """The network a recipe names, with weights from torch's current random state.

    Raises:
        RunError: it belongs to a package that is not installed.
    """
    match config:
        case UNetModel() | WideUNetModel():
            return UNet(config.widths, config.num_classes, dropout=config.dropout)
        case ResidualUNetModel():
            return UNet(
                config.widths, config.num_classes, stage="residual", dropout=config.dropout
            )
        case MonaiModel():
            from cclcc_cli.models.monai import MonaiNetwork

            return MonaiNetwork(config.network, config.width, config.num_classes)
        case never:
            assert_never(never)
