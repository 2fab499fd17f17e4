"""CLCC: one network sees whole images and their patches, and the two levels teach each other."""

from typing import TypedDict, assert_never, final

import torch
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
from cclcc_cli.models.network import Network
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
        projector: from its last decoder map to embeddings, used while there is contrast.
        recipe: weights, options and the order of the terms.
    """

    def __init__(self, student: Network, projector: Projector, recipe: ClccRecipe) -> None:
        super().__init__(student, recipe.clcc, recipe)
        self.projector = projector

    def loss(self, batch: Batch, moment: Moment) -> Loss:
        contrast_weight, consistency_weight = self.weights(moment)
        if not contrast_weight and not consistency_weight:
            return self.labeled_loss(batch)
        labeled, unlabeled = self.pass_streams(
            batch, self.student.features, both_learn=bool(contrast_weight)
        )
        logits = self.student.head(labeled)
        supervised = self.supervised_loss(logits, batch)
        features = torch.cat([labeled, unlabeled])
        total, terms = supervised, {"supervised": supervised.detach()}

        patches = split_patches(batch.images, self._config.grid).contiguous(
            memory_format=torch.channels_last
        )
        # Contrast alone takes patches as keys only: no graph, hence no backward pass, for them.
        patches_learn = bool(consistency_weight) or self._config.symmetric
        with torch.set_grad_enabled(patches_learn):
            patch_features = self.pass_others(
                patches, len(batch.target) * self._config.grid**2, self._config.patch_statistics
            )
        if contrast_weight:
            contrast = self._contrast(features, patch_features)
            total = total + contrast_weight * contrast
            terms["contrast"] = contrast.detach()
        if consistency_weight:
            patch_logits = join_patches(self.student.head(patch_features), self._config.grid)
            with torch.no_grad():  # the target
                logits = torch.cat([logits, self.student.head(unlabeled)])
            consistency = patch_consistency_loss(patch_logits.float(), logits.float())
            total = total + consistency_weight * consistency
            terms["consistency"] = consistency.detach()
        return Loss(total, terms)

    def weights(self, moment: Moment) -> tuple[float, float]:
        """The weights of contrast and consistency at this moment; 0 means not computed."""
        contrast, consistency = self._config.contrast_weight, self._config.consistency_weight
        match self._config.terms:
            case TwoStages(contrast=share):
                first = moment.step * share.denominator < share.numerator * moment.total_steps
                return (contrast, 0.0) if first else (0.0, consistency)
            case Joint(ramp_up=share):
                ramp = moment.ramp_up(share)
                return contrast * ramp, consistency * ramp
            case never:
                assert_never(never)

    def _contrast(self, features: Tensor, patch_features: Tensor) -> Tensor:
        config, grid = self._config, self._config.grid
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
    strides = config.projector_strides or choose_strides(recipe.data.size // config.grid)
    student = build_network(recipe.model)  # first, so that it starts as supervised's does
    projector = Projector(student.feature_channels, config.projector_widths, strides)
    return Clcc(student, projector, recipe)
