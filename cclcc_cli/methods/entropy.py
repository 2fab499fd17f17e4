"""Entropy minimisation: be sure of what you say about unlabelled images."""

from typing import final

from cclcc_cli.config.recipes import EntropyRecipe
from cclcc_cli.config.rivals import Entropy as EntropyConfig
from cclcc_cli.losses.entropy import entropy_loss
from cclcc_cli.methods.base import Batch, Loss, Moment
from cclcc_cli.methods.two_stream import TwoStreamMethod
from cclcc_cli.models.build import build_network


@final
class Entropy(TwoStreamMethod[EntropyConfig]):
    """Supervised loss plus mean entropy of the predictions on unlabelled images."""

    def loss(self, batch: Batch, moment: Moment) -> Loss:
        weight = self._config.entropy_weight * moment.ramp_up(self._config.ramp_up)
        if not weight:
            return self.labeled_loss(batch)
        labeled, unlabeled = self.pass_streams(batch, self.student)
        supervised = self.supervised_loss(labeled, batch)
        entropy = entropy_loss(unlabeled.float())
        return Loss(
            supervised + weight * entropy,
            {"supervised": supervised.detach(), "entropy": entropy.detach()},
        )


def build_entropy(recipe: EntropyRecipe) -> Entropy:
    return Entropy(build_network(recipe.model), recipe.entropy, recipe)
