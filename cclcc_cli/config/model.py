"""The network of a recipe: several kinds, told apart by ``kind``."""

from typing import Annotated, Literal

from pydantic import Field

from cclcc_cli.config.schema import Count, Section, default_tag

Dropout = Annotated[float, Field(ge=0, lt=1)]
Dropouts = Annotated[tuple[Dropout, Dropout, Dropout, Dropout, Dropout], Field(strict=False)]
Widths = Annotated[tuple[Count, Count, Count, Count, Count], Field(strict=False)]
NumClasses = Annotated[int, Field(ge=1)]


class UNetModel(Section):
    """The published U-Net: BatchNorm in the encoder only, transposed convolutions."""

    kind: Literal["unet"] = "unet"
    """2.5 million parameters at the published widths."""
    widths: Widths = (16, 32, 64, 128, 256)
    """Channels from the first stage to the bottleneck."""
    dropout: Dropouts = (0.0, 0.0, 0.0, 0.0, 0.0)
    """Probabilities within the encoder's stages; SSL4MIS has 0.05, 0.1, 0.2, 0.3, 0.5."""
    num_classes: NumClasses = 1
    """Logits per pixel; 1 is foreground against background, all that masks can say today."""


class WideUNetModel(Section):
    """The same network, twice as wide."""

    kind: Literal["wide_unet"]
    """9.9 million parameters."""
    widths: Widths = (32, 64, 128, 256, 512)
    """Channels from the first stage to the bottleneck."""
    dropout: Dropouts = (0.0, 0.0, 0.0, 0.0, 0.0)
    """Probabilities within the encoder's stages; SSL4MIS has 0.05, 0.1, 0.2, 0.3, 0.5."""
    num_classes: NumClasses = 1
    """Logits per pixel."""


class ResidualUNetModel(Section):
    """The published decoder on an encoder of residual blocks (arXiv:1512.03385)."""

    kind: Literal["residual_unet"]
    """2.5 million parameters."""
    widths: Widths = (16, 32, 64, 128, 256)
    """Channels from the first stage to the bottleneck."""
    dropout: Dropouts = (0.0, 0.0, 0.0, 0.0, 0.0)
    """Probabilities within the encoder's stages; SSL4MIS has 0.05, 0.1, 0.2, 0.3, 0.5."""
    num_classes: NumClasses = 1
    """Logits per pixel."""


class MonaiModel(Section):
    """A network of MONAI, where ``pip install 'cclcc[monai]'`` has been run."""

    kind: Literal["monai"]
    """Gives logits and a last decoder map; its inner maps are not known here."""
    network: Literal["basic_unet", "segresnet"] = "basic_unet"
    """Which of MONAI's classes: BasicUNet or SegResNet."""
    width: Annotated[int, Field(ge=8, multiple_of=8)] = 32
    """Channels of the first stage, a multiple of 8."""
    num_classes: NumClasses = 1
    """Logits per pixel."""


AnyModel = UNetModel | WideUNetModel | ResidualUNetModel | MonaiModel
Model = Annotated[AnyModel, Field(discriminator="kind"), default_tag("kind", "unet")]
