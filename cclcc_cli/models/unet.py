"""The published U-Net: BatchNorm in the encoder, none in the decoder, one logit out."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def _encoder_stage(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=1),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
        nn.Conv2d(out_channels, out_channels, 3, padding=1),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )


class _DecoderStage(nn.Module):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.upsample = nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1)
        self.fuse = nn.Sequential(
            nn.Conv2d(2 * out_channels, out_channels, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(out_channels, out_channels, 3, padding=1),
            nn.ReLU(inplace=True),
        )

    def forward(self, deep: Tensor, skip: Tensor) -> Tensor:
        fused: Tensor = self.fuse(torch.cat([self.upsample(deep), skip], dim=1))
        return fused


class UNet(nn.Module):
    """Segments images of any side that is a multiple of ``2 ** (len(widths) - 1)``.

    Args:
        widths: channels from the first stage to the bottleneck; the published
            (16, 32, 64, 128, 256) has 2,465,329 parameters.
    """

    def __init__(self, widths: Sequence[int] = (16, 32, 64, 128, 256)) -> None:
        super().__init__()
        pairs = list(zip([3, *widths], widths, strict=False))
        self.encoder = nn.ModuleList(_encoder_stage(a, b) for a, b in pairs)
        self.pool = nn.MaxPool2d(2)
        upward = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.decoder = nn.ModuleList(_DecoderStage(a, b) for a, b in upward)
        self.head = nn.Conv2d(widths[0], 1, 1)
        initialize_kaiming(self.encoder)
        initialize_kaiming(self.decoder)

    def features(self, images: Tensor) -> Tensor:
        """The last decoder map, ``(B, widths[0], H, W)``, of images ``(B, 3, H, W)``."""
        skips: list[Tensor] = []
        x = images
        for stage in self.encoder:
            x = stage(self.pool(x) if skips else x)
            skips.append(x)
        for stage, skip in zip(self.decoder, skips[-2::-1], strict=True):
            x = stage(x, skip)
        return x

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``(B, 1, H, W)``."""
        logits: Tensor = self.head(self.features(images))
        return logits


def initialize_kaiming(module: nn.Module) -> None:
    """Draw convolution weights from Kaiming's normal distribution for ReLU; zero their biases."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
            if part.bias is not None:
                nn.init.zeros_(part.bias)
