"""BCP: a box of a labelled image pasted into an unlabelled one, and the other way round."""

from typing import final

import torch
from scipy import ndimage
from torch import Tensor

from cclcc_cli.config.methods.bcp import BcpOptions
from cclcc_cli.data.mixing import draw_paste_box
from cclcc_cli.losses.overlap import region_bce_dice_loss
from cclcc_cli.methods.base import Batch, Loss, StepInfo
from cclcc_cli.methods.student_teacher import StudentTeacherMethod
from cclcc_cli.methods.supervision import supervised_weights


@final
class Bcp(StudentTeacherMethod[BcpOptions]):
    """Labelled pixels by their truth, unlabelled ones by the teacher's mask, in mixed images.

    There is no step on plain labelled images: first labelled ones are pasted into each other,
    then labelled and unlabelled ones both ways. Published, the first stage ends with its best
    checkpoint in both networks; here the teacher has followed all along. Every image of a pass
    is a mixture, so that BatchNorm has one stream to normalise.
    """

    def loss(self, batch: Batch, info: StepInfo) -> Loss:
        options = self.options
        if not options.unlabeled_weight:
            return self.labeled_loss(batch)
        box = draw_paste_box(batch.images.shape[2:], options.box)
        box = box.to(batch.images.device, non_blocking=True)
        if info.step < float(options.pretraining) * info.total_steps:
            return self._pretrain(batch, box)
        half = len(batch.target) // 2
        # The first half of the labelled images goes into the box, of the others what is around.
        from_labeled = torch.cat([box.expand(half, -1, -1, -1), ~box.expand(half, -1, -1, -1)])
        mixed = torch.where(from_labeled, batch.labeled, batch.unlabeled)
        logits = self.student(mixed).float()
        pseudo = (self.teacher(batch.unlabeled) > 0).float()
        if batch.unlabeled_counts is not None:
            pseudo *= batch.unlabeled_counts
        if options.largest_component:
            pseudo = keep_largest(pseudo)
        supervised = self._region_loss(logits, batch.target, from_labeled, batch.labeled_counts)
        pseudo_loss = self._region_loss(logits, pseudo, ~from_labeled, batch.unlabeled_counts)
        return Loss(
            supervised + options.unlabeled_weight * pseudo_loss,
            {"supervised": supervised.detach(), "pseudo": pseudo_loss.detach()},
        )

    def _pretrain(self, batch: Batch, box: Tensor) -> Loss:
        """Labelled images in labelled images; both parts weigh alike."""
        half = len(batch.target) // 2
        inside = box.expand(half, -1, -1, -1)
        mixed = torch.where(inside, batch.labeled[:half], batch.labeled[half:])
        logits = self.student(mixed).float()
        counts = batch.labeled_counts
        first, second = (None, None) if counts is None else (counts[:half], counts[half:])
        supervised = self._region_loss(
            logits, batch.target[:half], inside, first
        ) + self._region_loss(logits, batch.target[half:], ~inside, second)
        return Loss(supervised, {"supervised": supervised.detach()})

    def _region_loss(
        self, logits: Tensor, target: Tensor, region: Tensor, counts: Tensor | None
    ) -> Tensor:
        weights = supervised_weights(target, self._supervised, counts)
        if counts is not None:
            region = region & counts
        return region_bce_dice_loss(logits, target, region.float(), weights)


def keep_largest(masks: Tensor) -> Tensor:
    """Masks ``(U, 1, H, W)`` in {0, 1} with their largest 8-connected region alone."""
    kept = []
    for mask in masks[:, 0].cpu().numpy():
        labels, count = ndimage.label(mask, structure=[[1, 1, 1]] * 3)
        sizes = ndimage.sum_labels(mask, labels, range(1, count + 1))
        kept.append(torch.from_numpy(labels == 1 + int(sizes.argmax())) if count else
                    torch.zeros(mask.shape, dtype=torch.bool))
    return torch.stack(kept)[:, None].to(masks)


METHOD = Bcp
