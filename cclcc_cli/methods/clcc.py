"""CLCC: one network sees whole images and their patches, and the two levels teach each other."""

import math
from typing import TypedDict, assert_never, final

import torch
import torch.nn.functional as F
from torch import Tensor

from cclcc_cli.config.methods.clcc import ClccOptions, ClccRecipe, Joint, TwoStages
from cclcc_cli.data.grid import cells_that_count, join_patches, split_patches
from cclcc_cli.losses.consistency import patch_consistency_loss
from cclcc_cli.losses.contrastive import (
    Negatives,
    Normalization,
    cross_level_contrastive_loss,
)
from cclcc_cli.methods.base import Batch, Loss, StepInfo
from cclcc_cli.methods.two_stream import TwoStreamMethod
from cclcc_cli.models.ema import EmaTeacher
from cclcc_cli.models.network import EncoderDecoder
from cclcc_cli.models.projector import Projector, choose_strides


class _ContrastOptions(TypedDict):
    temperature: float
    normalization: Normalization
    negatives: Negatives


@final
class Clcc(TwoStreamMethod[ClccOptions]):
    """Supervised loss plus cross-level contrast and cross-level consistency.

    Args:
        recipe: resolved.

    Attributes:
        projector: from the map that is contrasted to embeddings, used while there is contrast.
        teacher: whose prediction for the whole image is the target; None where it is the
            student's own.
    """

    def __init__(self, recipe: ClccRecipe) -> None:
        super().__init__(recipe)
        options, student = self.options, self.student
        if options.contrast_on == "encoder":
            assert isinstance(student, EncoderDecoder)
            self.projector = Projector(
                student.encoder_channels, options.projector_widths, (1, 1, 1)
            )
        else:
            strides = options.projector_strides or choose_strides(
                recipe.data.size // options.grid
            )
            self.projector = Projector(student.feature_channels, options.projector_widths, strides)
        self.teacher: EmaTeacher | None = None
        decay = options.target_ema_decay
        if decay is not None and options.consistency_weight:
            self.teacher = EmaTeacher(student, decay)

    def loss(self, batch: Batch, info: StepInfo) -> Loss:
        contrast_weight, consistency_weight = self.weights(info)
        if not contrast_weight and not consistency_weight:
            return self.labeled_loss(batch)
        labeled, unlabeled = self.pass_streams(
            batch, self._maps, both_learn=bool(contrast_weight)
        )
        logits = self.student.head(labeled[0])
        supervised = self.supervised_loss(logits, batch)
        total, terms = supervised, {"supervised": supervised.detach()}

        # Contrast alone takes patches as keys only: no graph, hence no backward pass, for them.
        with torch.set_grad_enabled(bool(consistency_weight) or self.options.symmetric):
            patches = self._patch_maps(batch)
        if contrast_weight:
            contrast = self._contrast(
                torch.cat([labeled[-1], unlabeled[-1]]), patches[-1], batch.counts
            )
            total = total + contrast_weight * contrast
            terms["contrast"] = contrast.detach()
        if consistency_weight:
            patch_logits = join_patches(self.student.head(patches[0]), self.options.grid)
            target = self._target(batch, logits, unlabeled[0]).float()
            consistency = patch_consistency_loss(
                patch_logits.float(), target, self._sure(target, batch.counts)
            )
            total = total + consistency_weight * consistency
            terms["consistency"] = consistency.detach()
        return Loss(total, terms)

    def after_step(self) -> None:
        if self.teacher is not None:
            self.teacher.follow(self.student)

    def _maps(self, images: Tensor) -> list[Tensor]:
        """The last decoder map, ``(B, C, H, W)``, first, and the one that is contrasted last."""
        if self.options.contrast_on == "decoder":
            return [self.student.features(images)]
        assert isinstance(self.student, EncoderDecoder)
        encoded = self.student.encode(images)
        return [self.student.decode(encoded)[-1], encoded[-1]]

    def _patch_maps(self, batch: Batch) -> list[Tensor]:
        """The same of the patches, ``(B * N, C, P, P)``."""
        options = self.options
        images = batch.images if options.patch_view is None else batch.strong[0]
        patches = split_patches(images, options.grid).contiguous(memory_format=torch.channels_last)
        labeled = len(batch.target) * options.grid**2
        return self.pass_others(patches, labeled, options.patch_statistics, self._maps)

    def _target(self, batch: Batch, labeled_logits: Tensor, unlabeled: Tensor) -> Tensor:
        """Logits for whole images, ``(B, 1, H, W)``, which patches are held to."""
        if self.teacher is None:
            with torch.no_grad():
                return torch.cat([labeled_logits, self.student.head(unlabeled)])
        streams = [batch.images] if self._joint else [batch.labeled, batch.unlabeled]
        return torch.cat([self.teacher(images) for images in streams])

    def _sure(self, target: Tensor, counts: Tensor | None) -> Tensor | None:
        """Which pixels that count have a target sure enough; None where all count."""
        threshold = self.options.consistency_threshold
        if threshold is None:
            return counts
        sure = target.abs() > math.log(threshold / (1 - threshold))
        return sure if counts is None else sure & counts

    def weights(self, info: StepInfo) -> tuple[float, float]:
        """The weights of contrast and consistency at this step; 0 means not computed."""
        contrast, consistency = self.options.contrast_weight, self.options.consistency_weight
        match self.options.terms:
            case TwoStages(contrast=share):
                first = info.step * share.denominator < share.numerator * info.total_steps
                return (contrast, 0.0) if first else (0.0, consistency)
            case Joint(start=start, ramp_up=share):
                if info.step < float(start) * info.total_steps:
                    return 0.0, 0.0
                ramp = info.ramp_up(share, start)
                return contrast * ramp, consistency * ramp
            case never:
                assert_never(never)

    def _contrast(
        self, features: Tensor, patch_features: Tensor, counts: Tensor | None
    ) -> Tensor:
        options, grid = self.options, self.options.grid
        if options.contrast_on == "encoder":  # which is coarse already: its strides are 1
            features = F.adaptive_avg_pool2d(features, grid)
            patch_features = F.adaptive_avg_pool2d(patch_features, 1)
        whole = self.projector(features).float()  # (B, D, G, G)
        with torch.set_grad_enabled(options.symmetric):
            cells = self.projector(patch_features).float()  # (B * N, D, 1, 1)
        patches = join_patches(cells, grid)
        settings: _ContrastOptions = {
            "temperature": options.temperature,
            "normalization": options.normalization,
            "negatives": options.negatives,
        }
        # Autocast would take the similarities in half precision, and 1/temperature magnifies that.
        with torch.autocast(whole.device.type, enabled=False):
            seen = None if counts is None else cells_that_count(counts, grid)
            forward = cross_level_contrastive_loss(whole, patches, counts=seen, **settings)
            if not options.symmetric:
                return forward
            back = cross_level_contrastive_loss(patches, whole, counts=seen, **settings)
            return (forward + back) / 2


METHOD = Clcc
