"""What a method owes the training loop."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from cclcc_cli.models.unet import UNet


@dataclass(frozen=True)
class Batch:
    """One step's images, labelled first.

    Attributes:
        images: ``(B, 3, H, W)``, normalised, channels last in memory.
        target: ``(L, 1, H, W)``, 0 or 1, float, of the first L images.
    """

    images: Tensor
    target: Tensor


@dataclass(frozen=True)
class Moment:
    """When a step happens.

    Attributes:
        step: steps done before this one, from 0.
        total_steps: the whole budget.
    """

    step: int
    total_steps: int


@dataclass(frozen=True)
class Loss:
    """What is minimised, and its unweighted terms for the record (detached)."""

    total: Tensor
    terms: Mapping[str, Tensor]


class Method(nn.Module, ABC):
    """A way to learn from labelled and unlabelled images.

    Everything with a state lives in attributes, so that ``state_dict`` restores it all.
    """

    student: UNet

    @abstractmethod
    def loss(self, batch: Batch, moment: Moment) -> Loss:
        """What to minimise on this batch at this moment."""

    def after_step(self) -> None:
        """Runs after each optimiser step; a method with a teacher moves it here."""

    @property
    def predictor(self) -> UNet:
        """The network to validate, test and keep."""
        return self.student
