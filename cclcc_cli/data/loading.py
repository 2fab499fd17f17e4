"""From the memory map to tensors: the training batches and the rows of an evaluation."""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from cclcc_cli.data.sampling import SampleKey, TwoStreamBatches
from cclcc_cli.data.store import Store
from cclcc_cli.data.transforms import TrainingTransform

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

RawBatch = tuple[Tensor, Tensor]
"""Images ``(B, H, W, 3)`` uint8 and the masks ``(L, H, W)`` uint8 of the labelled ones."""


class TrainingImages(Dataset[tuple[NDArray[np.uint8], NDArray[np.uint8] | None]]):
    """Transformed images by key; unlabelled ones come without their mask."""

    def __init__(self, store: Store, transform: TrainingTransform) -> None:
        self._store = store
        self._transform = transform

    def __getitem__(self, key: SampleKey) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
        image, mask = self._transform(
            self._store.images[key.position],
            self._store.masks[key.position],
            stream=int(key.labeled), sweep=key.sweep, index=key.position,
        )
        return image, mask if key.labeled else None


def load_batches(
    images: TrainingImages, batches: TwoStreamBatches, *, workers: int, pin_memory: bool
) -> Iterator[RawBatch]:
    """The batches in order; the number of workers changes the speed and nothing else."""
    loader: DataLoader[RawBatch] = DataLoader(
        images,  # type: ignore[arg-type]
        batch_sampler=batches,
        num_workers=workers,
        collate_fn=_collate,
        pin_memory=pin_memory,
        worker_init_fn=_one_thread,
        # Its own generator: DataLoader would otherwise draw from torch's global random state.
        generator=torch.Generator(),
    )
    return iter(loader)


def normalize(images: Tensor) -> Tensor:
    """ImageNet normalisation of ``(B, H, W, 3)`` uint8 into ``(B, 3, H, W)``, channels last."""
    mean = torch.tensor(IMAGENET_MEAN, device=images.device) * 255
    std = torch.tensor(IMAGENET_STD, device=images.device) * 255
    return ((images.float() - mean) / std).permute(0, 3, 1, 2)


def _collate(
    samples: Sequence[tuple[NDArray[np.uint8], NDArray[np.uint8] | None]],
) -> RawBatch:
    images = np.stack([image for image, _ in samples])
    masks = np.stack([mask for _, mask in samples if mask is not None])
    return torch.from_numpy(images), torch.from_numpy(masks)


def _one_thread(_worker: int) -> None:
    cv2.setNumThreads(0)
