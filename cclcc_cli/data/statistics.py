"""Numbers that describe a store: sizes, foreground, regions, colours, and its label subsets.

Pixels are read image by image, so a store may be larger than memory.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from cclcc_cli.data.class_map import foreground
from cclcc_cli.data.pixel_rows import open_rows
from cclcc_cli.data.splits import nested_subset
from cclcc_cli.data.store import Store

UNLUCKY_ABOVE = 2.0
"""Standard errors from the training split's mean beyond which a subset is called unlucky.

One random subset in twenty lies there: rare enough to look at, no reason to draw again.
"""
NUM_BINS = 20
_TOPS = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Where a histogram may end, so that its bins are round numbers."""

Channels = tuple[float, float, float]


@dataclass(frozen=True)
class Range:
    """Smallest, middle and largest value."""

    minimum: float
    median: float
    maximum: float


@dataclass(frozen=True)
class Foreground:
    """The mask's share of the image, 0 to 1, at the images' own size.

    Attributes:
        mean, median, p5, p95: over images; percentiles are interpolated linearly.
        num_empty, num_full: masks without any foreground, and with nothing else.
        num_lost: masks that have foreground at their own size and none at the store's.
        histogram: images per bin of ``DataStatistics.bin_edges``.
    """

    mean: float
    median: float
    p5: float
    p95: float
    num_empty: int
    num_full: int
    num_lost: int
    histogram: tuple[int, ...]


@dataclass(frozen=True)
class GroupStatistics:
    """The images of one split, or of all splits.

    Attributes:
        num_images: above 0.
        width, height: own size in pixels.
        num_sizes: different own sizes.
        aspect: own width over own height.
        foreground: see ``Foreground``.
        regions: separate areas of foreground per image at the store's size; areas that touch at
            a corner are one.
        rgb_mean, rgb_std: per channel over every stored pixel, in [0, 1].
    """

    num_images: int
    width: Range
    height: Range
    num_sizes: int
    aspect: Range
    foreground: Foreground
    regions: Range
    rgb_mean: Channels
    rgb_std: Channels


@dataclass(frozen=True)
class SubsetStatistics:
    """The labelled subsets of one share, and how they differ from the whole training split.

    Attributes:
        share: of the training split.
        num_labeled: images of each subset.
        means: seed to its subset's mean foreground share.
        train_mean: of the whole training split.
        standard_error: spread to expect of such a mean, drawn at random without replacement.
    """

    share: float
    num_labeled: int
    means: Mapping[int, float]
    train_mean: float
    standard_error: float

    def deviation(self, seed: int) -> float:
        """How far a seed's mean lies from the whole split's, in standard errors."""
        difference = self.means[seed] - self.train_mean
        return difference / self.standard_error if self.standard_error else 0.0

    def is_unlucky(self, seed: int) -> bool:
        """Whether a seed's mean lies beyond UNLUCKY_ABOVE."""
        return abs(self.deviation(seed)) > UNLUCKY_ABOVE


@dataclass(frozen=True)
class DataStatistics:
    """A store in numbers.

    Attributes:
        groups: train, val, test as far as they hold images, then ``all``.
        bin_edges: of every histogram of foreground shares, NUM_BINS + 1 of them.
        subsets: one per share of ``Splits.subset_shares``, with every seed the store has an order
            of.
    """

    groups: Mapping[str, GroupStatistics]
    bin_edges: tuple[float, ...]
    subsets: tuple[SubsetStatistics, ...]


@dataclass(frozen=True, eq=False)
class _Pixels:
    """What was read from the pixels of each image: arrays with a row per image.

    Attributes:
        regions: (n,) areas of foreground.
        means: (n, 3) per channel, 0 to 255.
        squares: (n, 3) mean square per channel.
    """

    regions: NDArray[np.int64]
    means: NDArray[np.float64]
    squares: NDArray[np.float64]


def measure_store(store: Store) -> DataStatistics:
    """Every statistic of a store; reads all of its pixels once."""
    pixels = _read_pixels(store)
    positions = positions_by_split(store)
    shares = np.array([row.foreground for row in store.rows])
    edges = _bin_edges(float(shares.max()))
    positions["all"] = [position for group in positions.values() for position in group]
    groups = {name: _measure_group(store, group, shares, pixels, edges)
              for name, group in positions.items()}
    subsets = tuple(_measure_subsets(store, share) for share in store.splits.subset_shares)
    return DataStatistics(groups, tuple(edges.tolist()), subsets)


def positions_by_split(store: Store) -> dict[str, list[int]]:
    """Positions of the images of each split that holds any; train, val, test."""
    splits = store.splits
    stems = {"train": splits.train, "val": splits.val, "test": splits.test}
    return {name: store.positions(listed) for name, listed in stems.items() if listed}


