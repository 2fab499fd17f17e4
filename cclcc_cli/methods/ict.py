"""ICT: on a mixture of two images, predict the mixture of the teacher's two answers."""

from typing import final

import torch
from torch.distributions import Beta

from cclcc_cli.config.methods.ict import IctOptions
from cclcc_cli.data.mixing import mix_halves
from cclcc_cli.losses.consistency import consistency_loss
from cclcc_cli.methods.base import Batch, Loss, StepInfo
from cclcc_cli.methods.student_teacher import StudentTeacherMethod


@final
class Ict(StudentTeacherMethod[IctOptions]):
    """Supervised loss plus squared difference to the mixed answer on mixed unlabelled images.

    As in SSL4MIS the first half of the unlabelled images is mixed with the second, so that the
    student sees half as many of them.
    """

    def loss(self, batch: Batch, info: StepInfo) -> Loss:
        options = self.options
        weight = options.consistency_weight * info.ramp_up(options.ramp_up)
        if not weight:
            return self.labeled_loss(batch)
        half = len(batch.unlabeled) // 2
        # On the CPU: no wait for the device. Dropout draws what it would without shares.
        with torch.random.fork_rng(devices=[]):
            shares = Beta(options.mix_alpha, options.mix_alpha).sample((half, 1, 1, 1))
        mixed = mix_halves(batch.unlabeled, shares)
        both = Batch(torch.cat([batch.labeled, mixed]), batch.target)
        counts = batch.unlabeled_counts
        if counts is not None:  # of a mixture, what counts in both
            counts = counts[:half] & counts[half : 2 * half]
        labeled, unlabeled = self.pass_streams(both, self.student)
        target = mix_halves(torch.sigmoid(self.teacher(batch.unlabeled)), shares)
        supervised = self.supervised_loss(labeled, batch)
        consistency = consistency_loss(unlabeled.float(), target, counts)
        return Loss(
            supervised + weight * consistency,
            {"supervised": supervised.detach(), "consistency": consistency.detach()},
        )


METHOD = Ict
