"""Scores of single images, read where statistics need them and checked against their run."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cclcc_cli.errors import RunError
from cclcc_cli.metrics.scores import MAIN, Metric, file_column, metric_name, metric_title
from cclcc_cli.report.gather.finished import FinishedRun, Split
from cclcc_cli.runs.folder import RunFolder
from cclcc_cli.wording import counted

_AGREES = 1e-6
"""How far the images' mean may be from the one in result.json, relative to it."""


@dataclass(frozen=True)
class ImageValues:
    """One score of every image of a split.

    Attributes:
        stems: which images, no two alike.
        values: their scores, finite, ``(N,)``; or of several runs, ``(R, N)``.
        foreground: the truth's share of each image at the working size, ``(N,)``; None in tables
            from before it was kept.
        groups: the patient or video of each image, its own stem where it is alone; None where the
            store knew of none.
        metric: which score.
    """

    stems: tuple[str, ...]
    values: NDArray[np.float64]
    foreground: NDArray[np.float64] | None = None
    groups: tuple[str, ...] | None = None
    metric: Metric = MAIN

    def of(self, stems: Sequence[str]) -> "ImageValues":
        """The same for some of the images, in the order asked for."""
        if tuple(stems) == self.stems:
            return self
        index_of = {stem: index for index, stem in enumerate(self.stems)}
        found = [index_of[stem] for stem in stems]
        return replace(
            self, stems=tuple(stems), values=self.values[..., found],
            foreground=None if self.foreground is None else self.foreground[found],
            groups=None if self.groups is None else tuple(self.groups[n] for n in found))


RunScores = Mapping[Path, ImageValues]
"""One score of a split's images, by run folder."""


@dataclass(frozen=True)
class ImageReading:
    """What could be read.

    Attributes:
        runs: whose scores are sound, and those that have no images in the split.
        scores: by run folder, of the sound ones; without runs that are older than the score.
        notes: in words, which runs are left out and why.
    """

    runs: tuple[FinishedRun, ...]
    scores: RunScores
    notes: tuple[str, ...]


def read_images(runs: Iterable[FinishedRun], split: Split, metric: Metric) -> ImageReading:
    """Read one score of each image of each run; runs whose table is unsound are left out.

    Raises:
        RunError: no run is left, or none has this score.
    """
    runs = list(runs)
    with_split = [run for run in runs if split in run.scores]
    if with_split and all(run.scores[split].get(metric) is None for run in with_split):
        raise RunError(f"--metric {metric_name(metric)}: none of "
                       f"{counted(len(with_split), 'run')} has {metric_title(metric)} of its "
                       f"{split} images, such as {with_split[0].path}: they are older than this "
                       "score; choose another --metric, or train them again with cclcc train "
                       "--fresh")
    kept, scores, problems = [], {}, []
    stems_of: dict[tuple[str, int | None], tuple[tuple[str, ...], Path]] = {}
    for run in runs:
        if split in run.scores and run.scores[split].get(metric) is not None:
            try:
                found = _read(run, split, metric)
                stems, first = stems_of.setdefault(
                    (run.group, run.fold), (found.stems, run.path))
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


def _read(run: FinishedRun, split: Split, metric: Metric) -> ImageValues:
    column, path = file_column(metric), RunFolder(run.path).images_table(split)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        stem, place = header.index("stem"), header.index(column)
        stems = tuple(row[stem] for row in rows)
        values = np.array([row[place] for row in rows], dtype=np.float64)
        shares, groups = _column(header, rows, "foreground"), _column(header, rows, "group")
        foreground = None if shares is None else np.array(shares, dtype=np.float64)
    except FileNotFoundError:
        raise _unsound(run, split, "is missing") from None
    except (OSError, ValueError, IndexError, csv.Error) as error:
        raise _unsound(run, split, f"cannot be read ({error})") from None
    if not stems:
        raise _unsound(run, split, "holds no image")
    if len(set(stems)) != len(stems):
        raise _unsound(run, split, "lists an image twice")
    if not np.isfinite(values).all():
        first = stems[int(np.argmin(np.isfinite(values)))]
        raise _unsound(run, split, f"{column} of {first} is not a finite number")
    if foreground is not None and not ((foreground >= 0) & (foreground <= 1)).all():
        raise _unsound(run, split, "foreground is not a share of the image everywhere")
    if groups is not None and not all(groups):
        raise _unsound(run, split, "an image has no group")
    stated, mean = run.scores[split][metric], float(values.mean())
    assert stated is not None  # or it would not be read
    if not abs(mean - stated) <= _AGREES * max(abs(stated), 1):
        raise _unsound(run, split, f"its mean {column} is {mean:.6f}, in result.json {stated:.6f}")
    return ImageValues(
        stems, values, foreground, None if groups is None else tuple(groups), metric)


def _column(
    header: Sequence[str], rows: Sequence[Sequence[str]], name: str
) -> list[str] | None:
    """A column that older tables lack."""
    if name not in header:
        return None
    place = header.index(name)
    return [row[place] for row in rows]


def _unsound(run: FinishedRun, split: Split, reason: str) -> RunError:
    path = RunFolder(run.path).images_table(split)
    return RunError(f"{path}: {reason}; cclcc train --fresh trains it again")
