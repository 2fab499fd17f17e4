"""Typed recipes: what may be written in a YAML file, and what each key means.

Frozen, with unknown keys forbidden. One recipe class per method, told apart by ``method``.
"""

from fractions import Fraction
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

POOLING_FACTOR = 16
"""Four 2x2 poolings: every side that enters the network must be a multiple of this."""


class Section(BaseModel):
    """A part of a recipe: frozen, no unknown keys, no silent conversion of types."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, validate_default=True
    )


def _parse_share(value: Any) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Fraction)):
        raise ValueError("give a number from 0 to 1, or a fraction such as 1/3")
    try:
        share = Fraction(str(value).replace(" ", ""))
    except (ValueError, ZeroDivisionError):
        raise ValueError("give a number from 0 to 1, or a fraction such as 1/3") from None
    if not 0 <= share <= 1:
        raise ValueError("must lie from 0 to 1")
    return share


Share = Annotated[
    Fraction,
    BeforeValidator(_parse_share),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string"}),
]
"""An exact part of the budget, from 0 to 1; written ``0.25`` or ``1/3``."""

def _parse_labeled(value: Any) -> Any:
    right = isinstance(value, int | float) and not isinstance(value, bool)
    if not right or not (0 < value <= 1 if isinstance(value, float) else value >= 1):
        raise ValueError("give a count such as 80, or a share above 0 and up to 1.0 such as 0.1")
    return value


Labeled = Annotated[int | float, BeforeValidator(_parse_labeled)]
"""How many training images keep their labels: a count if whole, a share if written with a dot."""


def _default_tag(key: str, tag: str) -> BeforeValidator:
    """Lets a section of several kinds leave out which, where the usual one is meant."""

    def add(value: Any) -> Any:
        return {key: tag, **value} if isinstance(value, dict) and key not in value else value

    return BeforeValidator(add)


NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
"""Names become folders, so they hold nothing that a file system or a shell reads specially."""

Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]


class NestedSelection(Section):
    """Labels drawn at random by a seed, so that a smaller subset lies inside every larger one."""

    kind: Literal["nested"] = "nested"
    seed: Seed = 0


class ContiguousSelection(Section):
    """Labels taken as a block of the sorted training images, as the published code does."""

    kind: Literal["contiguous"]
    start: Annotated[int, Field(ge=0)] = 0


Selection = Annotated[
    NestedSelection | ContiguousSelection,
    Field(discriminator="kind"),
    _default_tag("kind", "nested"),
]


class Data(Section):
    """Which store, which of its splits, and which training images keep their labels.

    ``fold`` null takes the main splits, a number that fold of the cross-validation.
    """

    name: Name
    size: Annotated[int, Field(ge=POOLING_FACTOR, multiple_of=POOLING_FACTOR)]
    labeled: Labeled
    fold: Annotated[int, Field(ge=0)] | None = None
    selection: Selection = NestedSelection()
    unlabeled: Literal["rest", "all"] = "rest"


class Augment(Section):
    """Random changes of a training image and its mask, drawn per (seed, pass, index)."""

    flips: bool = True
    quarter_turns: bool = True
    affine: Annotated[float, Field(ge=0, le=1)] = 0.0
    color: Annotated[float, Field(ge=0, le=1)] = 0.0


class Network(Section):
    """The U-Net's channels, from the first stage to the bottleneck."""

    widths: Annotated[
        tuple[Count, Count, Count, Count, Count], Field(strict=False)
    ] = (16, 32, 64, 128, 256)


class LabeledBatch(Section):
    """Images in one step of a method that uses labelled images only."""

    labeled: Count = 4

    @property
    def unlabeled(self) -> int:
        return 0


class TwoStreamBatch(Section):
    """Images in one step, by stream."""

    labeled: Count = 4
    unlabeled: Count = 4


class Budget(Section):
    """How long to train: optimiser steps, or epochs (passes over the *labelled* images)."""

    steps: Count | None = None
    epochs: Count | None = None

    @model_validator(mode="after")
    def _one_unit(self) -> Self:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError(
                "give either steps or epochs; --set 'budget={steps: N}' replaces the section"
            )
        return self


class AdamW(Section):
    """AdamW; ``clip_norm`` bounds the gradient's global norm, null leaves it alone."""

    name: Literal["adamw"] = "adamw"
    lr: Positive = 1e-3
    weight_decay: NotNegative = 1e-2
    clip_norm: Positive | None = None


class Sgd(Section):
    """Stochastic gradient descent with Nesterov momentum where ``momentum`` is not 0."""

    name: Literal["sgd"]
    lr: Positive = 1e-2
    weight_decay: NotNegative = 1e-4
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    clip_norm: Positive | None = None


Optimizer = Annotated[
    AdamW | Sgd, Field(discriminator="name"), _default_tag("name", "adamw")
]


