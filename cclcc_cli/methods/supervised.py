"""The labelled images alone."""

from typing import final

from cclcc_cli.config.recipes import SupervisedRecipe
from cclcc_cli.config.schema import SupervisedLoss
from cclcc_cli.methods.base import Batch, Loss, Method, Moment
from cclcc_cli.methods.supervision import labeled_loss
from cclcc_cli.models.build import build_network
from cclcc_cli.models.network import Network


@final
class Supervised(Method):
    """Learns from labelled images; the bound every semi-supervised method must beat."""

    def __init__(self, student: Network, config: SupervisedLoss) -> None:
        super().__init__()
        self.student = student
        self._config = config

    def loss(self, batch: Batch, moment: Moment) -> Loss:  # noqa: ARG002
        return labeled_loss(self.student, batch, self._config)


def build_supervised(recipe: SupervisedRecipe) -> Supervised:
    return Supervised(build_network(recipe.model), recipe.supervised_loss)
