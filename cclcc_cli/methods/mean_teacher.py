"""Mean Teacher: agree with a moving average of yourself that sees the image with noise."""

from typing import final

import torch
from torch import Tensor

from cclcc_cli.config.methods.mean_teacher import MeanTeacherOptions
from cclcc_cli.losses.consistency import consistency_loss
from cclcc_cli.methods.base import Batch, Loss, StepInfo
from cclcc_cli.methods.student_teacher import StudentTeacherMethod


@final
class MeanTeacher(StudentTeacherMethod[MeanTeacherOptions]):
    """Supervised loss plus squared difference to the teacher on unlabelled images."""

    def loss(self, batch: Batch, info: StepInfo) -> Loss:
        options = self.options
        weight = options.consistency_weight * info.ramp_up(options.ramp_up)
        if not weight:
            return self.labeled_loss(batch)
        labeled, unlabeled = self.pass_streams(batch, self.student)
        noisy = add_noise(batch.unlabeled, options.noise, options.noise_limit)
        teacher_probs = torch.sigmoid(self.teacher(noisy))
        supervised = self.supervised_loss(labeled, batch)
        consistency = consistency_loss(
            unlabeled.float(), teacher_probs, batch.unlabeled_counts
        )
        return Loss(
            supervised + weight * consistency,
            {"supervised": supervised.detach(), "consistency": consistency.detach()},
        )


def add_noise(images: Tensor, deviation: float, limit: float) -> Tensor:
    """Normalised images with Gaussian noise that changes no value by more than the limit."""
    return images + (deviation * torch.randn_like(images)).clamp_(-limit, limit)


METHOD = MeanTeacher
