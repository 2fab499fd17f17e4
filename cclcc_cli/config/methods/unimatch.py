"""The recipe of UniMatch."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from cclcc_cli.config.base import StrongViews, TwoStreamRecipe
from cclcc_cli.config.clauses import NOTHING, rising
from cclcc_cli.config.methods.pseudo_labels import PseudoLabelOptions
from cclcc_cli.config.schema import Strong


class UniMatchOptions(PseudoLabelOptions):
    """FixMatch with two strong views, and a weak view whose features are dropped."""

    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Probability that a feature channel is dropped."""
    dropout_at: Literal["encoder", "last_map"] = "encoder"
    """Published after the encoder; the last decoder map is what every network has."""


class UniMatchRecipe(TwoStreamRecipe):
    """FixMatch with two strong views and one of dropped features."""

    source: ClassVar[str] = "UniMatch, Yang et al., CVPR 2023, arXiv:2208.09910"
    weights: ClassVar[tuple[str, ...]] = ("pseudo_weight",)
    example: ClassVar[dict[str, Any]] = {"threshold": 0.5}

    method: Literal["unimatch"]
    """UniMatch."""
    strong: Strong = Strong()
    """The strong views."""
    unimatch: UniMatchOptions = UniMatchOptions()
    """Its terms."""

    @property
    def strong_views(self) -> StrongViews:
        return StrongViews(self.strong, 2)

    @property
    def clause(self) -> str:
        options = self.unimatch
        if not options.pseudo_weight:
            return NOTHING
        place = "the encoder" if options.dropout_at == "encoder" else "the last decoder map"
        return ("on unlabelled images the cross-entropy to the hard labels of the weak view "
                f"({rising(options.pseudo_weight, options.ramp_up)}) was added, half of it over "
                f"two strong views and half over the weak view with {100 * options.dropout:.3g} % "
                f"of the channels after {place} dropped, {options.where}")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.unimatch.cutmix:
            self.check_partners("unimatch.cutmix takes boxes from another image")
        if self.unimatch.dropout_at == "encoder":
            self.check_inner_maps("unimatch.dropout_at", "encoder", "last_map")
        return self
