"""The labelled images alone."""

from typing import final

from cclcc_cli.config.schema import SupervisedLoss, SupervisedRecipe
from cclcc_cli.methods.base import Batch, Loss, Method, Moment
from cclcc_cli.methods.supervision import supervised_loss
from cclcc_cli.models.unet import UNet


@final
class Supervised(Method):
    """Learns from labelled images; the bound every semi-supervised method must beat."""

    def __init__(self, student: UNet, config: SupervisedLoss) -> None:
        super().__init__()
        self.student = student
        self._config = config

    def loss(self, batch: Batch, moment: Moment) -> Loss:  # noqa: ARG002
        labeled = batch.images[: len(batch.target)]
        total = supervised_loss(self.student(labeled), batch.target, self._config)
        return Loss(total, {"supervised": total.detach()})


def build_supervised(recipe: SupervisedRecipe) -> Supervised:
    return Supervised(UNet(recipe.network.widths), recipe.supervised_loss)
