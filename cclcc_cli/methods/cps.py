"""CPS: two networks that start differently teach each other their hard labels."""

from typing import final

import torch

from cclcc_cli.config.recipes import CpsRecipe
from cclcc_cli.config.rivals import Cps as CpsConfig
from cclcc_cli.losses.pseudo_labels import pseudo_label_loss
from cclcc_cli.methods.base import Batch, Loss, Moment
from cclcc_cli.methods.two_stream import TwoStreamMethod
from cclcc_cli.models.build import build_network
from cclcc_cli.models.network import Network


@final
class Cps(TwoStreamMethod[CpsConfig]):
    """Both networks' supervised losses plus each one's cross-entropy to the other's labels.

    Args:
        student: the one that is kept.
        other: its peer, started differently.
        recipe: weight, and which images teach across.
    """

    def __init__(self, student: Network, other: Network, recipe: CpsRecipe) -> None:
        super().__init__(student, recipe.cps, recipe)
        self.other = other

    def loss(self, batch: Batch, moment: Moment) -> Loss:
        config = self._config
        weight = config.cross_weight * moment.ramp_up(config.ramp_up)
        if not weight:  # the peer then has no say in anything
            return self.labeled_loss(batch)
        logits = [self.pass_streams(batch, net, network=net) for net in (self.student, self.other)]
        mine, others = (self.supervised_loss(labeled, batch) for labeled, _ in logits)
        a, b = (
            (torch.cat(streams) if config.images == "all" else streams[1]).float()
            for streams in logits
        )
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
    return Cps(student, build_network(recipe.model), recipe)
