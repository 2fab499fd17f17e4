"""The recipe of URPC."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from cclcc_cli.config.base import TwoStreamRecipe
from cclcc_cli.config.clauses import NOTHING, rising
from cclcc_cli.config.methods.ssl4mis import RAMP
from cclcc_cli.config.schema import NotNegative, Section, Share


class UrpcOptions(Section):
    """Predictions at several scales are pulled to their mean, less where they disagree."""

    consistency_weight: NotNegative = 0.1
    """Of the rectified difference to the mean; at 0 there are no further scales at all."""
    coarse_weight: NotNegative = 1.0
    """Of each coarser scale's supervised loss beside the finest's; at 1 their plain mean."""
    ramp_up: Share = RAMP
    """Share of the budget over which the weight rises."""
    scales: Literal["decoder", "pooled"] = "decoder"
    """Heads on the decoder's stages, or on the last map pooled, which every network has."""
    num_scales: Annotated[int, Field(ge=2, le=4)] = 4
    """How many, the full one included."""
    perturbed: bool = False
    """Drop and scale features before the coarser heads, as SSL4MIS does."""


class UrpcRecipe(TwoStreamRecipe):
    """Predictions at several scales are pulled to their mean, less where they disagree."""

    source: ClassVar[str] = "URPC, Luo et al., MICCAI 2021, arXiv:2012.07042; SSL4MIS"
    weights: ClassVar[tuple[str, ...]] = ("consistency_weight",)
    vanishing: ClassVar[tuple[str, ...]] = ("consistency_weight", "coarse_weight")

    method: Literal["urpc"]
    """Uncertainty-rectified pyramid consistency."""
    urpc: UrpcOptions = UrpcOptions()
    """Its term."""

    @property
    def clause(self) -> str:
        options = self.urpc
        if not options.consistency_weight:
            return NOTHING
        source = ("stages of the decoder" if options.scales == "decoder" else
                  "poolings of the last decoder map")
        changed = ", coarser features being perturbed" if options.perturbed else ""
        weighed = "" if options.coarse_weight == 1 else (
            f" (coarser scales weighing {options.coarse_weight:g} each, the finest 1)")
        return (f"predictions were made at {options.num_scales} scales (from {source}{changed}), "
                f"the supervised loss was their mean{weighed}, and on unlabelled images the "
                "uncertainty-rectified difference of each scale to their mean "
                f"({rising(options.consistency_weight, options.ramp_up)}) was added")

    @model_validator(mode="after")
    def _has_scales(self) -> Self:
        if self.urpc.scales == "decoder":
            self.check_inner_maps("urpc.scales", "decoder", "pooled")
        return self
