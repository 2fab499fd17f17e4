"""What a method owes the training loop."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from torch import Tensor, nn

from cclcc_cli.config.base import BaseRecipe
from cclcc_cli.losses.ramps import sigmoid_ramp_up
from cclcc_cli.methods.supervision import supervised_loss
from cclcc_cli.models.build import build_network
from cclcc_cli.models.network import Network


@dataclass(frozen=True)
class Batch:
    """One step's images, labelled first.

    Attributes:
        images: ``(B, 3, H, W)``, normalised, channels last in memory.
        target: ``(L, 1, H, W)``, 0 or 1, float, of the first L images; 0 where none counts.
        strong: strong views in the same places as the images, each ``(U, 3, H, W)`` for the
            unlabelled ones or ``(B, 3, H, W)`` for all, as the recipe asks; none for most.
        counts: ``(B, 1, H, W)`` bool, False at pixels that no loss may look at; None where all
            count, as in data without ignored pixels.
    """

    images: Tensor
    target: Tensor
    strong: tuple[Tensor, ...] = ()
    counts: Tensor | None = None

    @property
    def labeled(self) -> Tensor:
        """The images with a target, ``(L, 3, H, W)``."""
        return self.images[: len(self.target)]

    @property
    def unlabeled(self) -> Tensor:
        """The others, ``(U, 3, H, W)``."""
        return self.images[len(self.target) :]

    @property
    def labeled_counts(self) -> Tensor | None:
        """Which pixels of the labelled images count, ``(L, 1, H, W)``."""
        return None if self.counts is None else self.counts[: len(self.target)]

    @property
    def unlabeled_counts(self) -> Tensor | None:
        """Which pixels of the others count, ``(U, 1, H, W)``."""
        return None if self.counts is None else self.counts[len(self.target) :]


@dataclass(frozen=True)
class StepInfo:
    """Where in the budget a step lies.

    Attributes:
        step: steps done before this one, from 0.
        total_steps: the whole budget.
    """

    step: int
    total_steps: int

    def ramp_up(self, share: Fraction, start: Fraction = Fraction(0)) -> float:
        """How far a weight has risen that rises over a share of the budget; never 0.

        Args:
            share: of the budget that it rises over.
            start: share of the budget after which it begins.
        """
        length, begun = (float(x) * self.total_steps for x in (share, start))
        return sigmoid_ramp_up((self.step - begun) / length if length else 1.0)


@dataclass(frozen=True)
class Loss:
    """What is minimised, and its unweighted terms for the record (detached)."""

    total: Tensor
    terms: Mapping[str, Tensor]


class Method(nn.Module, ABC):
    """A way to learn from labelled and unlabelled images.

    Everything with a state lives in attributes, so that ``state_dict`` restores it all.

    Args:
        recipe: resolved. The student's weights are drawn first of all, from torch's current
            random state, so that all methods start from the same one.
    """

    student: Network

    def __init__(self, recipe: BaseRecipe) -> None:
        super().__init__()
        self.student = build_network(recipe.model)
        self._supervised = recipe.supervised_loss

    @abstractmethod
    def loss(self, batch: Batch, info: StepInfo) -> Loss:
        """What to minimise on this batch at this step."""

    def supervised_loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """The loss of logits ``(L, 1, H, W)`` of the labelled images, a scalar."""
        return supervised_loss(logits, batch.target, self._supervised, batch.labeled_counts)

    def labeled_loss(self, batch: Batch) -> Loss:
        """The whole loss of a step in which labelled images alone count.

        A method whose terms weigh nothing returns it, and saves the passes of the other images.
        """
        total = self.supervised_loss(self.student(batch.labeled), batch)
        return Loss(total, {"supervised": total.detach()})

    def after_step(self) -> None:
        """Runs after each optimiser step; a method with a teacher moves it here."""

    @property
    def predictor(self) -> Network:
        """The network to validate, test and keep."""
        return self.student