class Schedule(Section):
    """The learning rate over the budget: linear warm-up multiplied into a decay."""

    warmup: Share = Fraction(0)
    decay: Literal["cosine", "constant"] = "cosine"
    moves: Literal["step", "epoch"] = "step"


class Boundary(Section):
    """Weights of the BCE near borders: ``1 + weight * |average of the mask - mask|``.

    ``padding: zeros`` lets the zeros beyond the image count in the average, which adds weight
    to foreground at the image's edge; ``ignored`` averages over real pixels only.
    """

    weight: Positive = 5.0
    kernel: Annotated[int, Field(ge=3)] = 31
    padding: Literal["zeros", "ignored"] = "ignored"

    @model_validator(mode="after")
    def _odd(self) -> Self:
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel must be odd, not {self.kernel}")
        return self


class SupervisedLoss(Section):
    """BCE + soft Dice on labelled images; ``boundary: null`` is the plain mean BCE."""

    boundary: Boundary | None = None


class Validation(Section):
    """Validate every so many of the budget's units (steps or epochs)."""

    every: Count = 1
    patience: Count | None = None


class Evaluation(Section):
    """How a predicted map becomes a mask and a score; stamped into every result."""

    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    test_on: Literal["probs", "logits"] = "probs"
    validation_on: Literal["probs", "logits"] = "probs"
    total_miss: Literal["zero", "one_pixel"] = "zero"
    mae_on: Literal["probs", "mask"] = "probs"


class TwoStages(Section):
    """Contrast alone for a share of the budget, then consistency alone."""

    kind: Literal["two_stage"]
    contrast: Share = Fraction(1, 3)


class Joint(Section):
    """Both terms at once, each ramped up as exp(-5 (1 - t)^2) over a share of the budget."""

    kind: Literal["joint"] = "joint"
    ramp_up: Share = Fraction(1, 3)


Terms = Annotated[
    TwoStages | Joint, Field(discriminator="kind"), _default_tag("kind", "joint")
]


class Clcc(Section):
    """What CLCC adds to the supervised loss."""

    grid: Annotated[int, Field(ge=2)] = 5
    patch_statistics: Literal["shared", "separate", "frozen"] = "separate"
    terms: Terms = Joint()
    contrast_weight: NotNegative = 1.0
    temperature: Positive = 0.07
    normalization: Literal["l1", "l2"] = "l2"
    negatives: Literal["patch", "image", "both"] = "patch"
    symmetric: bool = False
    consistency_weight: NotNegative = 1.0
    projector_widths: Annotated[
        tuple[Count, Count, Count], Field(strict=False)
    ] = (64, 64, 128)
    projector_strides: Annotated[tuple[Count, Count, Count], Field(strict=False)] | None = None


class BaseRecipe(Section):
    """What every method's recipe holds."""

    name: Name
    seed: Seed = 0
    data: Data
    augment: Augment = Augment()
    network: Network = Network()
    budget: Budget
    optimizer: Optimizer = AdamW()
    schedule: Schedule = Schedule()
    supervised_loss: SupervisedLoss = SupervisedLoss()
    ema_decay: Annotated[float, Field(gt=0, lt=1)] | None = None
    validation: Validation = Validation()
    evaluation: Evaluation = Evaluation()

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


class SupervisedRecipe(BaseRecipe):
    """The labelled images alone: the lower bound, or with ``labeled: 1.0`` the upper."""

    method: Literal["supervised"]
    batch: LabeledBatch = LabeledBatch()


class ClccRecipe(BaseRecipe):
    """Cross-level contrastive learning and consistency constraint."""

    method: Literal["clcc"]
    batch: TwoStreamBatch = TwoStreamBatch()
    clcc: Clcc = Clcc()

    @model_validator(mode="after")
    def _patches_fit(self) -> Self:
        size, grid = self.data.size, self.clcc.grid
        if size % (grid * POOLING_FACTOR):
            allowed = [g for g in range(2, size // POOLING_FACTOR + 1)
                       if size % (g * POOLING_FACTOR) == 0]
            raise ValueError(
                f"clcc.grid = {grid} does not cut {size} pixels into patches whose side is a "
                f"multiple of {POOLING_FACTOR}; allowed for this data.size: "
                f"{', '.join(map(str, allowed)) or 'none, take a larger size'}"
            )
        self._check_strides(size // grid)
        return self

    def _check_strides(self, patch_side: int) -> None:
        strides = self.clcc.projector_strides
        if strides is not None and strides[0] * strides[1] * strides[2] != patch_side:
            raise ValueError(
                f"clcc.projector_strides = {list(strides)} must multiply to the patch side "
                f"{patch_side}; leave it out to have them chosen"
            )


Recipe = Annotated[SupervisedRecipe | ClccRecipe, Field(discriminator="method")]
"""Any recipe."""
