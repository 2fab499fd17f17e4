"""The recipe of point-wise contrast."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from cclcc_cli.config.methods.view_contrast import ViewContrastOptions, ViewContrastRecipe


class PointContrastOptions(ViewContrastOptions):
    """One embedding per pixel of a sample, against the other pixels of the same image."""

    num_points: Annotated[int, Field(ge=2)] = 256
    """Pixels drawn at each step, the same ones in every image and view."""


class PointContrastRecipe(ViewContrastRecipe):
    """Point-wise contrast: a pixel in two views against other pixels of its image."""

    source: ClassVar[str] = "as PixContrast, Xie et al., CVPR 2021, arXiv:2011.10043"
    weights: ClassVar[tuple[str, ...]] = ("contrast_weight",)
    example: ClassVar[dict[str, Any]] = {"num_points": 64, "projector_widths": [8, 8, 8]}

    method: Literal["point_contrast"]
    """The third."""
    point_contrast: PointContrastOptions = PointContrastOptions()
    """Its term."""

    @property
    def clause(self) -> str:
        options = self.point_contrast
        return options.clause(f"{options.num_points} pixels of an image against one another")

    @model_validator(mode="after")
    def _points_fit(self) -> Self:
        pixels = self.data.size**2
        if self.point_contrast.num_points > pixels:
            raise ValueError(
                f"point_contrast.num_points = {self.point_contrast.num_points}: an image has "
                f"{pixels} pixels"
            )
        return self
