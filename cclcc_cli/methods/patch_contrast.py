"""Patch-wise contrast: one embedding per cell, against the other cells of its image."""

from typing import final

from torch import Tensor

from cclcc_cli.config.methods.patch_contrast import PatchContrastOptions
from cclcc_cli.config.methods.view_contrast import ViewContrastRecipe
from cclcc_cli.data.grid import cells_that_count
from cclcc_cli.losses.contrastive import cells_of
from cclcc_cli.methods.view_contrast import ViewContrast
from cclcc_cli.models.projector import choose_strides


@final
class PatchContrast(ViewContrast):
    """Cells of the projected map; each image is a set of its own.

    Both views pass as whole images: CLCC differs by cutting one of them before the network.
    """

    def strides(self, recipe: ViewContrastRecipe) -> tuple[int, int, int]:
        assert isinstance(self.options, PatchContrastOptions)
        return choose_strides(recipe.data.size // self.options.grid)

    def embeddings(
        self, features: Tensor, points: Tensor | None, counts: Tensor | None  # noqa: ARG002
    ) -> Tensor:
        assert points is None
        return cells_of(self.projector(features))  # (B, N, D)

    def places_that_count(self, counts: Tensor, points: Tensor | None) -> Tensor:  # noqa: ARG002
        assert isinstance(self.options, PatchContrastOptions)
        return cells_that_count(counts, self.options.grid).flatten(1)


METHOD = PatchContrast
