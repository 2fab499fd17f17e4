"""The recipe of entropy minimisation."""

from typing import ClassVar, Literal

from cclcc_cli.config.base import TwoStreamRecipe
from cclcc_cli.config.clauses import NOTHING, rising
from cclcc_cli.config.methods.ssl4mis import RAMP
from cclcc_cli.config.schema import NotNegative, Section, Share


class EntropyOptions(Section):
    """Predictions on unlabelled images are pushed to be confident."""

    entropy_weight: NotNegative = 0.1
    """Of the mean entropy, which lies from 0 to 1."""
    ramp_up: Share = RAMP
    """Share of the budget over which the weight rises."""


class EntropyRecipe(TwoStreamRecipe):
    """Entropy minimisation: predictions on unlabelled images are pushed to be confident."""

    source: ClassVar[str] = "Vu et al., CVPR 2019, arXiv:1811.12833; SSL4MIS"
    weights: ClassVar[tuple[str, ...]] = ("entropy_weight",)

    method: Literal["entropy"]
    """Entropy minimisation."""
    entropy: EntropyOptions = EntropyOptions()
    """Its term."""

    @property
    def clause(self) -> str:
        options = self.entropy
        if not options.entropy_weight:
            return NOTHING
        return ("the mean entropy of predictions on unlabelled images, as a share of ln 2 "
                f"({rising(options.entropy_weight, options.ramp_up)}), was added")
