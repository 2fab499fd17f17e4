"""Entropy minimisation: confident predictions on unlabelled images."""

from typing import final

from cclcc_cli.config.methods.entropy import EntropyOptions
from cclcc_cli.losses.entropy import entropy_loss
from cclcc_cli.methods.base import Batch, Loss, StepInfo
from cclcc_cli.methods.two_stream import TwoStreamMethod


@final
class Entropy(TwoStreamMethod[EntropyOptions]):
    """Supervised loss plus mean entropy of the predictions on unlabelled images."""

    def loss(self, batch: Batch, info: StepInfo) -> Loss:
        weight = self.options.entropy_weight * info.ramp_up(self.options.ramp_up)
        if not weight:
            return self.labeled_loss(batch)
        labeled, unlabeled = self.pass_streams(batch, self.student)
        supervised = self.supervised_loss(labeled, batch)
        entropy = entropy_loss(unlabeled.float(), batch.unlabeled_counts)
        return Loss(
            supervised + weight * entropy,
            {"supervised": supervised.detach(), "entropy": entropy.detach()},
        )


METHOD = Entropy
