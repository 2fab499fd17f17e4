"""Scores made up as the stacks that reports compare."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from cclcc_cli.metrics.scores import MAIN, Metric
from cclcc_cli.report.evidence.stacks import FoldScores, Stack
from cclcc_cli.report.gather.images import ImageValues


def image_scores(
    rows: ArrayLike, stems: Iterable[object] | None = None,
    groups: Sequence[str] | None = None, metric: Metric = MAIN,
) -> ImageValues:
    """Rows are runs; images are numbered where they have no names."""
    values = np.atleast_2d(np.asarray(rows, dtype=np.float64))
    names = range(values.shape[1]) if stems is None else stems
    return ImageValues(tuple(map(str, names)), values, metric=metric,
                       groups=None if groups is None else tuple(groups))


def stack_of(
    rows: ArrayLike, seeds: Sequence[int] | None = None, stems: Iterable[object] | None = None,
    groups: Sequence[str] | None = None, subsets: Sequence[int] | None = None,
    metric: Metric = MAIN,
) -> Stack:
    """One group on the main splits, seeds from 0 on."""
    images = image_scores(rows, stems, groups, metric)
    numbers = range(len(images.values)) if seeds is None else seeds
    labels = [None] * len(images.values) if subsets is None else subsets
    return Stack({None: FoldScores(tuple(zip(labels, numbers, strict=True)), images)})
