"""FixMatch on pixels: what the weak view is sure of teaches the strong view."""

from typing import final

import torch

from cclcc_cli.config.recipes import FixMatchRecipe
from cclcc_cli.config.rivals import FixMatch as FixMatchConfig
from cclcc_cli.config.schema import SupervisedLoss
from cclcc_cli.data.mixing import draw_cutmix_boxes, paste_neighbor
from cclcc_cli.losses.pseudo_labels import pseudo_label_loss
from cclcc_cli.methods.base import Batch, Loss, Method, Moment
from cclcc_cli.methods.supervision import labeled_loss, supervised_loss
from cclcc_cli.models.batch_norm import norm_statistics
from cclcc_cli.models.build import build_network
from cclcc_cli.models.ema import judge
from cclcc_cli.models.network import Network


@final
class FixMatch(Method):
    """Supervised loss plus cross-entropy of strong views to confident labels of weak ones."""

    def __init__(
        self, student: Network, config: FixMatchConfig, supervised: SupervisedLoss
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
        (strong,) = batch.strong
        boxes = draw_cutmix_boxes(len(strong), strong.shape[2:], config.cutmix)
        boxes = boxes.to(strong.device, non_blocking=True)
        logits = self.student(batch.labeled).float()
        with norm_statistics(self.student, config.strong_statistics):
            strong_logits = self.student(paste_neighbor(strong, boxes)).float()
        # Weak views are what the network is tested on: running statistics may learn from them.
        probs = torch.sigmoid(judge(self.student, batch.unlabeled, track=True))
        supervised = supervised_loss(logits, batch.target, self._supervised)
        pseudo = pseudo_label_loss(
            strong_logits, paste_neighbor(probs, boxes), config.threshold
        )
        sure = torch.maximum(probs, 1 - probs) > config.threshold
        return Loss(
            supervised + weight * pseudo,
            {
                "supervised": supervised.detach(),
                "pseudo": pseudo.detach(),
                "sure": sure.float().mean(),
            },
        )


def build_fixmatch(recipe: FixMatchRecipe) -> FixMatch:
    return FixMatch(build_network(recipe.model), recipe.fixmatch, recipe.supervised_loss)
