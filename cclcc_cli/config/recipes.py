"""One recipe class per method, told apart by ``method``: sections, and what must fit together."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, Self, get_args

from pydantic import Field, model_validator

from cclcc_cli.config.clcc import Clcc, check_grid
from cclcc_cli.config.model import Model, UNetModel
from cclcc_cli.config.schema import (
    AdamW,
    Budget,
    Data,
    Evaluation,
    LabeledBatch,
    Name,
    Optimizer,
    Schedule,
    Section,
    Seed,
    Strong,
    SupervisedLoss,
    TwoStreamBatch,
    Validation,
    Weak,
)


@dataclass(frozen=True)
class StrongViews:
    """How many strong views a step needs.

    Attributes:
        config: what may change.
        count: views of an image.
        of_labeled: whether labelled images get them too.
    """

    config: Strong
    count: int
    of_labeled: bool = False


class BaseRecipe(Section):
    """What every method's recipe holds."""

    source: ClassVar[str]
    """Where method and constants are from."""
    binary: ClassVar[str]
    """Why it is for foreground against background only."""

    name: Name
    """What to call this experiment; determines nothing."""
    seed: Seed = 0
    """Of weights, order, views and draws."""
    data: Data
    """The images and their labels."""
    weak: Weak = Weak()
    """The weak view, which every image goes through."""
    model: Model = UNetModel()
    """The network."""
    budget: Budget
    """How long to train."""
    optimizer: Optimizer = AdamW()
    """How to step."""
    schedule: Schedule = Schedule()
    """The learning rate over the budget."""
    supervised_loss: SupervisedLoss = SupervisedLoss()
    """The loss on labelled images, the same for every method."""
    ema_decay: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Validate and keep a moving average of the weights, with any method."""
    validation: Validation = Validation()
    """How often to validate."""
    evaluation: Evaluation = Evaluation()
    """How a map becomes a mask and a score."""

    @property
    def strong_views(self) -> StrongViews | None:
        """The strong views that a step needs, None where it needs none."""
        return None

    @model_validator(mode="after")
    def _validates_within_budget(self) -> Self:
        budget = self.budget.steps or self.budget.epochs
        assert budget is not None
        if self.validation.every > budget:
            raise ValueError(
                f"validation.every = {self.validation.every} is longer than the budget of "
                f"{budget}: no checkpoint would ever be chosen; give {budget} or less"
            )
        return self

    @model_validator(mode="after")
    def _is_binary(self) -> Self:
        if self.model.num_classes > 1:
            raise ValueError(
                f"model.num_classes = {self.model.num_classes}: only 1 (foreground against "
                f"background) can be trained: {self.binary}; prepared masks and scores too know "
                "two values only"
            )
        return self


_SIGMOID = "its losses are written for one probability per pixel"


class SupervisedRecipe(BaseRecipe):
    """The labelled images alone: the lower bound, or with labeled: 1.0 the upper."""

    source: ClassVar[str] = "the bound that every semi-supervised method must beat"
    binary: ClassVar[str] = "the BCE + Dice loss is written for one probability per pixel"

    method: Literal["supervised"]
    """Uses no unlabelled image."""
    batch: LabeledBatch = LabeledBatch()
    """Images of a step."""


class TwoStreamRecipe(BaseRecipe):
    """What the recipes of methods with unlabelled images hold."""

    binary: ClassVar[str] = _SIGMOID

    batch: TwoStreamBatch = TwoStreamBatch()
    """Images of a step, by stream."""


class ClccRecipe(TwoStreamRecipe):
    """Whole image and patches teach each other: cross-level contrast and consistency."""

    source: ClassVar[str] = "CLCC, ISBI 2022, arXiv:2202.04074"

    method: Literal["clcc"]
    """Cross-level contrastive learning and consistency constraint."""
    clcc: Clcc = Clcc()
    """Its terms."""

    @model_validator(mode="after")
    def _patches_fit(self) -> Self:
        check_grid("clcc", self.data.size, self.clcc.grid)
        strides, patch_side = self.clcc.projector_strides, self.data.size // self.clcc.grid
        if strides is not None and strides[0] * strides[1] * strides[2] != patch_side:
            raise ValueError(
                f"clcc.projector_strides = {list(strides)} must multiply to the patch side "
                f"{patch_side}; leave it out to have them chosen"
            )
        return self


AnyRecipe = SupervisedRecipe | ClccRecipe
Recipe = Annotated[AnyRecipe, Field(discriminator="method")]
"""Any recipe, as a text gives it."""

METHODS: dict[str, type[BaseRecipe]] = {
    get_args(recipe.model_fields["method"].annotation)[0]: recipe for recipe in get_args(AnyRecipe)
}
"""The recipe class of each method, in reading order."""
