"""URPC: predictions at several scales are pulled to their mean, less where they disagree."""

from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cclcc_cli.config.methods.urpc import UrpcOptions, UrpcRecipe
from cclcc_cli.losses.pyramid import pyramid_consistency_loss
from cclcc_cli.methods.base import Batch, Loss, StepInfo
from cclcc_cli.methods.two_stream import TwoStreamMethod
from cclcc_cli.models.network import EncoderDecoder
from cclcc_cli.models.perturbations import drop_channels, drop_most_active, scale_noise

_PERTURBATIONS = (drop_channels, drop_most_active, scale_noise)
"""From the coarsest of three scales to the finest, as SSL4MIS has them."""


@final
class Urpc(TwoStreamMethod[UrpcOptions]):
    """Mean supervised loss of the scales plus their rectified difference to the mean.

    SSL4MIS also perturbs the coarser scales' features before their heads: ``perturbed``. The
    paper's idea, that scales differ by themselves, needs none of it.

    Args:
        recipe: resolved.

    Attributes:
        heads: 1x1 convolutions of the coarser scales, coarsest first; the student's own head is
            the finest scale, and the only one that predicts.
    """

    def __init__(self, recipe: UrpcRecipe) -> None:
        super().__init__(recipe)
        student, coarser = self.student, self.options.num_scales - 1
        if self.options.scales == "decoder":
            assert isinstance(student, EncoderDecoder)
            channels = list(student.decoder_channels[-1 - coarser : -1])
        else:
            channels = [student.feature_channels] * coarser
        self.heads = nn.ModuleList(
            nn.Conv2d(c, recipe.model.num_classes, 1) for c in channels
        )

    def loss(self, batch: Batch, info: StepInfo) -> Loss:
        weight = self.options.consistency_weight * info.ramp_up(self.options.ramp_up)
        if not weight:
            return self.labeled_loss(batch)
        # Scales as channels, so that both streams pass like any other map.
        labeled, unlabeled = self.pass_streams(batch, lambda x: torch.stack(self._scales(x), dim=1))
        *coarse, finest = (self.supervised_loss(x, batch) for x in labeled.unbind(1))
        share = self.options.coarse_weight
        supervised = (finest + share * torch.stack(coarse).sum()) / (1 + share * len(coarse))
        consistency = pyramid_consistency_loss(
            list(unlabeled.unbind(1)), batch.unlabeled_counts
        )
        return Loss(
            supervised + weight * consistency,
            {"supervised": supervised.detach(), "consistency": consistency.detach()},
        )

    def _scales(self, images: Tensor) -> list[Tensor]:
        """Logits at full size, ``(B, K, H, W)`` each, the coarsest scale's first."""
        student, coarser = self.student, len(self.heads)
        if self.options.scales == "decoder":
            assert isinstance(student, EncoderDecoder)
            maps = student.decode(student.encode(images))[-1 - coarser :]
        else:
            last = student.features(images)
            pooled = [F.avg_pool2d(last, 2**level) for level in range(coarser, 0, -1)]
            maps = [*pooled, last]
        size = images.shape[2:]
        coarse = maps[:-1]
        if self.options.perturbed:
            changes = _PERTURBATIONS[-coarser:]
            coarse = [change(m) for change, m in zip(changes, coarse, strict=True)]
        logits = [head(m).float() for head, m in zip(self.heads, coarse, strict=True)]
        raised = [
            F.interpolate(x, size=size, mode="bilinear", align_corners=False) for x in logits
        ]
        return [*raised, student.head(maps[-1]).float()]


METHOD = Urpc
