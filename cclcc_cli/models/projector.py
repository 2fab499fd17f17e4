"""From the last decoder map to one embedding per patch."""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from cclcc_cli.models.network import initialize_kaiming


def choose_strides(patch_side: int) -> tuple[int, int, int]:
    """Three strides that multiply to the patch side, as equal as its factors allow.

    The largest comes last, where the map is smallest: 64 = 4*4*4, 80 = 4*4*5, 160 = 4*5*8.
    The sides 16 and 32 begin with the published 4*4 as well, so that only the last differs.

    Raises:
        ValueError: the side is below 8 or not a multiple of 8.
    """
    if patch_side < 8 or patch_side % 8:
        raise ValueError(f"patch side {patch_side} must be a positive multiple of 8")
    if patch_side in (16, 32):
        return (4, 4, patch_side // 16)
    factors = [
        (a, b, patch_side // (a * b))
        for a in range(2, patch_side)
        if patch_side % a == 0 and a * a * a <= patch_side
        for b in range(a, patch_side // a + 1)
        if patch_side % (a * b) == 0 and b * b <= patch_side // a
    ]
    return min(factors, key=lambda strides: (sum(strides), strides))


class Projector(nn.Module):
    """Strided convolutions (kernel = stride) with BatchNorm and ReLU.

    Maps ``(B, C, H, W)`` to ``(B, D, H / P, W / P)`` where P is the product of the strides:
    a whole image gives its G x G grid, one patch a single cell.

    Args:
        in_channels: C of the map that comes in.
        widths: channels after each convolution; the last is D.
        strides: one per convolution.
    """

    def __init__(
        self, in_channels: int, widths: Sequence[int], strides: Sequence[int]
    ) -> None:
        layers: list[nn.Module] = []
        for (before, after), stride in zip(pairwise([in_channels, *widths]), strides, strict=True):
            layers += [
                nn.Conv2d(before, after, stride, stride=stride),
                nn.BatchNorm2d(after),
                nn.ReLU(inplace=True),
            ]
        super().__init__()
        self.layers = nn.Sequential(*layers)
        initialize_kaiming(self.layers)

    def forward(self, features: Tensor) -> Tensor:
        embeddings: Tensor = self.layers(features)
        return embeddings
