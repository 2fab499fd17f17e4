"""Mean Teacher: agree with a moving average of yourself that sees the image with noise."""

from typing import final

import torch
from torch import Tensor

from cclcc_cli.config.recipes import MeanTeacherRecipe
from cclcc_cli.config.rivals import MeanTeacher as MeanTeacherConfig
from cclcc_cli.losses.consistency import consistency_loss
from cclcc_cli.methods.base import Batch, Loss, Moment
from cclcc_cli.methods.taught import Taught
from cclcc_cli.models.build import build_network


@final
class MeanTeacher(Taught[MeanTeacherConfig]):
    """Supervised loss plus squared difference to the teacher on unlabelled images."""

    def loss(self, batch: Batch, moment: Moment) -> Loss:
        config = self._config
        weight = config.consistency_weight * moment.ramp_up(config.ramp_up)
        if not weight:
            return self.labeled_loss(batch)
        labeled, unlabeled = self.pass_streams(batch, self.student)
        judged = self.teacher(add_noise(batch.unlabeled, config.noise, config.noise_limit))
        supervised = self.supervised_loss(labeled, batch)
        consistency = consistency_loss(unlabeled.float(), torch.sigmoid(judged))
        return Loss(
            supervised + weight * consistency,
            {"supervised": supervised.detach(), "consistency": consistency.detach()},
        )


def add_noise(images: Tensor, deviation: float, limit: float) -> Tensor:
    """Normalised images with Gaussian noise that changes no value by more than the limit."""
    return images + (deviation * torch.randn_like(images)).clamp_(-limit, limit)


def build_mean_teacher(recipe: MeanTeacherRecipe) -> MeanTeacher:
    return MeanTeacher(build_network(recipe.model), recipe.mean_teacher, recipe)
