"""Point-wise contrast: one embedding per pixel of a sample, against others of its image."""

from typing import final

import torch
from torch import Tensor

from cclcc_cli.config.methods.point_contrast import PointContrastOptions
from cclcc_cli.config.methods.view_contrast import ViewContrastRecipe
from cclcc_cli.losses.contrastive import cells_of
from cclcc_cli.methods.view_contrast import ViewContrast


@final
class PointContrast(ViewContrast):
    """Pixels of the last decoder map, drawn first and then projected by strides of 1.

    Projecting all pixels of a 320-pixel image to 128 channels would take fifty times the map.
    """

    def strides(self, recipe: ViewContrastRecipe) -> tuple[int, int, int]:  # noqa: ARG002
        return 1, 1, 1

    def draw_points(self, features: Tensor) -> Tensor:
        assert isinstance(self.options, PointContrastOptions)
        pixels = features.shape[2] * features.shape[3]
        # On the CPU: no wait for the device.
        places = torch.randperm(pixels)[: self.options.num_points]
        return places.to(features.device, non_blocking=True)

    def embeddings(
        self, features: Tensor, points: Tensor | None, counts: Tensor | None  # noqa: ARG002
    ) -> Tensor:
        assert points is not None
        sample = features.flatten(2).index_select(2, points)[..., None]  # (B, C, N, 1)
        return cells_of(self.projector(sample))  # (B, N, D)

    def places_that_count(self, counts: Tensor, points: Tensor | None) -> Tensor:
        assert points is not None
        return counts.flatten(1).index_select(1, points)


METHOD = PointContrast
