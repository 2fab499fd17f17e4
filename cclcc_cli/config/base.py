"""What the recipe of any method holds, and what must fit together in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from cclcc_cli.config.model import Model, UNetModel
from cclcc_cli.config.schema import (
    AdamW,
    Budget,
    Data,
    Evaluation,
    LabeledBatch,
    Name,
    Optimizer,
    PluginSource,
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
    """What every method's recipe holds.

    A method's recipe adds ``method``, ``batch`` and a section of options, which bears the
    method's name. The first line of its docstring is what ``cclcc methods`` says of it.
    """

    source: ClassVar[str]
    """Where method and constants are from."""
    binary: ClassVar[str]
    """Why it is for foreground against background only."""
    weights: ClassVar[tuple[str, ...]] = ()
    """Options that weigh its terms: with all of them at 0 it is supervised training."""
    example: ClassVar[Mapping[str, Any]] = {}
    """Options with which it trains on images of 32 pixels, as the contract's checks do."""

    if TYPE_CHECKING:
        # Fields of each method's own recipe: declared here, they would come first in every file.
        method: str
        batch: LabeledBatch | TwoStreamBatch

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
    plugins: Annotated[tuple[PluginSource, ...], Field(strict=False)] = ()
    """Files, seen from the recipe's folder, or installed packages that add methods, networks,
    losses or scores; part of what a run is where something of them is used."""

    @property
    def options(self) -> Any:
        """The method's own section, which bears its name; None for a method without options."""
        return getattr(self, self.method, None)

    @property
    def clause(self) -> str:
        """What the method minimised, with every weight and constant, for a methods section."""
        values = {} if self.options is None else self.options.model_dump(mode="json")
        listed = ", ".join(f"{key} {value}" for key, value in values.items())
        return f"the loss of {self.method} was minimised{f' ({listed})' if listed else ''}"

    @property
    def fewest_images(self) -> int:
        """Images of the smallest batch that passes the network while it learns."""
        return self.batch.labeled

    @property
    def strong_views(self) -> StrongViews | None:
        """The strong views that a step needs, None where it needs none."""
        return None

    @property
    def sides(self) -> tuple[int, ...]:
        """Sides in pixels of what enters the network."""
        return (self.data.size,)

    @model_serializer(mode="wrap")
    def _without_plugins_if_none(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        values: dict[str, Any] = handler(self)
        return values if self.plugins else {k: v for k, v in values.items() if k != "plugins"}

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

    @model_validator(mode="after")
    def _encoder_learns_apart(self) -> Self:
        factor, model = self.optimizer.encoder_lr, self.model
        if factor == 1:
            return self
        if not model.has_inner_maps:
            raise ValueError(
                f"optimizer.encoder_lr = {factor:g}: where the encoder of model.kind = "
                f"{model.kind} ends is not known; leave it out, or take another kind"
            )
        if getattr(model, "freeze", "none") == "encoder":
            raise ValueError(
                f"optimizer.encoder_lr = {factor:g}: model.freeze = encoder leaves nothing to "
                "learn there; leave one of the two out"
            )
        return self

    def check_inner_maps(self, key: str, value: str, other: str) -> None:
        """Refuse a network whose inner maps are not known where a method reaches inside."""
        if not self.model.has_inner_maps:
            raise ValueError(
                f"{key} = {value} needs maps from inside the network, which model.kind = "
                f"{self.model.kind} does not give; set {key}={other}"
            )


class TwoStreamRecipe(BaseRecipe):
    """What the recipes of methods with unlabelled images hold."""

    binary: ClassVar[str] = "its losses are written for one probability per pixel"
    vanishing: ClassVar[tuple[str, ...] | None] = None
    """Options with which, as they go to 0, it becomes supervised training; None: its ``weights``.
    """

    batch: TwoStreamBatch = TwoStreamBatch()
    """Images of a step, by stream."""
    batch_norm: Literal["per_stream", "joint"] = "per_stream"
    """Labelled and unlabelled images normalised each by their own batch, or both by one."""

    @property
    def fewest_images(self) -> int:
        return self._fewest(self.batch.unlabeled)

    def _fewest(self, unlabeled: int) -> int:
        labeled = self.batch.labeled
        return labeled + unlabeled if self.batch_norm == "joint" else min(labeled, unlabeled)

    def check_partners(self, why: str) -> None:
        """Refuse a single unlabelled image for a method that takes two of them together."""
        if self.batch.unlabeled < 2:
            raise ValueError(f"batch.unlabeled = {self.batch.unlabeled}: {why}; give 2 or more")
