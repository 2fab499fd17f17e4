"""FixMatch on pixels: confident labels of the weak view are the strong view's target."""

from typing import final

import torch

from cclcc_cli.config.methods.fixmatch import FixMatchOptions
from cclcc_cli.data.mixing import draw_cutmix_boxes, paste_neighbor
from cclcc_cli.losses.counting import mean_where
from cclcc_cli.losses.pseudo_labels import pseudo_label_loss
from cclcc_cli.methods.base import Batch, Loss, StepInfo
from cclcc_cli.methods.two_stream import TwoStreamMethod
from cclcc_cli.models.batch_norm import norm_statistics


@final
class FixMatch(TwoStreamMethod[FixMatchOptions]):
    """Supervised loss plus cross-entropy of strong views to confident labels of weak ones."""

    def loss(self, batch: Batch, info: StepInfo) -> Loss:
        options = self.options
        weight = options.pseudo_weight * info.ramp_up(options.ramp_up)
        if not weight:
            return self.labeled_loss(batch)
        (strong,) = batch.strong
        labeled, weak = self.pass_streams(batch, self.student, both_learn=False)
        boxes = draw_cutmix_boxes(len(strong), strong.shape[2:], options.cutmix)
        boxes = boxes.to(strong.device, non_blocking=True)
        with norm_statistics(self.student, options.strong_statistics):
            strong_logits = self.student(paste_neighbor(strong, boxes)).float()
        probs = torch.sigmoid(weak.detach().float())
        supervised, counts = self.supervised_loss(labeled, batch), batch.unlabeled_counts
        pseudo = pseudo_label_loss(
            strong_logits, paste_neighbor(probs, boxes), options.threshold,
            None if counts is None else paste_neighbor(counts, boxes),
        )
        sure = torch.maximum(probs, 1 - probs) > options.threshold
        return Loss(
            supervised + weight * pseudo,
            {
                "supervised": supervised.detach(),
                "pseudo": pseudo.detach(),
                "sure": mean_where(sure.float(), counts),
            },
        )


METHOD = FixMatch
