"""Contrast between the weak and the strong view: what the three levels share."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from cclcc_cli.config.clcc import ViewContrast as ViewContrastConfig
from cclcc_cli.config.schema import SupervisedLoss
from cclcc_cli.losses.contrastive import info_nce_loss
from cclcc_cli.methods.base import Batch, Loss, Method, Moment
from cclcc_cli.methods.supervision import labeled_loss, supervised_loss
from cclcc_cli.models.batch_norm import norm_statistics
from cclcc_cli.models.network import Network
from cclcc_cli.models.projector import Projector


class ViewContrast(Method, ABC):
    """Supervised loss plus InfoNCE between two views of all images, at some level.

    As in CLCC's contrast the keys come without a graph, unless ``symmetric``.

    Args:
        student: the network.
        projector: from its last decoder map to embeddings.
        config: weight and options.
        supervised: the loss on labelled images.
    """

    def __init__(
        self,
        student: Network,
        projector: Projector,
        config: ViewContrastConfig,
        supervised: SupervisedLoss,
    ) -> None:
        super().__init__()
        self.student = student
        self.projector = projector
        self._options = config
        self._supervised = supervised

    @abstractmethod
    def embeddings(self, features: Tensor, points: Tensor | None) -> Tensor:
        """Sets of embeddings ``(S, N, D)`` from last decoder maps ``(B, C, H, W)``."""

    def draw_points(self, features: Tensor) -> Tensor | None:  # noqa: ARG002
        """The places that both views are compared in; None for all."""
        return None

    def loss(self, batch: Batch, moment: Moment) -> Loss:
        options = self._options
        weight = options.contrast_weight * moment.ramp_up(options.ramp_up)
        if not weight:
            return labeled_loss(self.student, batch, self._supervised)
        (strong,) = batch.strong
        num_labeled = len(batch.target)
        features = self.student.features(batch.images)
        logits = self.student.head(features[:num_labeled])
        points = self.draw_points(features)
        queries = self.embeddings(features, points).float()
        with torch.set_grad_enabled(options.symmetric):
            with norm_statistics(self.student, options.strong_statistics):
                strong_features = self.student.features(strong)
            keys = self.embeddings(strong_features, points).float()
        supervised = supervised_loss(logits, batch.target, self._supervised)
        contrast = self._contrast(queries, keys)
        return Loss(
            supervised + weight * contrast,
            {"supervised": supervised.detach(), "contrast": contrast.detach()},
        )

    def _contrast(self, queries: Tensor, keys: Tensor) -> Tensor:
        options = self._options

        def one_way(a: Tensor, b: Tensor) -> Tensor:
            return info_nce_loss(
                a, b,
                temperature=options.temperature,
                normalization=options.normalization,
                negatives=options.negatives,
                keys_learn=options.symmetric,
            )

        # Autocast would take the similarities in half precision, and 1/temperature magnifies that.
        with torch.autocast(queries.device.type, enabled=False):
            forward = one_way(queries, keys)
            return (forward + one_way(keys, queries)) / 2 if options.symmetric else forward
