"""The network of a recipe: several kinds, distinguished by ``kind``."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from cclcc_cli.config.schema import Count, Positive, Section, default_tag

Dropout = Annotated[float, Field(ge=0, lt=1)]
Dropouts = Annotated[tuple[Dropout, Dropout, Dropout, Dropout, Dropout], Field(strict=False)]
Widths = Annotated[tuple[Count, Count, Count, Count, Count], Field(strict=False)]
NumClasses = Annotated[int, Field(ge=1)]
Freeze = Literal["none", "encoder", "batch_norm"]
WEIGHT_FILES = (".safetensors", ".pth", ".pt")


def _absolute(path: str) -> str:
    """The path seen from the current folder, as paths on the command line are."""
    return os.path.abspath(Path(path).expanduser())  # noqa: PTH100, links stay as written


def _weights(value: str) -> str:
    if value in ("imagenet", "none"):
        return value
    if not value.endswith(WEIGHT_FILES):
        raise ValueError(f"give imagenet, none or a file that ends in {', '.join(WEIGHT_FILES)}")
    return _absolute(value)


Weights = Annotated[str, AfterValidator(_weights)]
Init = Annotated[str, Field(min_length=1), AfterValidator(_absolute)] | None


class Normalization(Section):
    """What is taken from each colour, and what it is then divided by; colours run from 0 to 1."""

    mean: Annotated[tuple[float, float, float], Field(strict=False)] = (0.485, 0.456, 0.406)
    """ImageNet's unless given: red, green, blue."""
    std: Annotated[tuple[Positive, Positive, Positive], Field(strict=False)] = (
        0.229, 0.224, 0.225,
    )
    """The same."""


IMAGENET = Normalization()


class NetworkSection(Section):
    """A kind of network; each kind says ``kind``, and how many logits it gives per pixel."""

    has_inner_maps: ClassVar[bool] = True
    """Whether methods can reach its encoder and its decoder's stages."""
    reduction: ClassVar[int] = 0
    """By how much it divides an image's side before BatchNorm; 0 where there is none."""

    if TYPE_CHECKING:
        # Fields of each kind: declared here, they would come first in every file.
        kind: str
        num_classes: NumClasses
        init: Init


class UNetModel(NetworkSection):
    """The published U-Net: BatchNorm in the encoder only, transposed convolutions."""

    reduction: ClassVar[int] = 16

    kind: Literal["unet"] = "unet"
    """2.5 million parameters at the published widths."""
    widths: Widths = (16, 32, 64, 128, 256)
    """Channels from the first stage to the bottleneck."""
    dropout: Dropouts = (0.0, 0.0, 0.0, 0.0, 0.0)
    """Probabilities within the encoder's stages; SSL4MIS has 0.05, 0.1, 0.2, 0.3, 0.5."""
    num_classes: NumClasses = 1
    """Logits per pixel; 1 is foreground against background, all that masks can say today."""
    freeze: Freeze = "none"
    """Leave the encoder as it starts, or the statistics of its BatchNorm alone."""
    initialization: Literal["kaiming", "published"] = "kaiming"
    """Weights by Kaiming, and biases 0; published: biases as PyTorch draws them, and BatchNorm's
    factors from a normal distribution around 1 of spread 0.02.
    """
    init: Init = None
    """Start from the best weights of a finished run: its folder."""


class WideUNetModel(NetworkSection):
    """The same network, twice as wide."""

    reduction: ClassVar[int] = 16

    kind: Literal["wide_unet"]
    """9.9 million parameters."""
    widths: Widths = (32, 64, 128, 256, 512)
    """Channels from the first stage to the bottleneck."""
    dropout: Dropouts = (0.0, 0.0, 0.0, 0.0, 0.0)
    """Probabilities within the encoder's stages; SSL4MIS has 0.05, 0.1, 0.2, 0.3, 0.5."""
    num_classes: NumClasses = 1
    """Logits per pixel."""
    freeze: Freeze = "none"
    """Leave the encoder as it starts, or the statistics of its BatchNorm alone."""
    init: Init = None
    """Start from the best weights of a finished run: its folder."""


class ResidualUNetModel(NetworkSection):
    """The published decoder on an encoder of residual blocks (arXiv:1512.03385)."""

    reduction: ClassVar[int] = 16

    kind: Literal["residual_unet"]
    """2.5 million parameters."""
    widths: Widths = (16, 32, 64, 128, 256)
    """Channels from the first stage to the bottleneck."""
    dropout: Dropouts = (0.0, 0.0, 0.0, 0.0, 0.0)
    """Probabilities within the encoder's stages; SSL4MIS has 0.05, 0.1, 0.2, 0.3, 0.5."""
    num_classes: NumClasses = 1
    """Logits per pixel."""
    freeze: Freeze = "none"
    """Leave the encoder as it starts, or the statistics of its BatchNorm alone."""
    init: Init = None
    """Start from the best weights of a finished run: its folder."""


class MonaiModel(NetworkSection):
    """A network of MONAI, where ``pip install 'cclcc[monai]'`` has been run."""

    has_inner_maps: ClassVar[bool] = False

    kind: Literal["monai"]
    """Gives logits and a last decoder map; its inner maps are not known here."""
    network: Literal["basic_unet", "segresnet"] = "basic_unet"
    """Which of MONAI's classes: BasicUNet or SegResNet."""
    width: Annotated[int, Field(ge=8, multiple_of=8)] = 32
    """Channels of the first stage, a multiple of 8."""
    num_classes: NumClasses = 1
    """Logits per pixel."""
    init: Init = None
    """Start from the best weights of a finished run: its folder."""


class TimmModel(NetworkSection):
    """A U-Net decoder on an encoder of timm, where ``pip install 'cclcc[timm]'`` has been run."""

    reduction: ClassVar[int] = 32

    kind: Literal["timm"]
    """Pretrained encoders: EfficientNet, ResNet, ConvNeXt and hundreds more."""
    encoder: Annotated[str, Field(min_length=1)] = "tf_efficientnet_lite0"
    """timm's name of it, perhaps with the tag of its weights: resnet50.a1_in1k."""
    weights: Weights = "imagenet"
    """imagenet (timm's own, downloaded once), none, or a .safetensors, .pth or .pt file."""
    normalization: Normalization | None = None
    """Of the images; null: as the encoder's weights were trained, which timm knows."""
    decoder_widths: Annotated[tuple[Count, ...], Field(strict=False, min_length=1)] = (
        256, 128, 64, 32, 16,
    )
    """Channels from coarse to fine; the last ones, where an encoder halves fewer than 5 times."""
    upsampling: Literal["bilinear", "nearest"] = "bilinear"
    """Between the decoder's stages."""
    freeze: Freeze = "none"
    """Leave the encoder as it starts, or the statistics of its BatchNorm alone."""
    num_classes: NumClasses = 1
    """Logits per pixel."""
    init: Init = None
    """Start from the best weights of a finished run: its folder."""


AnyModel = UNetModel | WideUNetModel | ResidualUNetModel | MonaiModel | TimmModel
Model = Annotated[AnyModel, Field(discriminator="kind"), default_tag("kind", "unet")]
