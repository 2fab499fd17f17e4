"""The recipe of patch-wise contrast."""

from typing import Any, ClassVar, Literal, Self

from pydantic import model_validator

from cclcc_cli.config.clauses import square
from cclcc_cli.config.methods.grid import Grid, check_grid
from cclcc_cli.config.methods.view_contrast import ViewContrastOptions, ViewContrastRecipe


class PatchContrastOptions(ViewContrastOptions):
    """One embedding per cell, against the other cells of the same image."""

    grid: Grid = 5
    """Cells per side."""


class PatchContrastRecipe(ViewContrastRecipe):
    """Patch-wise contrast: a cell in two views against the other cells of its image."""

    source: ClassVar[str] = "PatchNCE, Park et al., ECCV 2020, arXiv:2007.15651"
    weights: ClassVar[tuple[str, ...]] = ("contrast_weight",)
    example: ClassVar[dict[str, Any]] = {"grid": 2, "projector_widths": [8, 8, 8]}

    method: Literal["patch_contrast"]
    """The second."""
    patch_contrast: PatchContrastOptions = PatchContrastOptions()
    """Its term."""

    @property
    def clause(self) -> str:
        options = self.patch_contrast
        return options.clause(f"the {square(options.grid)} cells of an image against its other "
                              "cells")

    @model_validator(mode="after")
    def _cells_fit(self) -> Self:
        check_grid("patch_contrast", self.data.size, self.patch_contrast.grid)
        return self
