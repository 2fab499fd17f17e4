"""UniMatch: FixMatch with two strong views, and a weak view whose features are dropped."""

from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor

from cclcc_cli.config.methods.unimatch import UniMatchOptions
from cclcc_cli.data.mixing import draw_cutmix_boxes, paste_neighbor
from cclcc_cli.losses.counting import mean_where
from cclcc_cli.losses.pseudo_labels import pseudo_label_loss
from cclcc_cli.methods.base import Batch, Loss, StepInfo
from cclcc_cli.methods.two_stream import TwoStreamMethod
from cclcc_cli.models.batch_norm import norm_statistics
from cclcc_cli.models.network import EncoderDecoder


@final
class UniMatch(TwoStreamMethod[UniMatchOptions]):
    """Supervised loss plus what the weak view's confident labels teach three other views.

    Half of the weight is the two strong views', half that of dropped features. Published, the
    sum with the supervised loss is halved, which an optimiser such as AdamW does not notice, and
    boxes come from a second batch, predicted in evaluation mode; here from the batch's neighbour.
    """

    def loss(self, batch: Batch, info: StepInfo) -> Loss:
        options = self.options
        weight = options.pseudo_weight * info.ramp_up(options.ramp_up)
        if not weight:
            return self.labeled_loss(batch)
        labeled, unlabeled, dropped = self._logits(batch)
        boxes = [
            draw_cutmix_boxes(len(view), view.shape[2:], options.cutmix).to(
                view.device, non_blocking=True
            )
            for view in batch.strong
        ]
        mixed = [paste_neighbor(v, b) for v, b in zip(batch.strong, boxes, strict=True)]
        with norm_statistics(self.student, options.strong_statistics):
            strong_logits = self.student(torch.cat(mixed)).float()
        probs = torch.sigmoid(unlabeled.detach())
        supervised = self.supervised_loss(labeled, batch)
        counts = batch.unlabeled_counts
        strong = pseudo_label_loss(
            strong_logits, torch.cat([paste_neighbor(probs, b) for b in boxes]), options.threshold,
            None if counts is None else torch.cat([paste_neighbor(counts, b) for b in boxes]),
        )
        features = pseudo_label_loss(dropped, probs, options.threshold, counts)
        sure = torch.maximum(probs, 1 - probs) > options.threshold
        return Loss(
            supervised + weight * (strong + features) / 2,
            {
                "supervised": supervised.detach(),
                "pseudo_strong": strong.detach(),
                "pseudo_features": features.detach(),
                "sure": mean_where(sure.float(), counts),
            },
        )

    def _logits(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Logits of labelled images, of unlabelled ones, and of these with channels dropped."""
        options, student = self.options, self.student
        if options.dropout_at == "last_map":
            labeled, unlabeled = self.pass_streams(batch, student.features)
            dropped = F.dropout2d(unlabeled, options.dropout)
            logits = [student.head(x).float() for x in (labeled, unlabeled, dropped)]
        elif self._joint:
            assert isinstance(student, EncoderDecoder)
            encoded, count = student.encode(batch.images), len(batch.target)
            both = [torch.cat([m, F.dropout2d(m[count:], options.dropout)]) for m in encoded]
            of_all = student.head(student.decode(both)[-1]).float()
            rest = len(batch.unlabeled)
            logits = list(of_all.split([count, rest, rest]))
        else:
            assert isinstance(student, EncoderDecoder)
            logits = [student(batch.labeled).float()]
            with norm_statistics(student, "separate"):
                encoded = student.encode(batch.unlabeled)
                dropped_maps = [F.dropout2d(m, options.dropout) for m in encoded]
                # A pass each: a decoder's BatchNorm would have them share their statistics.
                logits += [student.head(student.decode(maps)[-1]).float()
                           for maps in (encoded, dropped_maps)]
        labeled, unlabeled, dropped = logits
        return labeled, unlabeled, dropped


METHOD = UniMatch
