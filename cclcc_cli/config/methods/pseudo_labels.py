"""What the recipes of methods that teach strong views by a weak view's labels share."""

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field

from cclcc_cli.config.clauses import STATISTICS_OF_VIEWS
from cclcc_cli.config.schema import NotNegative, Probability, Section, Share

Threshold = Annotated[float, Field(ge=0.5, le=1)]
Statistics = Literal["shared", "separate"]


class PseudoLabelOptions(Section):
    """Confident labels from the weak view are the target of other views."""

    pseudo_weight: NotNegative = 1.0
    """Of the cross-entropy to the weak view's labels."""
    ramp_up: Share = Fraction(0)
    """Share of the budget over which the weight rises; published without."""
    threshold: Threshold = 0.95
    """Confidence above which a pixel counts; at 1.0 none does."""
    cutmix: Probability = 0.5
    """Probability that a strong view gets a box of another; UniMatch's FixMatch has it."""
    strong_statistics: Statistics = "separate"
    """Whether running BatchNorm statistics learn from strong views; shared as published."""

    @property
    def where(self) -> str:
        """Which pixels counted, and what strong views were made of, for a method's clause."""
        mixed = (f"; with probability {self.cutmix:g} a strong view received a box of another"
                 if self.cutmix else "")
        return (f"where the confidence in the weak view exceeded {self.threshold:g}{mixed}; batch "
                f"statistics of strong views were {STATISTICS_OF_VIEWS[self.strong_statistics]}")
