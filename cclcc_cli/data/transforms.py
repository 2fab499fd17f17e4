"""Random changes of a training image: albumentations, seeded per image so that workers agree."""

import os
import warnings

import cv2
import numpy as np
from numpy.typing import NDArray

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would ask PyPI at import

import albumentations as A

from cclcc_cli.config.schema import Augment

Pixels = NDArray[np.uint8]


class TrainingTransform:
    """Changes an image and its mask together, the same way for the same (seed, sweep, index).

    Args:
        config: what may change, and how often.
        seed: the run's seed.
    """

    def __init__(self, config: Augment, seed: int) -> None:
        self._seed = seed
        self._transform = _compose(config)

    def __call__(
        self, image: Pixels, mask: Pixels, *, stream: int, sweep: int, index: int
    ) -> tuple[Pixels, Pixels]:
        """Transform one image ``(H, W, 3)`` uint8 and its mask ``(H, W)`` uint8 in {0, 1}.

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


def _compose(config: Augment) -> A.Compose:
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