def spread_over_foreground(
    store: Store, positions: Sequence[int], count: int, seed: int
) -> list[int]:
    """Up to ``count`` of the given positions from the smallest to the largest foreground share.

    Ordered by share, the images are cut into equal ranks and each gives one, drawn by seed; the
    first and the last of all are always taken.
    """
    def rank(position: int) -> tuple[float, str]:
        return store.rows[position].foreground, store.rows[position].stem

    def draw(position: int) -> bytes:
        key = f"cclcc show {seed}\n{store.rows[position].stem}"
        return hashlib.sha256(key.encode()).digest()

    ordered = sorted(positions, key=rank)
    if count >= len(ordered):
        return ordered
    if count == 1:
        return [ordered[len(ordered) // 2]]
    inner, num_ranks = ordered[1:-1], count - 2
    bounds = [index * len(inner) // max(num_ranks, 1) for index in range(num_ranks + 1)]
    drawn = [min(inner[start:stop], key=draw) for start, stop in pairwise(bounds)]
    return [ordered[0], *drawn, ordered[-1]]


def _read_pixels(store: Store) -> _Pixels:
    count = len(store.rows)
    regions = np.zeros(count, np.int64)
    means, squares = np.zeros((count, 3)), np.zeros((count, 3))
    with (open_rows(store.path / "images.npy") as images,
          open_rows(store.path / "masks.npy") as masks):
        for position in range(count):
            num_areas, _ = cv2.connectedComponents(
                foreground(masks[position]).astype(np.uint8), connectivity=8)
            regions[position] = num_areas - 1  # the background is counted as well
            mean, std = cv2.meanStdDev(images[position])
            means[position] = mean[:, 0]
            squares[position] = (mean**2 + std**2)[:, 0]
    return _Pixels(regions, means, squares)


def _measure_group(
    store: Store,
    positions: Sequence[int],
    shares: NDArray[np.float64],
    pixels: _Pixels,
    edges: NDArray[np.float64],
) -> GroupStatistics:
    rows = [store.rows[position] for position in positions]
    group = np.asarray(positions)
    # All images have equally many stored pixels, so means over images are means over pixels.
    mean = pixels.means[group].mean(axis=0)
    variance = pixels.squares[group].mean(axis=0) - mean**2
    return GroupStatistics(
        num_images=len(rows),
        width=_range([row.width for row in rows]),
        height=_range([row.height for row in rows]),
        num_sizes=len({(row.width, row.height) for row in rows}),
        aspect=_range([row.width / row.height for row in rows]),
        foreground=_measure_foreground(shares[group], pixels.regions[group], edges),
        regions=_range(pixels.regions[group]),
        rgb_mean=_channels(mean / 255),
        rgb_std=_channels(np.sqrt(np.maximum(variance, 0)) / 255),
    )


def _measure_foreground(
    shares: NDArray[np.float64], regions: NDArray[np.int64], edges: NDArray[np.float64]
) -> Foreground:
    p5, median, p95 = np.percentile(shares, [5, 50, 95]).tolist()
    counts, _ = np.histogram(shares, edges)
    return Foreground(
        mean=float(shares.mean()), median=median, p5=p5, p95=p95,
        num_empty=int((shares == 0).sum()),
        num_full=int((shares == 1).sum()),
        num_lost=int(((shares > 0) & (regions == 0)).sum()),
        histogram=tuple(counts.tolist()),
    )


def _measure_subsets(store: Store, share: float) -> SubsetStatistics:
    def shares_of(stems: Sequence[str]) -> NDArray[np.float64]:
        return np.array([store.rows[position].foreground for position in store.positions(stems)])

    seeds = sorted(store.splits.label_orders)
    subsets = {seed: nested_subset(store.splits, share, seed) for seed in seeds}
    whole, count = shares_of(store.splits.train), len(subsets[seeds[0]])
    total = len(whole)
    spread = float(whole.std(ddof=1)) if total > 1 else 0.0
    return SubsetStatistics(
        share=share,
        num_labeled=count,
        means={seed: float(shares_of(stems).mean()) for seed, stems in subsets.items()},
        train_mean=float(whole.mean()),
        standard_error=spread * float(np.sqrt((1 - count / total) / count)),
    )


def _bin_edges(largest: float) -> NDArray[np.float64]:
    top = next(top for top in _TOPS if largest <= top)
    return np.linspace(0, top, NUM_BINS + 1)


def _range(values: Sequence[float] | NDArray[np.int64]) -> Range:
    return Range(float(np.min(values)), float(np.median(values)), float(np.max(values)))


def _channels(values: NDArray[np.float64]) -> Channels:
    red, green, blue = values.tolist()
    return red, green, blue
