"""Patch-wise contrast: one embedding per cell, against the other cells of its image."""

from typing import final

from torch import Tensor

from cclcc_cli.config.recipes import PatchContrastRecipe
from cclcc_cli.losses.contrastive import cells_of
from cclcc_cli.methods.view_contrast import ViewContrast
from cclcc_cli.models.build import build_network
from cclcc_cli.models.projector import Projector, choose_strides


@final
class PatchContrast(ViewContrast):
    """Cells of the projected map; each image is a set of its own.

    Both views pass as whole images: CLCC differs by cutting one of them before the network.
    """

    def embeddings(self, features: Tensor, points: Tensor | None) -> Tensor:
        assert points is None
        return cells_of(self.projector(features))  # (B, N, D)


def build_patch_contrast(recipe: PatchContrastRecipe) -> PatchContrast:
    config, student = recipe.patch_contrast, build_network(recipe.model)
    strides = choose_strides(recipe.data.size // config.grid)
    projector = Projector(student.feature_channels, config.projector_widths, strides)
    return PatchContrast(student, projector, config, recipe)
