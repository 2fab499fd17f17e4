"""Contrast between the weak and the strong view: what the three levels share."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from cclcc_cli.config.base import TwoStreamRecipe
from cclcc_cli.config.clcc import ViewContrast as ViewContrastConfig
from cclcc_cli.losses.contrastive import info_nce_loss
from cclcc_cli.methods.base import Batch, Loss, Moment
from cclcc_cli.methods.two_stream import TwoStreamMethod
from cclcc_cli.models.network import Network
from cclcc_cli.models.projector import Projector


class ViewContrast(TwoStreamMethod[ViewContrastConfig], ABC):
    """Supervised loss plus InfoNCE between two views of all images, at some level.

    As in CLCC's contrast the keys come without a graph, unless ``symmetric``.

    Args:
        student: the network.
        projector: from its last decoder map to embeddings.
        config: weight and config.
        recipe: the rest.
    """

    def __init__(
        self,
        student: Network,
        projector: Projector,
        config: ViewContrastConfig,
        recipe: TwoStreamRecipe,
    ) -> None:
        super().__init__(student, config, recipe)
        self.projector = projector

    @abstractmethod
    def embeddings(self, features: Tensor, points: Tensor | None) -> Tensor:
        """Sets of embeddings ``(S, N, D)`` from last decoder maps ``(B, C, H, W)``."""

    def draw_points(self, features: Tensor) -> Tensor | None:  # noqa: ARG002
        """The places that both views are compared in; None for all."""
        return None

    def loss(self, batch: Batch, moment: Moment) -> Loss:
        config = self._config
        weight = config.contrast_weight * moment.ramp_up(config.ramp_up)
        if not weight:
            return self.labeled_loss(batch)
        (strong,) = batch.strong
        labeled, unlabeled = self.pass_streams(batch, self.student.features)
        logits = self.student.head(labeled)
        features = torch.cat([labeled, unlabeled])
        points = self.draw_points(features)
        queries = self.embeddings(features, points).float()
        with torch.set_grad_enabled(config.symmetric):
            strong_features = self.pass_others(
                strong, len(batch.target), config.strong_statistics, self.student.features
            )
            keys = self.embeddings(strong_features, points).float()
        supervised = self.supervised_loss(logits, batch)
        contrast = self._contrast(queries, keys)
        return Loss(
            supervised + weight * contrast,
            {"supervised": supervised.detach(), "contrast": contrast.detach()},
        )

    def _contrast(self, queries: Tensor, keys: Tensor) -> Tensor:
        config = self._config

        def one_way(a: Tensor, b: Tensor) -> Tensor:
            return info_nce_loss(
                a, b,
                temperature=config.temperature,
                normalization=config.normalization,
                negatives=config.negatives,
                keys_learn=config.symmetric,
            )

        # Autocast would take the similarities in half precision, and 1/temperature magnifies that.
        with torch.autocast(queries.device.type, enabled=False):
            forward = one_way(queries, keys)
            return (forward + one_way(keys, queries)) / 2 if config.symmetric else forward
