"""Contrast between the weak and the strong view: what the three levels share."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from cclcc_cli.config.methods.view_contrast import ViewContrastOptions, ViewContrastRecipe
from cclcc_cli.losses.contrastive import info_nce_loss
from cclcc_cli.methods.base import Batch, Loss, StepInfo
from cclcc_cli.methods.two_stream import TwoStreamMethod
from cclcc_cli.models.projector import Projector


class ViewContrast(TwoStreamMethod[ViewContrastOptions], ABC):
    """Supervised loss plus InfoNCE between two views of all images, at some level.

    As in CLCC's contrast the keys come without a graph, unless ``symmetric``.

    Args:
        recipe: resolved.
    """

    def __init__(self, recipe: ViewContrastRecipe) -> None:
        super().__init__(recipe)
        self.projector = Projector(
            self.student.feature_channels, self.options.projector_widths, self.strides(recipe)
        )

    @abstractmethod
    def strides(self, recipe: ViewContrastRecipe) -> tuple[int, int, int]:
        """Those of the projector, from the last decoder map to what is contrasted."""

    @abstractmethod
    def embeddings(
        self, features: Tensor, points: Tensor | None, counts: Tensor | None
    ) -> Tensor:
        """Sets of embeddings ``(S, N, D)`` from last decoder maps ``(B, C, H, W)``."""

    @abstractmethod
    def places_that_count(self, counts: Tensor, points: Tensor | None) -> Tensor:
        """Which embeddings count, ``(S, N)``, where these pixels do, ``(B, 1, H, W)`` bool."""

    def draw_points(self, features: Tensor) -> Tensor | None:  # noqa: ARG002
        """The places that both views are compared in; None for all."""
        return None

    def loss(self, batch: Batch, info: StepInfo) -> Loss:
        options = self.options
        weight = options.contrast_weight * info.ramp_up(options.ramp_up)
        if not weight:
            return self.labeled_loss(batch)
        (strong,) = batch.strong
        labeled, unlabeled = self.pass_streams(batch, self.student.features)
        logits = self.student.head(labeled)
        features = torch.cat([labeled, unlabeled])
        points = self.draw_points(features)
        queries = self.embeddings(features, points, batch.counts).float()
        with torch.set_grad_enabled(options.symmetric):
            strong_features = self.pass_others(
                strong, len(batch.target), options.strong_statistics, self.student.features
            )
            keys = self.embeddings(strong_features, points, batch.counts).float()
        supervised = self.supervised_loss(logits, batch)
        counts = batch.counts
        places = None if counts is None else self.places_that_count(counts, points)
        contrast = self._contrast(queries, keys, places)
        return Loss(
            supervised + weight * contrast,
            {"supervised": supervised.detach(), "contrast": contrast.detach()},
        )

    def _contrast(self, queries: Tensor, keys: Tensor, places: Tensor | None) -> Tensor:
        options = self.options

        def one_way(a: Tensor, b: Tensor) -> Tensor:
            return info_nce_loss(
                a, b,
                temperature=options.temperature,
                normalization=options.normalization,
                negatives=options.negatives,
                keys_learn=options.symmetric,
                counts=places,
            )

        # Autocast would take the similarities in half precision, and 1/temperature magnifies that.
        with torch.autocast(queries.device.type, enabled=False):
            forward = one_way(queries, keys)
            return (forward + one_way(keys, queries)) / 2 if options.symmetric else forward
