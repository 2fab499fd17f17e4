"""From the memory map to tensors: the training batches and the rows of an evaluation."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from cclcc_cli.config.model import Normalization
from cclcc_cli.data.class_map import ignored
from cclcc_cli.data.sampling import SampleKey, TwoStreamBatches
from cclcc_cli.data.store import Store
from cclcc_cli.data.transforms import Pixels, StrongTransform, TrainingTransform


class RawBatch(NamedTuple):
    """One step's images as they travel: a quarter of the bytes of floats.

    Attributes:
        images: weak views, ``(B, H, W, 3)`` uint8, labelled first.
        masks: ``(L, H, W)`` uint8, of the labelled ones.
        strong: strong views, ``(V, U, H, W, 3)`` uint8, or B in place of U; None without any.
        ignored: ``(B, H, W)`` bool, pixels that count in no loss; None in data without any.
    """

    images: Tensor
    masks: Tensor
    strong: Tensor | None = None
    ignored: Tensor | None = None


class Sample(NamedTuple):
    """One image of a step.

    Attributes:
        image: the weak view.
        mask: a class map; None where it may not be used.
        strong: strong views.
        ignored: bool, pixels of the mask that do not count; None in data without any.
    """

    image: Pixels
    mask: Pixels | None
    strong: tuple[Pixels, ...]
    ignored: NDArray[np.bool_] | None = None


class TrainingImages(Dataset[Sample]):
    """Transformed images by key; unlabelled ones come without their mask.

    Args:
        store: images and masks.
        transform: makes the weak view.
        strong: makes strong views of it.
        num_strong: how many.
        strong_of_labeled: whether labelled images get them too.
        labeled: rows of the store whose masks may be used. Pixels that they ignore count nowhere,
            in the unlabelled stream neither; of other images nobody knows which those are.
    """

    def __init__(
        self,
        store: Store,
        transform: TrainingTransform,
        strong: StrongTransform | None = None,
        *,
        num_strong: int = 0,
        strong_of_labeled: bool = False,
        labeled: Sequence[int] = (),
    ) -> None:
        self._store = store
        self._transform = transform
        self._strong = strong
        self._num_strong = num_strong
        self._strong_of_labeled = strong_of_labeled
        self._known = frozenset(labeled) if store.has_ignored else None

    def __getitem__(self, key: SampleKey) -> Sample:
        stream = int(key.labeled)
        image, mask = self._transform(
            self._store.images[key.position],
            self._store.masks[key.position],
            stream=stream, sweep=key.sweep, index=key.position,
        )
        strong: tuple[Pixels, ...] = ()
        if self._strong is not None and (self._strong_of_labeled or not key.labeled):
            strong = tuple(
                self._strong(image, stream=stream, sweep=key.sweep, index=key.position, view=view)
                for view in range(1, self._num_strong + 1)
            )
        ignores: NDArray[np.bool_] | None = None
        if self._known is not None:
            known = key.position in self._known
            ignores = ignored(mask) if known else np.zeros(mask.shape, np.bool_)
        return Sample(image, mask if key.labeled else None, strong, ignores)


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


def normalize(images: Tensor, normalization: Normalization) -> Tensor:
    """Images ``(B, H, W, 3)`` uint8 as a network wants them: ``(B, 3, H, W)``, channels last."""
    mean = torch.tensor(normalization.mean, device=images.device) * 255
    std = torch.tensor(normalization.std, device=images.device) * 255
    return ((images.float() - mean) / std).permute(0, 3, 1, 2)


def _collate(samples: Sequence[Sample]) -> RawBatch:
    images = np.stack([sample.image for sample in samples])
    masks = np.stack([sample.mask for sample in samples if sample.mask is not None])
    views = [sample.strong for sample in samples if sample.strong]
    strong = np.stack([np.stack(view) for view in zip(*views, strict=True)]) if views else None
    ignores = [sample.ignored for sample in samples if sample.ignored is not None]
    return RawBatch(
        torch.from_numpy(images),
        torch.from_numpy(masks),
        torch.from_numpy(strong) if strong is not None else None,
        torch.from_numpy(np.stack(ignores)) if ignores else None,
    )


def _one_thread(_worker: int) -> None:
    cv2.setNumThreads(0)
