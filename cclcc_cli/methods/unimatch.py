"""UniMatch: FixMatch with two strong views, and a weak view whose features are dropped."""

from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor

from cclcc_cli.config.recipes import UniMatchRecipe
from cclcc_cli.config.rivals import UniMatch as UniMatchConfig
from cclcc_cli.config.schema import SupervisedLoss
from cclcc_cli.data.mixing import draw_cutmix_boxes, paste_neighbor
from cclcc_cli.losses.pseudo_labels import pseudo_label_loss
from cclcc_cli.methods.base import Batch, Loss, Method, Moment
from cclcc_cli.methods.supervision import labeled_loss, supervised_loss
from cclcc_cli.models.batch_norm import norm_statistics
from cclcc_cli.models.build import build_network
from cclcc_cli.models.network import EncoderDecoder, Network


@final
class UniMatch(Method):
    """Supervised loss plus what the weak view's confident labels teach three other views.

    Half of the weight is the two strong views', half that of dropped features. Published, the
    sum with the supervised loss is halved, which an optimiser such as AdamW does not notice, and
    boxes come from a second batch, judged in evaluation mode; here from the batch's neighbour.
    """

    def __init__(
        self, student: Network, config: UniMatchConfig, supervised: SupervisedLoss
    ) -> None:
        super().__init__()
        self.student = student
        self._config = config
        self._supervised = supervised

    def loss(self, batch: Batch, moment: Moment) -> Loss:
        config = self._config
        weight = config.pseudo_weight * moment.ramp_up(config.ramp_up)
        if not weight:
            return labeled_loss(self.student, batch, self._supervised)
        num_labeled = len(batch.target)
        boxes = [
            draw_cutmix_boxes(len(view), view.shape[2:], config.cutmix).to(
                view.device, non_blocking=True
            )
            for view in batch.strong
        ]
        logits, dropped_logits = self._logits(batch.images, num_labeled)
        mixed = [paste_neighbor(v, b) for v, b in zip(batch.strong, boxes, strict=True)]
        with norm_statistics(self.student, config.strong_statistics):
            strong_logits = self.student(torch.cat(mixed)).float()
        probs = torch.sigmoid(logits[num_labeled:].detach())
        supervised = supervised_loss(logits[:num_labeled], batch.target, self._supervised)
        strong = pseudo_label_loss(
            strong_logits, torch.cat([paste_neighbor(probs, b) for b in boxes]), config.threshold
        )
        features = pseudo_label_loss(dropped_logits, probs, config.threshold)
        sure = torch.maximum(probs, 1 - probs) > config.threshold
        return Loss(
            supervised + weight * (strong + features) / 2,
            {
                "supervised": supervised.detach(),
                "pseudo_strong": strong.detach(),
                "pseudo_features": features.detach(),
                "sure": sure.float().mean(),
            },
        )

    def _logits(self, images: Tensor, num_labeled: int) -> tuple[Tensor, Tensor]:
        """Logits of all weak views, and of the unlabelled ones with channels dropped."""
        config, student = self._config, self.student
        if config.dropout_at == "last_map":
            features = student.features(images)
            dropped = F.dropout2d(features[num_labeled:], config.dropout)
            return student.head(features).float(), student.head(dropped).float()
        assert isinstance(student, EncoderDecoder)
        encoded = student.encode(images)
        # One pass of the decoder for both: it has no BatchNorm that would mix them.
        both = [torch.cat([m, F.dropout2d(m[num_labeled:], config.dropout)]) for m in encoded]
        logits = student.head(student.decode(both)[-1]).float()
        return logits[: len(images)], logits[len(images) :]


def build_unimatch(recipe: UniMatchRecipe) -> UniMatch:
    return UniMatch(build_network(recipe.model), recipe.unimatch, recipe.supervised_loss)
