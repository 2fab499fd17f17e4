"""The recipe of CPS."""

from typing import ClassVar, Literal

from cclcc_cli.config.base import TwoStreamRecipe
from cclcc_cli.config.clauses import NOTHING, rising
from cclcc_cli.config.methods.ssl4mis import RAMP
from cclcc_cli.config.schema import NotNegative, Section, Share


class CpsOptions(Section):
    """Two networks, each taught by the other's hard labels."""

    cross_weight: NotNegative = 0.1
    """Of the cross-entropy to the other's labels; 1.5 in the paper, for natural images."""
    ramp_up: Share = RAMP
    """Share of the budget over which the weight rises."""
    images: Literal["unlabeled", "all"] = "unlabeled"
    """Whether labelled images teach across as well, as in the paper."""


class CpsRecipe(TwoStreamRecipe):
    """Two networks that start differently, each taught by the other's hard labels."""

    source: ClassVar[str] = "CPS, Chen et al., CVPR 2021, arXiv:2106.01226; SSL4MIS"
    weights: ClassVar[tuple[str, ...]] = ("cross_weight",)

    method: Literal["cps"]
    """Cross pseudo supervision."""
    cps: CpsOptions = CpsOptions()
    """Its term."""

    @property
    def clause(self) -> str:
        options = self.cps
        if not options.cross_weight:
            return NOTHING
        where = "unlabelled images" if options.images == "unlabeled" else "all images"
        return ("two networks that started differently were trained side by side, each with the "
                f"supervised loss and, on {where}, with the cross-entropy to the other's hard "
                f"labels ({rising(options.cross_weight, options.ramp_up)}); the first of them was "
                "kept")
