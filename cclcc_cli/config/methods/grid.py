"""The grid of patches or cells that several methods lay over an image."""

from typing import Annotated

from pydantic import Field

from cclcc_cli.config.schema import POOLING_FACTOR, Count

Grid = Annotated[int, Field(ge=2)]
ProjectorWidths = Annotated[tuple[Count, Count, Count], Field(strict=False)]


def check_grid(section: str, size: int, grid: int) -> None:
    """Refuse a grid whose patches no network takes.

    Args:
        section: of the recipe, for the message.
        size: the image's side in pixels.
        grid: patches per side.

    Raises:
        ValueError: the patches' side is no multiple of 16 pixels; says which grids are allowed.
    """
    if size % (grid * POOLING_FACTOR):
        allowed = [g for g in range(2, size // POOLING_FACTOR + 1)
                   if size % (g * POOLING_FACTOR) == 0]
        raise ValueError(
            f"{section}.grid = {grid} does not cut {size} pixels into patches whose side is a "
            f"multiple of {POOLING_FACTOR}; allowed for this data.size: "
            f"{', '.join(map(str, allowed)) or 'none, take a larger size'}"
        )
