"""What every method may expect of a network."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Self

from torch import Tensor, nn

from cclcc_cli.config.model import IMAGENET, Freeze, Normalization


class Network(nn.Module, ABC):
    """Gives a last decoder map, and logits from it by a 1x1 head.

    Attributes:
        head: from the last decoder map to logits, ``(B, K, H, W)``.
        feature_channels: C of the last decoder map.
        entrances: the functions, beside the head, that a method may call: each takes and gives
            maps with images as rows, and several processes can share what passes through it.
        normalization: of the images that it is given.
    """

    entrances: ClassVar[tuple[str, ...]] = ("forward", "features")
    head: nn.Module
    feature_channels: int
    normalization: Normalization = IMAGENET

    @abstractmethod
    def features(self, images: Tensor) -> Tensor:
        """The last decoder map, ``(B, C, H, W)``, of images ``(B, 3, H, W)``."""

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``(B, K, H, W)``."""
        logits: Tensor = self.head(self.features(images))
        return logits


class EncoderDecoder(Network, ABC):
    """A network whose inner maps are known: for methods that reach inside.

    Attributes:
        encoder: what ``encode`` passes images through.
        encoder_channels: C of the encoder's last map.
        decoder_channels: C of the decoder's maps, coarsest first; the last is
            ``feature_channels``.
    """

    entrances = (*Network.entrances, "encode", "decode")
    encoder: nn.Module
    encoder_channels: int
    decoder_channels: Sequence[int]
    _frozen: Freeze = "none"

    @abstractmethod
    def encode(self, images: Tensor) -> list[Tensor]:
        """The encoder's maps, finest first, the bottleneck last."""

    @abstractmethod
    def decode(self, encoded: Sequence[Tensor]) -> list[Tensor]:
        """The decoder's maps, coarsest first; the last is what the head reads."""

    def features(self, images: Tensor) -> Tensor:
        return self.decode(self.encode(images))[-1]

    def freeze(self, part: Freeze) -> None:
        """Keep a part of the encoder as it is from now on, in training mode too.

        ``encoder``: its weights get no gradient, and it stays in evaluation mode.
        ``batch_norm``: its BatchNorm normalises by the running statistics, which stay as they
        are; the weights learn, BatchNorm's own included.
        """
        self._frozen = part
        if part == "encoder":
            self.encoder.requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        if self._frozen == "encoder":
            self.encoder.eval()
        elif self._frozen == "batch_norm":
            for module in self.encoder.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        return self


def initialize_kaiming(module: nn.Module) -> None:
    """Draw convolution weights from Kaiming's normal distribution for ReLU; zero their biases."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
            if part.bias is not None:
                nn.init.zeros_(part.bias)


def initialize_as_published(module: nn.Module) -> None:
    """The same weights; biases stay PyTorch's, BatchNorm's factors come from N(1, 0.02)."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
        elif isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.weight, 1.0, 0.02)
