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


def part_of(count: int, rank: int, size: int) -> range:
    """Which of so many things one of several processes takes; the first may have one more."""
    least, more = divmod(count, size)
    start = rank * least + min(rank, more)
    return range(start, start + least + (rank < more))


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
        rank: which of several processes loads its part of each batch here, from 0.
        size: how many processes there are.
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
        rank: int = 0,
        size: int = 1,
    ) -> None:
        self._streams = [(Stream(labeled, True, seed), num_labeled)]
        if num_unlabeled:
            self._streams.append((Stream(unlabeled, False, seed), num_unlabeled))
        self._steps = range(first_step, total_steps)
        self._rank, self._size = rank, size

    def __len__(self) -> int:
        return len(self._steps)

    def __iter__(self) -> Iterator[list[SampleKey]]:
        for step in self._steps:
            yield [
                stream[step * count + place]
                for stream, count in self._streams
                for place in part_of(count, self._rank, self._size)
            ]
