"""Image-wise contrast: one embedding per image, against the other images of the batch."""

from typing import final

from torch import Tensor

from cclcc_cli.config.recipes import ImageContrastRecipe
from cclcc_cli.losses.contrastive import cells_of
from cclcc_cli.methods.view_contrast import ViewContrast
from cclcc_cli.models.build import build_network
from cclcc_cli.models.projector import Projector, choose_strides


@final
class ImageContrast(ViewContrast):
    """The mean over a map's cells stands for the image; the batch is one set."""

    def embeddings(self, features: Tensor, points: Tensor | None) -> Tensor:
        assert points is None
        return cells_of(self.projector(features)).mean(dim=1)[None]  # (1, B, D)


def build_image_contrast(recipe: ImageContrastRecipe) -> ImageContrast:
    config, student = recipe.image_contrast, build_network(recipe.model)
    strides = choose_strides(recipe.data.size // config.grid)
    projector = Projector(student.feature_channels, config.projector_widths, strides)
    return ImageContrast(student, projector, config, recipe)
