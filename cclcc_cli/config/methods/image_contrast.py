"""The recipe of image-wise contrast."""

from typing import Any, ClassVar, Literal, Self

from pydantic import model_validator

from cclcc_cli.config.clauses import square
from cclcc_cli.config.methods.grid import Grid, check_grid
from cclcc_cli.config.methods.view_contrast import ViewContrastOptions, ViewContrastRecipe


class ImageContrastOptions(ViewContrastOptions):
    """One embedding per image: the mean of its cells, against the other images of the batch."""

    grid: Grid = 5
    """Cells per side that the projector makes, before their mean."""


class ImageContrastRecipe(ViewContrastRecipe):
    """Image-wise contrast: two views of an image against the other images of the batch."""

    source: ClassVar[str] = "SimCLR, Chen et al., ICML 2020, arXiv:2002.05709"
    weights: ClassVar[tuple[str, ...]] = ("contrast_weight",)
    example: ClassVar[dict[str, Any]] = {"grid": 2, "projector_widths": [8, 8, 8]}

    method: Literal["image_contrast"]
    """The first of the three families that the CLCC paper sets itself against."""
    image_contrast: ImageContrastOptions = ImageContrastOptions()
    """Its term."""

    @property
    def clause(self) -> str:
        options = self.image_contrast
        return options.clause(f"an image (the mean of its {square(options.grid)} cells) against "
                              "the others of the batch")

    @model_validator(mode="after")
    def _cells_fit(self) -> Self:
        check_grid("image_contrast", self.data.size, self.image_contrast.grid)
        return self
