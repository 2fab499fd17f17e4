"""What the recipes of the three contrasts between two views share; only their level differs."""

from fractions import Fraction
from typing import Literal

from cclcc_cli.config.base import StrongViews, TwoStreamRecipe
from cclcc_cli.config.clauses import NOTHING, STATISTICS_OF_VIEWS, projector, rising
from cclcc_cli.config.methods.grid import ProjectorWidths
from cclcc_cli.config.schema import NotNegative, Positive, Section, Share, Strong


class ViewContrastOptions(Section):
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

    def clause(self, level: str) -> str:
        """What was contrasted with what, for a methods section.

        Args:
            level: in words.
        """
        if not self.contrast_weight:
            return NOTHING
        negatives = {"keys": "the strong view", "queries": "the weak view", "both": "both views"}
        both = ", both ways" if self.symmetric else ""
        return ("on all images a contrast between the weak and the strong view was added, of "
                f"{level} ({rising(self.contrast_weight, self.ramp_up)}): InfoNCE with temperature "
                f"{self.temperature:g}, {self.normalization.upper()}-normalised embeddings of "
                f"{projector(self.projector_widths)}, and negatives from "
                f"{negatives[self.negatives]}{both}; batch statistics of strong views were "
                f"{STATISTICS_OF_VIEWS[self.strong_statistics]}")


class ViewContrastRecipe(TwoStreamRecipe):
    """What the three recipes add beside their own section."""

    strong: Strong = Strong()
    """The strong view."""

    @property
    def strong_views(self) -> StrongViews:
        return StrongViews(self.strong, 1, of_labeled=True)
