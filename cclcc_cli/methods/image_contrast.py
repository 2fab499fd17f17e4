"""Image-wise contrast: one embedding per image, against the other images of the batch."""

from typing import final

from torch import Tensor

from cclcc_cli.config.methods.image_contrast import ImageContrastOptions
from cclcc_cli.config.methods.view_contrast import ViewContrastRecipe
from cclcc_cli.losses.contrastive import cells_of
from cclcc_cli.methods.view_contrast import ViewContrast
from cclcc_cli.models.projector import choose_strides


@final
class ImageContrast(ViewContrast):
    """The mean over a map's cells stands for the image; the batch is one set."""

    def strides(self, recipe: ViewContrastRecipe) -> tuple[int, int, int]:
        assert isinstance(self.options, ImageContrastOptions)
        return choose_strides(recipe.data.size // self.options.grid)

    def embeddings(self, features: Tensor, points: Tensor | None) -> Tensor:
        assert points is None
        return cells_of(self.projector(features)).mean(dim=1)[None]  # (1, B, D)


METHOD = ImageContrast
