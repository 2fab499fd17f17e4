"""The published U-Net: BatchNorm in the encoder, none in the decoder; and a residual encoder."""

from collections.abc import Sequence
from typing import Literal, final

import torch
from torch import Tensor, nn

from cclcc_cli.models.network import EncoderDecoder, initialize_as_published, initialize_kaiming


def _encoder_stage(in_channels: int, out_channels: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=1),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
        *([nn.Dropout(dropout)] if dropout else []),
        nn.Conv2d(out_channels, out_channels, 3, padding=1),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )


class _ResidualStage(nn.Module):
    """Two convolutions beside a 1x1 shortcut, which makes the channels fit."""

    def __init__(self, in_channels: int, out_channels: int, dropout: float) -> None:
        super().__init__()
        self.convolutions = _encoder_stage(in_channels, out_channels, dropout)[:-1]
        self.shortcut = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 1), nn.BatchNorm2d(out_channels)
        )
        self.activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.activation(self.convolutions(x) + self.shortcut(x))
        return out


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


@final
class UNet(EncoderDecoder):
    """Segments images of any side that is a multiple of ``2 ** (len(widths) - 1)``.

    Args:
        widths: channels from the first stage to the bottleneck; the published
            (16, 32, 64, 128, 256) has 2,465,329 parameters.
        num_classes: K, logits per pixel.
        dropout: probability within each encoder stage; published has none.
        stage: ``plain`` as published, or ``residual`` blocks in the encoder.
        initialization: of all but the head, which keeps PyTorch's.
    """

    encoder: nn.ModuleList

    def __init__(
        self,
        widths: Sequence[int] = (16, 32, 64, 128, 256),
        num_classes: int = 1,
        *,
        stage: Literal["plain", "residual"] = "plain",
        dropout: Sequence[float] = (0.0,) * 5,
        initialization: Literal["kaiming", "published"] = "kaiming",
    ) -> None:
        super().__init__()
        pairs = list(zip([3, *widths], widths, strict=False))
        build_stage = _encoder_stage if stage == "plain" else _ResidualStage
        self.encoder = nn.ModuleList(
            build_stage(a, b, p) for (a, b), p in zip(pairs, dropout, strict=True)
        )
        self.pool = nn.MaxPool2d(2)
        upward = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.decoder = nn.ModuleList(_DecoderStage(a, b) for a, b in upward)
        self.head = nn.Conv2d(widths[0], num_classes, 1)
        self.feature_channels = widths[0]
        self.encoder_channels = widths[-1]
        self.decoder_channels = [b for _, b in upward]
        initialize = initialize_kaiming if initialization == "kaiming" else initialize_as_published
        initialize(self.encoder)
        initialize(self.decoder)

    def encode(self, images: Tensor) -> list[Tensor]:
        maps: list[Tensor] = []
        x = images
        for stage in self.encoder:
            x = stage(self.pool(x) if maps else x)
            maps.append(x)
        return maps

    def decode(self, encoded: Sequence[Tensor]) -> list[Tensor]:
        maps: list[Tensor] = []
        x = encoded[-1]
        for stage, skip in zip(self.decoder, encoded[-2::-1], strict=True):
            x = stage(x, skip)
            maps.append(x)
        return maps
