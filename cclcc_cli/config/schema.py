"""The sections that every recipe shares: what may be written, and what each key means.

Frozen, with unknown keys forbidden. The text below a key is its meaning in ``cclcc methods``.
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
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, validate_default=True,
        use_attribute_docstrings=True,
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
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0, "maximum": 1},
                              {"type": "string"}]}),
]
"""An exact part of the budget, from 0 to 1; written ``0.25`` or ``1/3``."""

def _parse_labeled(value: Any) -> Any:
    right = isinstance(value, int | float) and not isinstance(value, bool)
    if not right or not (0 < value <= 1 if isinstance(value, float) else value >= 1):
        raise ValueError("give a count such as 80, or a share above 0 and up to 1.0 such as 0.1")
    return value


Labeled = Annotated[int | float, BeforeValidator(_parse_labeled)]
"""How many training images keep their labels: a count if whole, a share if written with a dot."""


def default_tag(key: str, tag: str) -> BeforeValidator:
    """Lets a section of several kinds leave out which, where the usual one is meant."""

    def add(value: Any) -> Any:
        return {key: tag, **value} if isinstance(value, dict) and key not in value else value

    return BeforeValidator(add)


NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
"""Names become folders, so they hold nothing that a file system or a shell reads specially."""

Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]
Probability = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Decay = Annotated[float, Field(ge=0, lt=1)]


class NestedSelection(Section):
    """Labels drawn at random by a seed, so that a smaller subset lies inside every larger one."""

    kind: Literal["nested"] = "nested"
    """Random, and smaller subsets lie inside larger ones."""
    seed: Seed | Literal["run"] = 0
    """Which of the store's random orders; run: that of the run's own seed, so that runs which
    differ by seed differ by their labels too, and each seed's labels are the same in every method.
    """


class ContiguousSelection(Section):
    """Labels taken as a block of the sorted training images, as the published code does."""

    kind: Literal["contiguous"]
    """A block of the sorted file names, as the published code takes."""
    start: Annotated[int, Field(ge=0)] | Literal["count"] = 0
    """Where the block begins; count: after as many images as have labels, as published."""


Selection = Annotated[
    NestedSelection | ContiguousSelection,
    Field(discriminator="kind"),
    default_tag("kind", "nested"),
]


class Data(Section):
    """Which store, which of its splits, and which training images keep their labels."""

    name: Name
    """The store, as prepared."""
    size: Annotated[int, Field(ge=POOLING_FACTOR, multiple_of=POOLING_FACTOR)]
    """Its side in pixels, a multiple of 16."""
    labeled: Labeled
    """Labels: a count (80) or a share (0.1) of the training images; 1.0 is full supervision."""
    fold: Annotated[int, Field(ge=0)] | None = None
    """A fold of the store's cross-validation, from 0; null: its main splits."""
    selection: Selection = NestedSelection()
    """Which images they are."""
    unlabeled: Literal["rest", "all", "pool", "rest+pool"] = "rest"
    """What is used without labels: the training images that keep none (rest), the images that
    have no mask (pool), both, or all, labelled ones too.
    """


class Weak(Section):
    """The weak view: random changes of an image and its mask, drawn per (seed, pass, index)."""

    flips: bool = True
    """Mirror left-right and up-down, each with probability 1/2."""
    quarter_turns: bool = True
    """Turn by 0 to 3 quarters."""
    affine: Probability = 0.0
    """Probability of scaling by 0.8-1.2, turning by up to 30 degrees and moving by a tenth."""
    color: Probability = 0.0
    """Probability of changing brightness, contrast and saturation by a fifth, hue by 1/20."""


class Strong(Section):
    """The strong view: the weak view with its colours changed further; its shapes stay.

    Probabilities and ranges are UniMatch's (arXiv:2208.09910), which are those of ST++.
    """

    color: Probability = 0.8
    """Probability of changing brightness, contrast and saturation by half, hue by a quarter."""
    gray: Probability = 0.2
    """Probability of losing all colour."""
    blur: Probability = 0.5
    """Probability of a Gaussian blur with a sigma from 0.1 to 2 pixels."""


class LabeledBatch(Section):
    """Images in one step of a method that uses labelled images only."""

    labeled: Count = 4
    """Labelled images of a step."""

    @property
    def unlabeled(self) -> int:
        return 0


class TwoStreamBatch(Section):
    """Images in one step, by stream."""

    labeled: Count = 4
    """Labelled images of a step."""
    unlabeled: Count = 4
    """Unlabelled images of a step."""


class Budget(Section):
    """How long to train: optimiser steps, or epochs (passes over the *labelled* images)."""

    steps: Count | None = None
    """Optimiser steps."""
    epochs: Count | None = None
    """Passes over the labelled images; give one of the two."""
    last_batch: Literal["keep", "drop"] = "keep"
    """Whether an epoch has a step for labelled images that fill no batch; published: drop."""

    @model_validator(mode="after")
    def _one_unit(self) -> Self:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError(
                "give either steps or epochs; --set 'budget={steps: N}' replaces the section"
            )
        return self


