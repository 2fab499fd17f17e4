"""UA-MT: Mean Teacher where the teacher, asked several times under noise, is sure."""

import math
from typing import final

import torch

from cclcc_cli.config.recipes import UamtRecipe
from cclcc_cli.config.rivals import Uamt as UamtConfig
from cclcc_cli.losses.consistency import consistency_loss
from cclcc_cli.losses.entropy import binary_entropy
from cclcc_cli.methods.base import Batch, Loss, Moment
from cclcc_cli.methods.mean_teacher import add_noise
from cclcc_cli.methods.taught import Taught
from cclcc_cli.models.build import build_network


@final
class Uamt(Taught[UamtConfig]):
    """Supervised loss plus squared difference to the teacher where its entropy is low.

    Published, the network has dropout, which each pass draws anew (``model.dropout``); without
    it the noise alone makes the passes differ.
    """

    def loss(self, batch: Batch, moment: Moment) -> Loss:
        config = self._config
        weight = config.consistency_weight * moment.ramp_up(config.ramp_up)
        if not weight:
            return self.labeled_loss(batch)
        labeled, unlabeled = self.pass_streams(batch, self.student)
        # The target and the passes that give the entropy, in one batch.
        repeated = batch.unlabeled.repeat(1 + config.num_passes, 1, 1, 1)
        judged = self.teacher(add_noise(repeated, config.noise, config.noise_limit))
        target, *passes = torch.sigmoid(judged).chunk(1 + config.num_passes)
        sure = binary_entropy(torch.stack(passes).mean(dim=0)) < self.threshold(moment)
        supervised = self.supervised_loss(labeled, batch)
        consistency = consistency_loss(unlabeled.float(), target, sure)
        return Loss(
            supervised + weight * consistency,
            {
                "supervised": supervised.detach(),
                "consistency": consistency.detach(),
                "sure": sure.float().mean(),
            },
        )

    def threshold(self, moment: Moment) -> float:
        """The entropy in nats below which a pixel counts."""
        start, ramp = self._config.threshold_start, moment.ramp_up(self._config.ramp_up)
        return (start + (1 - start) * ramp) * math.log(2)


def build_uamt(recipe: UamtRecipe) -> Uamt:
    return Uamt(build_network(recipe.model), recipe.uamt, recipe)
