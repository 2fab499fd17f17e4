"""Several runs, and several views of an image, as one predictor."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cclcc_cli.errors import RunError
from cclcc_cli.inference.predictor import Predictor, load_predictor
from cclcc_cli.training.evaluate import predict
from cclcc_cli.training.runtime import Device, Precision

CPU_PASS = 4
"""Images that pass a network at once on a CPU, where the last ones are repeated to fill it.

oneDNN chooses its algorithm by the size of the batch, and algorithms round differently (by 1e-6
in an EfficientNet). With one size, and one thread a pass, an image's probabilities are the same
bits whatever it is computed with.
"""
Probs = NDArray[np.float32]
_VIEWS = ((), (2,), (1,), (1, 2))
"""Axes of ``(B, S, S, 3)`` along which each view is flipped: none, left to right, upside down."""


@dataclass(frozen=True)
class Ensemble:
    """What is averaged.

    Attributes:
        predictors: at least one; all for images of one size.
        flips: average over an image and its flips, too.
        threshold: the probability above which a pixel is foreground.
    """

    predictors: tuple[Predictor, ...]
    flips: bool
    threshold: float

    @property
    def size(self) -> int:
        """Side of the networks' images, in pixels."""
        return self.predictors[0].size

    @property
    def on_cpu(self) -> bool:
        return self.predictors[0].runtime.device == "cpu"

    def members(self, images: NDArray[np.uint8]) -> Probs:
        """Probabilities of each member, ``(M, B, S, S)`` float32; their mean is the prediction.

        The members are the runs, each with its flips averaged; of a single run its flips.

        Args:
            images: ``(B, S, S, 3)`` uint8 RGB.
        """
        step = CPU_PASS if self.on_cpu else len(images)
        return np.concatenate([self._members(images[start:start + step], step)
                               for start in range(0, len(images), step)], axis=1)

    def _members(self, images: NDArray[np.uint8], step: int) -> Probs:
        count = len(images)
        if count < step:
            images = np.concatenate([images, np.repeat(images[-1:], step - count, axis=0)])
        views = _VIEWS if self.flips else _VIEWS[:1]
        flipped = [np.flip(images, axes) for axes in views]
        runs = [
            np.stack([np.flip(predict(one.network, view, one.runtime)[:, 0].cpu().numpy(), axes)
                      for view, axes in zip(flipped, views, strict=True)])
            for one in self.predictors
        ]
        members = runs[0] if len(runs) == 1 else np.stack([run.mean(axis=0) for run in runs])
        return members[:, :count]


def load_ensemble(
    folders: Sequence[Path], *, flips: bool = False, threshold: float | None = None,
    device: Device = "auto", precision: Precision = "auto",
) -> Ensemble:
    """Load runs to be averaged.

    Args:
        folders: of trained runs.
        flips: average over flips of each image as well.
        threshold: in (0, 1); None for that of the runs.
        device: where to compute.
        precision: of the convolutions.

    Raises:
        RunError: one is no trained run, or they take images of different sizes, or have different
            thresholds and none is given.
    """
    loaded = tuple(load_predictor(folder, device, precision) for folder in folders)
    first = loaded[0]
    for other in loaded[1:]:
        if other.size != first.size:
            raise RunError(f"{first.folder} takes images of {first.size} pixels, {other.folder} of "
                           f"{other.size}; their probabilities cannot be averaged, predict with "
                           "one size at a time")
        if threshold is None and other.threshold != first.threshold:
            raise RunError(f"{first.folder} has the threshold {first.threshold:g}, {other.folder} "
                           f"{other.threshold:g}; say which with --threshold")
    if threshold is not None and not 0 < threshold < 1:
        raise RunError(f"--threshold {threshold:g}: must lie between 0 and 1")
    return Ensemble(loaded, flips, first.threshold if threshold is None else threshold)


@dataclass
class Agreement:
    """How sure and how much of one mind the members are about one image, gathered part by part.

    Attributes:
        threshold: of masks.
    """

    threshold: float
    _entropy: float = 0.0
    _pixels: int = 0
    _common: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, np.int64))
    _sizes: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, np.int64))

    def add(self, members: Probs, mean: Probs) -> None:
        """Take in a part of the image.

        Args:
            members: probabilities, ``(M, h, w)``.
            mean: of them, ``(h, w)``.
        """
        sure = np.clip(mean, 1e-7, 1 - 1e-7).astype(np.float64)
        self._entropy -= float((sure * np.log2(sure) + (1 - sure) * np.log2(1 - sure)).sum())
        self._pixels += mean.size
        masks, mask = members > self.threshold, mean > self.threshold
        self._common = self._common + 2 * (masks & mask).sum(axis=(1, 2))
        self._sizes = self._sizes + masks.sum(axis=(1, 2)) + mask.sum()

    @property
    def entropy(self) -> float:
        """Mean over pixels of the prediction's entropy, in bits, 0 to 1."""
        return self._entropy / self._pixels

    @property
    def disagreement(self) -> float | None:
        """1 less the mean Dice of each member's mask with the prediction's; None for one member."""
        if len(self._sizes) < 2:
            return None
        dice = np.where(self._sizes > 0, self._common / np.maximum(self._sizes, 1), 1.0)
        return float(1 - dice.mean())
