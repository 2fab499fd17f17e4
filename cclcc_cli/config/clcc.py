"""What CLCC's recipe adds, and what the three contrasts it is compared with add."""

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field

from cclcc_cli.config.schema import (
    POOLING_FACTOR,
    Count,
    Decay,
    NotNegative,
    Positive,
    Section,
    Share,
    Strong,
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
    start: Share = Fraction(0)
    """Share of the budget that is trained on labels alone before the weights begin to rise."""
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
    contrast_on: Literal["decoder", "encoder"] = "decoder"
    """The map that embeddings are of: the decoder's last as published, or the encoder's last."""
    patch_view: Strong | None = None
    """Patches are cut from a strong view, with these changes; null: from the weak view."""
    consistency_weight: NotNegative = 1.0
    """Of the cross-level consistency; 0 leaves contrast alone."""
    target_ema_decay: Decay | None = None
    """Decay of the moving average of weights whose prediction for the whole image is the target;
    null: the network's own prediction is, as published."""
    consistency_threshold: Annotated[float, Field(ge=0.5, lt=1)] | None = None
    """Confidence of the target above which a pixel counts; null: all count, as published."""
    projector_widths: ProjectorWidths = (64, 64, 128)
    """Channels after each of the projector's convolutions."""
    projector_strides: Annotated[tuple[Count, Count, Count], Field(strict=False)] | None = None
    """Must multiply to the patch side; null has them chosen."""


class ViewContrast(Section):
    """Contrast between the weak and the strong view of an image, on CLCC's projector.

    The three levels have the same keys, so that what is compared is the level alone.
    """

    contrast_weight: NotNegative = 0.1
    """Of the contrast; that of recipes/kvasir.yaml."""
    ramp_up: Share = Fraction(1, 3)
    """Share of the budget over which the weight rises."""
    temperature: Positive = 0.07
    """Divides similarities."""
    normalization: Literal["l1", "l2"] = "l2"
    """Of embeddings."""
    negatives: Literal["keys", "queries", "both"] = "keys"
    """Where they come from: the strong view, the weak view or both (SimCLR)."""
    symmetric: bool = False
    """Whether each view is query and key, and both learn (SimCLR); else the weak view learns."""
    projector_widths: ProjectorWidths = (64, 64, 128)
    """Channels after each of the projector's convolutions."""
    strong_statistics: Literal["shared", "separate"] = "separate"
    """Whether running BatchNorm statistics learn from strong views."""


class ImageContrast(ViewContrast):
    """One embedding per image: the mean of its runs, against the other images of the batch."""

    grid: Grid = 5
    """Runs per side that the projector makes, before their mean."""


class PatchContrast(ViewContrast):
    """One embedding per run, against the other runs of the same image."""

    grid: Grid = 5
    """Runs per side."""


class PointContrast(ViewContrast):
    """One embedding per pixel of a sample, against the other pixels of the same image."""

    num_points: Annotated[int, Field(ge=2)] = 256
    """Pixels drawn at each step, the same ones in every image and view."""


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
