"""The recipe of supervised training."""

from typing import ClassVar, Literal

from cclcc_cli.config.base import BaseRecipe
from cclcc_cli.config.clauses import NOTHING
from cclcc_cli.config.schema import LabeledBatch


class SupervisedRecipe(BaseRecipe):
    """The labelled images alone: the lower bound, or with labeled: 1.0 the upper."""

    source: ClassVar[str] = "the bound that every semi-supervised method must beat"
    binary: ClassVar[str] = "the BCE + Dice loss is written for one probability per pixel"

    method: Literal["supervised"]
    """Uses no unlabelled image."""
    batch: LabeledBatch = LabeledBatch()
    """Images of a step."""

    @property
    def clause(self) -> str:
        return NOTHING
