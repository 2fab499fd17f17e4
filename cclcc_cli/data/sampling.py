"""Which images make up each step: a pure function of the seed and the step's number.

Because nothing is remembered between steps, a resumed run draws what an unbroken one would.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class SampleKey(NamedTuple):
    """One image in one step.

    Attributes:
        labeled: whether its mask may be used.
        sweep: how many times its stream had been gone through before.
        position: its row in the store.
    """

    labeled: bool
    sweep: int
    position: int


class Stream:
    """An endless sequence of images: sweep after sweep, each in an order of its own.

    Args:
        positions: rows of the store, not empty.
        labeled: whether their masks may be used.
        seed: the run's seed.
    """

    def __init__(self, positions: NDArray[np.int64], labeled: bool, seed: int) -> None:
        if not len(positions):
            raise ValueError("a stream needs at least one image")
        self._positions = positions
        self._labeled = labeled
        self._order = lru_cache(maxsize=2)(
            lambda sweep: np.random.default_rng(
                np.random.SeedSequence([seed, int(labeled), sweep])
            ).permutation(positions)
        )

    def __getitem__(self, place: int) -> SampleKey:
        sweep, offset = divmod(place, len(self._positions))
        return SampleKey(self._labeled, sweep, int(self._order(sweep)[offset]))


class TwoStreamBatches:
    """Batches of keys, labelled first, from a first step to the last.

    Args:
        labeled: rows of the store with labels.
        unlabeled: rows without; may be empty where ``num_unlabeled`` is 0.
        num_labeled: images of a batch from the labelled stream.
        num_unlabeled: images of a batch from the other.
        seed: the run's seed.
        first_step: the step to begin with.
        total_steps: one past the last step.
    """

    def __init__(
        self,
        labeled: NDArray[np.int64],
        unlabeled: NDArray[np.int64],
        *,
        num_labeled: int,
        num_unlabeled: int,
        seed: int,
        first_step: int,
        total_steps: int,
    ) -> None:
        self._streams = [(Stream(labeled, True, seed), num_labeled)]
        if num_unlabeled:
            self._streams.append((Stream(unlabeled, False, seed), num_unlabeled))
        self._steps = range(first_step, total_steps)

    def __len__(self) -> int:
        return len(self._steps)

    def __iter__(self) -> Iterator[list[SampleKey]]:
        for step in self._steps:
            yield [
                stream[place]
                for stream, count in self._streams
                for place in range(step * count, (step + 1) * count)
            ]
