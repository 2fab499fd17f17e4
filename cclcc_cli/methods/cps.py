"""CPS: two networks that start differently teach each other their hard labels."""

from typing import final

import torch

from cclcc_cli.config.recipes import CpsRecipe
from cclcc_cli.config.rivals import Cps as CpsConfig
from cclcc_cli.config.schema import SupervisedLoss
from cclcc_cli.losses.pseudo_labels import pseudo_label_loss
from cclcc_cli.methods.base import Batch, Loss, Method, Moment
from cclcc_cli.methods.supervision import labeled_loss, supervised_loss
from cclcc_cli.models.build import build_network
from cclcc_cli.models.network import Network


@final
class Cps(Method):
    """Both networks' supervised losses plus each one's cross-entropy to the other's labels.

    Args:
        student: the one that is kept.
        other: its peer, started differently.
        config: weight, and which images teach across.
        supervised: the loss on labelled images.
    """

    def __init__(
        self, student: Network, other: Network, config: CpsConfig, supervised: SupervisedLoss
    ) -> None:
        super().__init__()
        self.student = student
        self.other = other
        self._config = config
        self._supervised = supervised

    def loss(self, batch: Batch, moment: Moment) -> Loss:
        config = self._config
        weight = config.cross_weight * moment.ramp_up(config.ramp_up)
        if not weight:  # the peer then has no say in anything
            return labeled_loss(self.student, batch, self._supervised)
        num_labeled = len(batch.target)
        first = num_labeled if config.images == "unlabeled" else 0
        logits = [network(batch.images).float() for network in (self.student, self.other)]
        mine, others = (
            supervised_loss(x[:num_labeled], batch.target, self._supervised) for x in logits
        )
        a, b = (x[first:] for x in logits)
        cross = pseudo_label_loss(a, torch.sigmoid(b)) + pseudo_label_loss(b, torch.sigmoid(a))
        return Loss(
            mine + others + weight * cross,
            {
                "supervised": mine.detach(),
                "supervised_other": others.detach(),
                "cross": cross.detach(),
            },
        )


def build_cps(recipe: CpsRecipe) -> Cps:
    student = build_network(recipe.model)  # first, so that it starts as supervised's does
    return Cps(student, build_network(recipe.model), recipe.cps, recipe.supervised_loss)
