"""What methods with unlabelled images share: both streams through one network."""

from abc import ABC
from collections.abc import Callable
from typing import Generic, TypeVar

import torch
from torch import Tensor

from cclcc_cli.config.base import TwoStreamRecipe
from cclcc_cli.methods.base import Batch, Method
from cclcc_cli.models.batch_norm import NormStatistics, norm_statistics
from cclcc_cli.models.network import Network

Options = TypeVar("Options")
Maps = TypeVar("Maps", Tensor, list[Tensor])
"""Maps with images as rows, one or several."""


class TwoStreamMethod(Method, ABC, Generic[Options]):
    """A student that learns from labelled images and from others.

    In one BatchNorm pass the supervised loss could lower itself by moving the activations of
    unlabelled images, which share mean and variance with the labelled ones and which nothing
    else holds in place. So each stream is normalised by its own batch, unless the recipe says
    ``batch_norm: joint``; running statistics then learn from the labelled stream alone, as in
    supervised training. As a method's weights go to 0 it becomes supervised training.

    Args:
        recipe: resolved.

    Attributes:
        options: the recipe's section that bears the method's name.
    """

    def __init__(self, recipe: TwoStreamRecipe) -> None:
        super().__init__(recipe)
        self.options: Options = recipe.options
        self._joint = recipe.batch_norm == "joint"

    def pass_streams(
        self,
        batch: Batch,
        function: Callable[[Tensor], Maps],
        *,
        network: Network | None = None,
        both_learn: bool = True,
    ) -> tuple[Maps, Maps]:
        """What a function of a network gives for the labelled images and for the others.

        Args:
            batch: both streams.
            function: of images ``(B, 3, H, W)``.
            network: whose BatchNorm it passes; the student's where left out.
            both_learn: whether a loss looks at the unlabelled images' outputs; else they need no
                graph, unless the streams share their statistics.
        """
        if self._joint:
            both, count = function(batch.images), len(batch.target)
            return _rows(both, slice(count)), _rows(both, slice(count, None))
        labeled = function(batch.labeled)
        with (
            torch.set_grad_enabled(both_learn),
            norm_statistics(network or self.student, "separate"),
        ):
            return labeled, function(batch.unlabeled)

    def pass_others(
        self,
        images: Tensor,
        num_labeled: int,
        mode: NormStatistics,
        function: Callable[[Tensor], Maps],
    ) -> Maps:
        """What the student gives for other images than those it is tested on.

        Normalised like what they are compared with: each stream by its own batch, or both by one.

        Args:
            images: strong views or patches, ``(B, 3, H, W)``, labelled ones first.
            num_labeled: how many of them are of labelled images.
            mode: what they do to running statistics.
            function: of images.
        """
        with norm_statistics(self.student, mode):
            if self._joint:
                return function(images)
            return _join(function(images[:num_labeled]), function(images[num_labeled:]))


def _join(labeled: Maps, unlabeled: Maps) -> Maps:
    """Both streams' rows as one batch's, labelled first."""
    if isinstance(labeled, Tensor):
        assert isinstance(unlabeled, Tensor)
        return torch.cat([labeled, unlabeled])
    return [torch.cat(pair) for pair in zip(labeled, unlabeled, strict=True)]


def _rows(maps: Maps, rows: slice) -> Maps:
    return maps[rows] if isinstance(maps, Tensor) else [m[rows] for m in maps]
