"""CPS: two networks that start differently teach each other their hard labels."""

from typing import final

import torch

from cclcc_cli.config.methods.cps import CpsOptions, CpsRecipe
from cclcc_cli.losses.pseudo_labels import pseudo_label_loss
from cclcc_cli.methods.base import Batch, Loss, StepInfo
from cclcc_cli.methods.two_stream import TwoStreamMethod
from cclcc_cli.models.build import build_network


@final
class Cps(TwoStreamMethod[CpsOptions]):
    """Both networks' supervised losses plus each one's cross-entropy to the other's labels.

    Args:
        recipe: resolved.

    Attributes:
        other: the student's peer, started differently; it is not kept.
    """

    def __init__(self, recipe: CpsRecipe) -> None:
        super().__init__(recipe)
        self.other = build_network(recipe.model)

    def loss(self, batch: Batch, info: StepInfo) -> Loss:
        options = self.options
        weight = options.cross_weight * info.ramp_up(options.ramp_up)
        if not weight:  # the peer then has no say in anything
            return self.labeled_loss(batch)
        logits = [self.pass_streams(batch, net, network=net) for net in (self.student, self.other)]
        mine, others = (self.supervised_loss(labeled, batch) for labeled, _ in logits)
        a, b = (
            (torch.cat(streams) if options.images == "all" else streams[1]).float()
            for streams in logits
        )
        counts = batch.counts if options.images == "all" else batch.unlabeled_counts
        cross = pseudo_label_loss(a, torch.sigmoid(b), counts=counts) + pseudo_label_loss(
            b, torch.sigmoid(a), counts=counts
        )
        return Loss(
            mine + others + weight * cross,
            {
                "supervised": mine.detach(),
                "supervised_other": others.detach(),
                "cross": cross.detach(),
            },
        )


METHOD = Cps
