"""Point-wise contrast: one embedding per pixel of a sample, against others of its image."""

from typing import final

import torch
from torch import Tensor

from cclcc_cli.config.clcc import PointContrast as PointContrastConfig
from cclcc_cli.config.recipes import PointContrastRecipe
from cclcc_cli.losses.contrastive import cells_of
from cclcc_cli.methods.view_contrast import ViewContrast
from cclcc_cli.models.build import build_network
from cclcc_cli.models.network import Network
from cclcc_cli.models.projector import Projector


@final
class PointContrast(ViewContrast):
    """Pixels of the last decoder map, drawn first and then projected by strides of 1.

    Projecting all pixels of a 320-pixel image to 128 channels would take fifty times the map.
    """

    def __init__(
        self,
        student: Network,
        projector: Projector,
        config: PointContrastConfig,
        recipe: PointContrastRecipe,
    ) -> None:
        super().__init__(student, projector, config, recipe)
        self._num_points = config.num_points

    def draw_points(self, features: Tensor) -> Tensor:
        pixels = features.shape[2] * features.shape[3]
        places = torch.randperm(pixels)[: self._num_points]  # on the CPU: no wait for the device
        return places.to(features.device, non_blocking=True)

    def embeddings(self, features: Tensor, points: Tensor | None) -> Tensor:
        assert points is not None
        sample = features.flatten(2).index_select(2, points)[..., None]  # (B, C, N, 1)
        return cells_of(self.projector(sample))  # (B, N, D)


def build_point_contrast(recipe: PointContrastRecipe) -> PointContrast:
    config, student = recipe.point_contrast, build_network(recipe.model)
    projector = Projector(student.feature_channels, config.projector_widths, (1, 1, 1))
    return PointContrast(student, projector, config, recipe)
