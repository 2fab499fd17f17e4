"""CLCC: one network sees whole images and their patches, and the two levels teach each other."""

import math
from typing import TypedDict, assert_never, final

import torch
import torch.nn.functional as F
from torch import Tensor

from cclcc_cli.config.clcc import Clcc as ClccConfig
from cclcc_cli.config.clcc import Joint, TwoStages
from cclcc_cli.config.recipes import ClccRecipe
from cclcc_cli.data.grid import join_patches, split_patches
from cclcc_cli.losses.consistency import patch_consistency_loss
from cclcc_cli.losses.contrastive import (
    Negatives,
    Normalization,
    cross_level_contrastive_loss,
)
from cclcc_cli.methods.base import Batch, Loss, Moment
from cclcc_cli.methods.two_stream import TwoStreamMethod
from cclcc_cli.models.build import build_network
from cclcc_cli.models.ema import EmaTeacher
from cclcc_cli.models.network import EncoderDecoder, Network
from cclcc_cli.models.projector import Projector, choose_strides


class _ContrastOptions(TypedDict):
    temperature: float
    normalization: Normalization
    negatives: Negatives


@final
class Clcc(TwoStreamMethod[ClccConfig]):
    """Supervised loss plus cross-level contrast and cross-level consistency.

    Args:
        student: the network; the only part that is kept.
        projector: from the map that is contrasted to embeddings, used while there is contrast.
        recipe: weights, options and the order of the terms.
    """

    def __init__(self, student: Network, projector: Projector, recipe: ClccRecipe) -> None:
        super().__init__(student, recipe.clcc, recipe)
        self.projector = projector
        self.teacher: EmaTeacher | None = None
        decay = recipe.clcc.target_ema_decay
        if decay is not None and recipe.clcc.consistency_weight:
            self.teacher = EmaTeacher(student, decay)

    def loss(self, batch: Batch, moment: Moment) -> Loss:
        contrast_weight, consistency_weight = self.weights(moment)
        if not contrast_weight and not consistency_weight:
            return self.labeled_loss(batch)
        labeled, unlabeled = self.pass_streams(
            batch, self._maps, both_learn=bool(contrast_weight)
        )
        logits = self.student.head(labeled[0])
        supervised = self.supervised_loss(logits, batch)
        total, terms = supervised, {"supervised": supervised.detach()}

        # Contrast alone takes patches as keys only: no graph, hence no backward pass, for them.
        with torch.set_grad_enabled(bool(consistency_weight) or self._config.symmetric):
            patches = self._patch_maps(batch)
        if contrast_weight:
            contrast = self._contrast(torch.cat([labeled[-1], unlabeled[-1]]), patches[-1])
            total = total + contrast_weight * contrast
            terms["contrast"] = contrast.detach()
        if consistency_weight:
            patch_logits = join_patches(self.student.head(patches[0]), self._config.grid)
            target = self._target(batch, logits, unlabeled[0]).float()
            consistency = patch_consistency_loss(patch_logits.float(), target, self._sure(target))
            total = total + consistency_weight * consistency
            terms["consistency"] = consistency.detach()
        return Loss(total, terms)

    def after_step(self) -> None:
        if self.teacher is not None:
            self.teacher.follow(self.student)

    def _maps(self, images: Tensor) -> list[Tensor]:
        """The last decoder map, ``(B, C, H, W)``, first, and the one that is contrasted last."""
        if self._config.contrast_on == "decoder":
            return [self.student.features(images)]
        assert isinstance(self.student, EncoderDecoder)
        encoded = self.student.encode(images)
        return [self.student.decode(encoded)[-1], encoded[-1]]

    def _patch_maps(self, batch: Batch) -> list[Tensor]:
        """The same of the patches, ``(B * N, C, P, P)``."""
        config = self._config
        images = batch.images if config.patch_view is None else batch.strong[0]
        patches = split_patches(images, config.grid).contiguous(memory_format=torch.channels_last)
        labeled = len(batch.target) * config.grid**2
        return self.pass_others(patches, labeled, config.patch_statistics, self._maps)

    def _target(self, batch: Batch, labeled_logits: Tensor, unlabeled: Tensor) -> Tensor:
        """Logits for whole images, ``(B, 1, H, W)``, which patches are held to."""
        if self.teacher is None:
            with torch.no_grad():
                return torch.cat([labeled_logits, self.student.head(unlabeled)])
        streams = [batch.images] if self._joint else [batch.labeled, batch.unlabeled]
        return torch.cat([self.teacher(images) for images in streams])

    def _sure(self, target: Tensor) -> Tensor | None:
        """Where the target is sure enough to count; None where all counts."""
        threshold = self._config.consistency_threshold
        return None if threshold is None else target.abs() > math.log(threshold / (1 - threshold))

    def weights(self, moment: Moment) -> tuple[float, float]:
        """The weights of contrast and consistency at this moment; 0 means not computed."""
        contrast, consistency = self._config.contrast_weight, self._config.consistency_weight
        match self._config.terms:
            case TwoStages(contrast=share):
                first = moment.step * share.denominator < share.numerator * moment.total_steps
                return (contrast, 0.0) if first else (0.0, consistency)
            case Joint(start=start, ramp_up=share):
                if moment.step < float(start) * moment.total_steps:
                    return 0.0, 0.0
                ramp = moment.ramp_up(share, start)
                return contrast * ramp, consistency * ramp
            case never:
                assert_never(never)

    def _contrast(self, features: Tensor, patch_features: Tensor) -> Tensor:
        config, grid = self._config, self._config.grid
        if config.contrast_on == "encoder":  # which is coarse already: its strides are 1
            features = F.adaptive_avg_pool2d(features, grid)
            patch_features = F.adaptive_avg_pool2d(patch_features, 1)
        whole = self.projector(features).float()  # (B, D, G, G)
        with torch.set_grad_enabled(config.symmetric):
            cells = self.projector(patch_features).float()  # (B * N, D, 1, 1)
        patches = join_patches(cells, grid)
        options: _ContrastOptions = {
            "temperature": config.temperature,
            "normalization": config.normalization,
            "negatives": config.negatives,
        }
        # Autocast would take the similarities in half precision, and 1/temperature magnifies that.
        with torch.autocast(whole.device.type, enabled=False):
            forward = cross_level_contrastive_loss(whole, patches, **options)
            if not config.symmetric:
                return forward
            return (forward + cross_level_contrastive_loss(patches, whole, **options)) / 2


def build_clcc(recipe: ClccRecipe) -> Clcc:
    config = recipe.clcc
    student = build_network(recipe.model)  # first, so that it starts as supervised's does
    if config.contrast_on == "encoder":
        assert isinstance(student, EncoderDecoder)
        projector = Projector(student.encoder_channels, config.projector_widths, (1, 1, 1))
    else:
        strides = config.projector_strides or choose_strides(recipe.data.size // config.grid)
        projector = Projector(student.feature_channels, config.projector_widths, strides)
    return Clcc(student, projector, recipe)
