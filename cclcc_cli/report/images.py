"""Scores of single images, read where statistics need them and checked against their run."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cclcc_cli.errors import RunError
from cclcc_cli.experiments.run_folder import RunFolder
from cclcc_cli.report.gather import Metric, Run, Split

_AGREES = 1e-6
"""How far the images' mean may be from the one in result.json, relative to it."""


@dataclass(frozen=True)
class ImageScores:
    """One score of every image of a split.

    Attributes:
        stems: which images, no two alike.
        values: their scores, finite, ``(N,)``; or of several runs, ``(R, N)``.
        groups: the patient, video or other group of each image; empty text for an image that has
            none; None where the store knows no groups.
    """

    stems: tuple[str, ...]
    values: NDArray[np.float64]
    groups: tuple[str, ...] | None = None

    def of(self, stems: Sequence[str]) -> "ImageScores":
        """The same for some of the images, in the order asked for."""
        if tuple(stems) == self.stems:
            return self
        place = {stem: index for index, stem in enumerate(self.stems)}
        places = [place[stem] for stem in stems]
        groups = None if self.groups is None else tuple(self.groups[n] for n in places)
        return ImageScores(tuple(stems), self.values[..., places], groups)


@dataclass(frozen=True)
class ImageReading:
    """What could be read.

    Attributes:
        runs: whose scores are sound, and those that have no images in the split.
        scores: by run folder, of the former.
        notes: in words, which runs are left out and why.
    """

    runs: tuple[Run, ...]
    scores: Mapping[Path, ImageScores]
    notes: tuple[str, ...]


def read_images(runs: Iterable[Run], split: Split, metric: Metric) -> ImageReading:
    """Read one score of each image of each run; runs whose table is unsound are left out.

    Raises:
        RunError: no run is left.
    """
    kept, scores, problems = [], {}, []
    stems_of: dict[tuple[str, int | None], tuple[tuple[str, ...], Path]] = {}
    for run in runs:
        if split in run.scores:
            try:
                found = _read(run, split, metric)
                stems, first = stems_of.setdefault(
                    (run.arm, run.fold), (found.stems, run.path))
                if set(stems) != set(found.stems):
                    raise _unsound(run, split, f"other images than in {first}")
            except RunError as error:
                problems.append(str(error))
                continue
            scores[run.path] = found
        kept.append(run)
    if not kept:
        raise RunError(f"no run with sound scores of its images, the first problem is "
                       f"{problems[0]}")
    return ImageReading(tuple(kept), scores, tuple(f"left out: {text}" for text in problems))


def _read(run: Run, split: Split, metric: Metric) -> ImageScores:
    size, name = metric
    column = name if size == "working" else f"own_{name}"
    path = RunFolder(run.path).images_table(split)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        stem, place = header.index("stem"), header.index(column)
        stems = tuple(row[stem] for row in rows)
        values = np.array([row[place] for row in rows], dtype=np.float64)
        known = header.index("group") if "group" in header else None
        groups = None if known is None else tuple(row[known] for row in rows)
    except FileNotFoundError:
        raise _unsound(run, split, "is missing") from None
    except (OSError, ValueError, IndexError, csv.Error) as error:
        raise _unsound(run, split, f"cannot be read ({error})") from None
    if not stems:
        raise _unsound(run, split, "holds no image")
    if len(set(stems)) != len(stems):
        raise _unsound(run, split, "holds an image twice")
    if not np.isfinite(values).all():
        first = stems[int(np.argmin(np.isfinite(values)))]
        raise _unsound(run, split, f"{column} of {first} is not a finite number")
    told, mean = run.scores[split][metric], float(values.mean())
    if not abs(mean - told) <= _AGREES * max(abs(told), 1):
        raise _unsound(run, split, f"its mean {column} is {mean:.6f}, in result.json {told:.6f}")
    return ImageScores(stems, values, groups)


def _unsound(run: Run, split: Split, reason: str) -> RunError:
    path = RunFolder(run.path).images_table(split)
    return RunError(f"{path}: {reason}; cclcc train --fresh makes it anew")
