"""Image-wise contrast: one embedding per image, against the other images of the batch."""

from typing import final

from torch import Tensor

from cclcc_cli.config.methods.image_contrast import ImageContrastOptions
from cclcc_cli.config.methods.view_contrast import ViewContrastRecipe
from cclcc_cli.data.grid import cells_that_count
from cclcc_cli.losses.contrastive import cells_of
from cclcc_cli.methods.view_contrast import ViewContrast
from cclcc_cli.models.projector import choose_strides


@final
class ImageContrast(ViewContrast):
    """The mean over a map's cells stands for the image; the batch is one set."""

    def strides(self, recipe: ViewContrastRecipe) -> tuple[int, int, int]:
        assert isinstance(self.options, ImageContrastOptions)
        return choose_strides(recipe.data.size // self.options.grid)

    def embeddings(
        self, features: Tensor, points: Tensor | None, counts: Tensor | None
    ) -> Tensor:
        assert points is None
        cells = cells_of(self.projector(features))
        if counts is None:
            return cells.mean(dim=1)[None]  # (1, B, D)
        assert isinstance(self.options, ImageContrastOptions)
        weights = cells_of(cells_that_count(counts, self.options.grid).float())  # (B, N, 1)
        return ((cells * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1))[None]

    def places_that_count(self, counts: Tensor, points: Tensor | None) -> Tensor:  # noqa: ARG002
        return counts.flatten(1).any(dim=1)[None]


METHOD = ImageContrast
