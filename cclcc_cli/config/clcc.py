"""What CLCC's recipe adds, and what the three contrasts it is compared with add."""

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field

from cclcc_cli.config.schema import (
    POOLING_FACTOR,
    Count,
    NotNegative,
    Positive,
    Section,
    Share,
    default_tag,
)

Grid = Annotated[int, Field(ge=2)]
ProjectorWidths = Annotated[tuple[Count, Count, Count], Field(strict=False)]


class TwoStages(Section):
    """Contrast alone for a share of the budget, then consistency alone."""

    kind: Literal["two_stage"]
    """Never both."""
    contrast: Share = Fraction(1, 3)
    """The contrast's share of the budget."""


class Joint(Section):
    """Both terms at once, each ramped up as exp(-5 (1 - t)^2) over a share of the budget."""

    kind: Literal["joint"] = "joint"
    """Both terms at once."""
    ramp_up: Share = Fraction(1, 3)
    """Share of the budget over which the weights rise; 0 has them whole from the start."""


Terms = Annotated[TwoStages | Joint, Field(discriminator="kind"), default_tag("kind", "joint")]


class Clcc(Section):
    """What CLCC adds to the supervised loss."""

    grid: Grid = 5
    """Patches per side; must cut the image into multiples of 16."""
    patch_statistics: Literal["shared", "separate", "frozen"] = "separate"
    """What BatchNorm does with patches."""
    terms: Terms = Joint()
    """The order of the terms."""
    contrast_weight: NotNegative = 1.0
    """Of the cross-level contrast; 0 leaves consistency alone."""
    temperature: Positive = 0.07
    """Divides similarities."""
    normalization: Literal["l1", "l2"] = "l2"
    """Of embeddings; l1 as published."""
    negatives: Literal["patch", "image", "both"] = "patch"
    """Which grid supplies them."""
    symmetric: bool = False
    """Whether patches are queries as well, and learn from the contrast."""
    consistency_weight: NotNegative = 1.0
    """Of the cross-level consistency; 0 leaves contrast alone."""
    projector_widths: ProjectorWidths = (64, 64, 128)
    """Channels after each of the projector's convolutions."""
    projector_strides: Annotated[tuple[Count, Count, Count], Field(strict=False)] | None = None
    """Must multiply to the patch side; null has them chosen."""


def check_grid(section: str, size: int, grid: int) -> None:
    """Refuse a grid whose patches no network takes."""
    if size % (grid * POOLING_FACTOR):
        allowed = [g for g in range(2, size // POOLING_FACTOR + 1)
                   if size % (g * POOLING_FACTOR) == 0]
        raise ValueError(
            f"{section}.grid = {grid} does not cut {size} pixels into patches whose side is a "
            f"multiple of {POOLING_FACTOR}; allowed for this data.size: "
            f"{', '.join(map(str, allowed)) or 'none, take a larger size'}"
        )
