"""From a recipe's ``model:`` block to a network with fresh weights."""

from typing import assert_never

from cclcc_cli.config.model import (
    AnyModel,
    MonaiModel,
    ResidualUNetModel,
    TimmModel,
    UNetModel,
    WideUNetModel,
)
from cclcc_cli.config.plugins import build_from_plugin
from cclcc_cli.models.network import EncoderDecoder, Network
from cclcc_cli.models.unet import UNet


def build_network(config: AnyModel) -> Network:
    """The network a recipe names, with weights from torch's current random state.

    An encoder's pretrained weights are in place; those of another run are not (``model.init``).

    Raises:
        RunError: it belongs to a package that is not installed, or its weights cannot be had.
    """
    network = build_from_plugin(config, Network) or _build(config)  # type: ignore[type-abstract]
    if isinstance(network, EncoderDecoder):
        network.freeze(getattr(config, "freeze", "none"))
    return network


def _build(config: AnyModel) -> Network:
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
        case TimmModel():
            from cclcc_cli.models.timm import TimmNetwork

            return TimmNetwork(config)
        case never:
            assert_never(never)
