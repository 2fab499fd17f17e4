"""Random changes of a training image: albumentations, seeded per image so that workers agree."""

import os
import warnings

import cv2
import numpy as np
from numpy.typing import NDArray

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would ask PyPI at import

import albumentations as A

from cclcc_cli.config.schema import Strong, Weak

Pixels = NDArray[np.uint8]


class TrainingTransform:
    """Changes an image and its mask together, the same way for the same (seed, sweep, index).

    Args:
        config: what may change, and how often.
        seed: the run's seed.
    """

    def __init__(self, config: Weak, seed: int) -> None:
        self._seed = seed
        self._transform = _compose(config)

    def __call__(
        self, image: Pixels, mask: Pixels, *, stream: int, sweep: int, index: int
    ) -> tuple[Pixels, Pixels]:
        """Transform one image ``(H, W, 3)`` uint8 and its class map ``(H, W)`` uint8.

        Args:
            image: left unchanged; the result may share its memory.
            mask: left unchanged.
            stream: 1 for labelled, 0 for unlabelled.
            sweep: how often the stream had been gone through before.
            index: the image's row in the store.
        """
        state = np.random.SeedSequence([self._seed, stream, sweep, index]).generate_state(1)
        self._transform.set_random_seed(int(state[0]))
        changed = self._transform(image=image, mask=mask)
        return changed["image"], changed["mask"]


class StrongTransform:
    """Changes the colours of a weak view further; shapes stay, so that pixels keep their places.

    Args:
        config: what may change, and how often.
        seed: the run's seed.
    """

    def __init__(self, config: Strong, seed: int) -> None:
        self._seed = seed
        self._transform = _compose_strong(config)

    def __call__(self, weak: Pixels, *, stream: int, sweep: int, index: int, view: int) -> Pixels:
        """One strong view ``(H, W, 3)`` of a weak one, which is left unchanged.

        Args:
            view: 1 for the first, 2 for the second; the weak view's draws stay what they are
                without any.
        """
        place = [self._seed, stream, sweep, index, view]
        state = np.random.SeedSequence(place).generate_state(1)
        self._transform.set_random_seed(int(state[0]))
        changed: Pixels = self._transform(image=weak)["image"]
        return changed


def _compose_strong(config: Strong) -> A.Compose:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        steps: list[A.BasicTransform] = []
        if config.color:
            steps.append(
                A.ColorJitter(
                    brightness=(0.5, 1.5), contrast=(0.5, 1.5), saturation=(0.5, 1.5),
                    hue=(-0.25, 0.25), p=config.color,
                )
            )
        if config.gray:
            steps.append(A.ToGray(p=config.gray))
        if config.blur:
            steps.append(A.GaussianBlur(blur_limit=0, sigma_limit=(0.1, 2.0), p=config.blur))
        return A.Compose(steps)


def _compose(config: Weak) -> A.Compose:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # albumentations only warns of a wrong argument
        steps: list[A.BasicTransform] = []
        if config.flips:
            steps += [A.HorizontalFlip(p=0.5), A.VerticalFlip(p=0.5)]
        if config.quarter_turns:
            steps.append(A.RandomRotate90(p=1.0))
        if config.affine:
            steps.append(
                A.Affine(
                    scale=(0.8, 1.2), translate_percent=(-0.1, 0.1), rotate=(-30, 30),
                    border_mode=cv2.BORDER_REFLECT_101, p=config.affine,
                )
            )
        if config.color:
            steps.append(
                A.ColorJitter(
                    brightness=(0.8, 1.2), contrast=(0.8, 1.2), saturation=(0.8, 1.2),
                    hue=(-0.05, 0.05), p=config.color,
                )
            )
        return A.Compose(steps)
