"""Entropy minimisation: be sure of what you say about unlabelled images."""

from typing import final

from cclcc_cli.config.recipes import EntropyRecipe
from cclcc_cli.config.rivals import Entropy as EntropyConfig
from cclcc_cli.config.schema import SupervisedLoss
from cclcc_cli.losses.entropy import entropy_loss
from cclcc_cli.methods.base import Batch, Loss, Method, Moment
from cclcc_cli.methods.supervision import labeled_loss, supervised_loss
from cclcc_cli.models.build import build_network
from cclcc_cli.models.network import Network


@final
class Entropy(Method):
    """Supervised loss plus mean entropy of the predictions on unlabelled images."""

    def __init__(self, student: Network, config: EntropyConfig, supervised: SupervisedLoss) -> None:
        super().__init__()
        self.student = student
        self._config = config
        self._supervised = supervised

    def loss(self, batch: Batch, moment: Moment) -> Loss:
        weight = self._config.entropy_weight * moment.ramp_up(self._config.ramp_up)
        if not weight:
            return labeled_loss(self.student, batch, self._supervised)
        num_labeled = len(batch.target)
        logits = self.student(batch.images).float()
        supervised = supervised_loss(logits[:num_labeled], batch.target, self._supervised)
        entropy = entropy_loss(logits[num_labeled:])
        return Loss(
            supervised + weight * entropy,
            {"supervised": supervised.detach(), "entropy": entropy.detach()},
        )


def build_entropy(recipe: EntropyRecipe) -> Entropy:
    return Entropy(build_network(recipe.model), recipe.entropy, recipe.supervised_loss)
