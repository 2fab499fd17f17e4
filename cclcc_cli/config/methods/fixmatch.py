"""The recipe of FixMatch on pixels."""

from typing import Any, ClassVar, Literal, Self

from pydantic import model_validator

from cclcc_cli.config.base import StrongViews, TwoStreamRecipe
from cclcc_cli.config.clauses import NOTHING, rising
from cclcc_cli.config.methods.pseudo_labels import PseudoLabelOptions
from cclcc_cli.config.schema import Strong


class FixMatchOptions(PseudoLabelOptions):
    """One strong view."""


class FixMatchRecipe(TwoStreamRecipe):
    """Confident labels of the weak view teach the strong view."""

    source: ClassVar[str] = (
        "Sohn et al., NeurIPS 2020, arXiv:2001.07685; on pixels as in arXiv:2208.09910"
    )
    weights: ClassVar[tuple[str, ...]] = ("pseudo_weight",)
    example: ClassVar[dict[str, Any]] = {"threshold": 0.5}

    method: Literal["fixmatch"]
    """FixMatch."""
    strong: Strong = Strong()
    """The strong view."""
    fixmatch: FixMatchOptions = FixMatchOptions()
    """Its term."""

    @property
    def strong_views(self) -> StrongViews:
        return StrongViews(self.strong, 1)

    @property
    def clause(self) -> str:
        options = self.fixmatch
        if not options.pseudo_weight:
            return NOTHING
        return ("on unlabelled images the cross-entropy of the strong view to the hard labels of "
                f"the weak view ({rising(options.pseudo_weight, options.ramp_up)}) was added, "
                f"{options.where}")

    @model_validator(mode="after")
    def _has_partners(self) -> Self:
        if self.fixmatch.cutmix:
            self.check_partners("fixmatch.cutmix takes boxes from another image")
        return self