class AdamW(Section):
    """AdamW; ``clip_norm`` bounds the norm of each network's gradient, null leaves it alone."""

    name: Literal["adamw"] = "adamw"
    """Adam with decoupled weight decay."""
    lr: Positive = 1e-3
    """Highest learning rate."""
    weight_decay: NotNegative = 1e-2
    """Pull of the weights towards 0."""
    encoder_lr: Positive = 1.0
    """Times the encoder's learning rate; below 1 where its weights are pretrained."""
    clip_norm: Positive | None = None
    """Bound on the norm of each network's gradient."""


class Sgd(Section):
    """Stochastic gradient descent with Nesterov momentum where ``momentum`` is not 0."""

    name: Literal["sgd"]
    """Stochastic gradient descent."""
    lr: Positive = 1e-2
    """Highest learning rate."""
    weight_decay: NotNegative = 1e-4
    """Pull of the weights towards 0."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """Nesterov's, where not 0."""
    encoder_lr: Positive = 1.0
    """Times the encoder's learning rate; below 1 where its weights are pretrained."""
    clip_norm: Positive | None = None
    """Bound on the norm of each network's gradient."""


Optimizer = Annotated[
    AdamW | Sgd, Field(discriminator="name"), default_tag("name", "adamw")
]


class Schedule(Section):
    """The learning rate over the budget: linear warm-up multiplied into a decay."""

    warmup: Share = Fraction(0)
    """Share of the budget over which the rate rises from 0."""
    decay: Literal["cosine", "constant"] = "cosine"
    """Half a cosine down to 0, or none."""
    moves: Literal["step", "epoch"] = "step"
    """How often the rate changes."""
    epoch_step: Annotated[int, Field(ge=0)] = 0
    """Where it changes by epoch: which of an epoch's steps gives its rate, from 0; published: 7."""


class Boundary(Section):
    """Weights of the BCE near borders: ``1 + weight * |average of the mask - mask|``.

    ``padding: zeros`` lets the zeros beyond the image count in the average, which adds weight
    to foreground at the image's edge; ``ignored`` averages over real pixels only.
    """

    weight: Positive = 5.0
    """The most a pixel's weight can gain over 1."""
    kernel: Annotated[int, Field(ge=3)] = 31
    """Side of the square averaged over, odd, in pixels."""
    padding: Literal["zeros", "ignored"] = "ignored"
    """Whether zeros beyond the image count."""

    @model_validator(mode="after")
    def _odd(self) -> Self:
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel must be odd, not {self.kernel}")
        return self


class LossSection(Section):
    """A loss on labelled images; each kind says ``kind``."""

    @property
    def clause(self) -> str:
        """What the loss was, for a methods section."""
        values = self.model_dump(mode="json", exclude={"kind"})
        listed = ", ".join(f"{key} {value}" for key, value in values.items())
        return f"{self.kind}{f' ({listed})' if listed else ''}"  # type: ignore[attr-defined]


class SupervisedLoss(LossSection):
    """BCE + soft Dice on labelled images; ``boundary: null`` is the plain mean BCE."""

    kind: Annotated[Literal["bce_dice"], Field(exclude=True)] = "bce_dice"
    """The package's own loss; a plug-in may offer others."""
    boundary: Boundary | None = None
    """Weigh pixels near borders more; null weighs all alike."""


class PluginSource(Section):
    """A plug-in as a resolved recipe keeps it; in a recipe, its file or name alone will do."""

    source: str
    """The file's absolute path, or the name of an installed package's entry point."""
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """Of the file, or of all Python files of the package."""


class Validation(Section):
    """Validate every so many of the budget's units (steps or epochs)."""

    every: Count = 1
    """In the budget's unit."""
    patience: Count | None = None
    """Validations without gain before stopping early."""


class Evaluation(Section):
    """How a predicted map becomes a mask and a score; stamped into every result."""

    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Above it a pixel is foreground."""
    test_on: Literal["probs", "logits"] = "probs"
    """What the threshold is compared with at the test."""
    validation_on: Literal["probs", "logits"] = "probs"
    """The same in validation."""
    total_miss: Literal["zero", "one_pixel", "published"] = "zero"
    """Dice of a prediction without any true pixel; published: one pixel counts, in the test alone,
    and in accuracy too.
    """
    mae_on: Literal["probs", "mask"] = "probs"
    """What the mean absolute error is taken of."""

    def of_split(self, split: Literal["val", "test"]) -> Self:
        """The rules of one split, where ``total_miss: published`` means two things."""
        if split == "val" and self.total_miss == "published":
            return self.model_copy(update={"total_miss": "zero"})
        return self
