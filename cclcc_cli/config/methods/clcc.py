"""The recipe of CLCC."""

from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal, Self, assert_never

from pydantic import Field, model_validator

from cclcc_cli.config.base import StrongViews, TwoStreamRecipe
from cclcc_cli.config.clauses import NOTHING, STATISTICS, first_part, projector, square
from cclcc_cli.config.methods.grid import Grid, ProjectorWidths, check_grid
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
from cclcc_cli.wording import listed


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


class ClccOptions(Section):
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


class ClccRecipe(TwoStreamRecipe):
    """Whole image and patches teach each other: cross-level contrast and consistency."""

    source: ClassVar[str] = "CLCC, ISBI 2022, arXiv:2202.04074"
    weights: ClassVar[tuple[str, ...]] = ("contrast_weight", "consistency_weight")
    example: ClassVar[dict[str, Any]] = {
        "grid": 2, "projector_widths": [8, 8, 8], "terms": {"kind": "joint", "ramp_up": 0.0},
    }

    method: Literal["clcc"]
    """Cross-level contrastive learning and consistency constraint."""
    clcc: ClccOptions = ClccOptions()
    """Its terms."""

    @property
    def sides(self) -> tuple[int, ...]:
        return (self.data.size, self.data.size // self.clcc.grid)

    @property
    def strong_views(self) -> StrongViews | None:
        view = self.clcc.patch_view
        return None if view is None else StrongViews(view, 1, of_labeled=True)

    @property
    def clause(self) -> str:
        options, grid = self.clcc, square(self.clcc.grid)
        terms = _terms(options, grid)
        if not terms:
            return NOTHING
        source = "each image" if options.patch_view is None else "the strong view of each image"
        return (f"{source} was cut into {grid} patches, and the supervised loss was joined by "
                f"{' and '.join(terms)}{_order(options)}; batch statistics of patches were "
                f"{STATISTICS[options.patch_statistics]}")

    @model_validator(mode="after")
    def _patches_fit(self) -> Self:
        check_grid("clcc", self.data.size, self.clcc.grid)
        if self.clcc.contrast_on == "encoder":
            self.check_inner_maps("clcc.contrast_on", "encoder", "decoder")
        strides, patch_side = self.clcc.projector_strides, self.data.size // self.clcc.grid
        if strides is not None and strides[0] * strides[1] * strides[2] != patch_side:
            raise ValueError(
                f"clcc.projector_strides = {list(strides)} must multiply to the patch side "
                f"{patch_side}; leave it out to have them chosen"
            )
        if self.model.kind == "monai" and patch_side == POOLING_FACTOR:
            raise ValueError(
                f"clcc.grid = {self.clcc.grid} makes patches of {patch_side} pixels, of which "
                "MONAI's networks leave one, too few for InstanceNorm; take a smaller grid"
            )
        return self


def _terms(options: ClccOptions, grid: str) -> list[str]:
    """Each term that weighs anything, in words."""
    terms = []
    if options.contrast_weight:
        negatives = {"patch": "the other patches", "image": "the whole image's other cells",
                     "both": "the other patches and the whole image's other cells"}
        both = ", both ways" if options.symmetric else ""
        strides = (f" and strides of {listed(options.projector_strides)}"
                   if options.projector_strides else "")
        inside = " of the encoder's last map" if options.contrast_on == "encoder" else ""
        terms.append(
            f"a cross-level contrast (weight {options.contrast_weight:g}) between the {grid} cells "
            f"of the whole image{inside} and the patches in their places (InfoNCE with temperature "
            f"{options.temperature:g}, {options.normalization.upper()}-normalised embeddings of "
            f"{projector(options.projector_widths)}{strides}, and "
            f"{negatives[options.negatives]} as negatives{both})")
    if options.consistency_weight:
        terms.append(f"a cross-level consistency (weight {options.consistency_weight:g}), the mean "
                     "squared difference between the probabilities of the patches and "
                     f"{_target(options)}")
    return terms


def _target(options: ClccOptions) -> str:
    """What patches are held to."""
    whose = ("those of the whole image" if options.target_ema_decay is None else
             "those for the whole image of a moving average of the weights (decay "
             f"{options.target_ema_decay:g})")
    where = ("" if options.consistency_threshold is None else
             f" at pixels where its confidence exceeds {options.consistency_threshold:g}")
    return f"{whose}, which are the target{where}"


def _order(options: ClccOptions) -> str:
    """When the terms were used."""
    match options.terms:
        case Joint(start=start, ramp_up=ramp):
            later = f"; they were added after {first_part(start)} of the budget" if start else ""
            over = first_part(ramp).replace("first", "next") if start else first_part(ramp)
            return (f"{later}; weights rose as exp(-5 (1 - t)^2) over {over} of the budget"
                    if ramp else later)
        case TwoStages(contrast=share):
            return (f"; the contrast was used in {first_part(share)} of the budget alone, the "
                    "consistency in the rest alone")
        case never:
            assert_never(never)
