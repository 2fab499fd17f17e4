"""UA-MT: Mean Teacher where the teacher's predictions under noise agree."""

import math
from typing import final

import torch

from cclcc_cli.config.methods.uamt import UamtOptions
from cclcc_cli.losses.consistency import consistency_loss
from cclcc_cli.losses.counting import mean_where
from cclcc_cli.losses.entropy import binary_entropy
from cclcc_cli.methods.base import Batch, Loss, StepInfo
from cclcc_cli.methods.mean_teacher import add_noise
from cclcc_cli.methods.student_teacher import StudentTeacherMethod


@final
class Uamt(StudentTeacherMethod[UamtOptions]):
    """Supervised loss plus squared difference to the teacher where its entropy is low.

    Published, the network has dropout, which each pass draws anew (``model.dropout``); without
    it the noise alone makes the passes differ.
    """

    def loss(self, batch: Batch, info: StepInfo) -> Loss:
        options = self.options
        weight = options.consistency_weight * info.ramp_up(options.ramp_up)
        if not weight:
            return self.labeled_loss(batch)
        labeled, unlabeled = self.pass_streams(batch, self.student)
        # The target and the passes that give the entropy, in one batch.
        repeated = batch.unlabeled.repeat(1 + options.num_passes, 1, 1, 1)
        teacher_logits = self.teacher(add_noise(repeated, options.noise, options.noise_limit))
        target, *passes = torch.sigmoid(teacher_logits).chunk(1 + options.num_passes)
        sure = binary_entropy(torch.stack(passes).mean(dim=0)) < self.threshold(info)
        if batch.unlabeled_counts is not None:
            sure &= batch.unlabeled_counts
        supervised = self.supervised_loss(labeled, batch)
        consistency = consistency_loss(unlabeled.float(), target, sure)
        return Loss(
            supervised + weight * consistency,
            {
                "supervised": supervised.detach(),
                "consistency": consistency.detach(),
                "sure": mean_where(sure.float(), batch.unlabeled_counts),
            },
        )

    def threshold(self, info: StepInfo) -> float:
        """The entropy in nats below which a pixel counts."""
        start, ramp = self.options.threshold_start, info.ramp_up(self.options.ramp_up)
        return (start + (1 - start) * ramp) * math.log(2)


METHOD = Uamt
