"""Groups of runs that differ by their seed alone, or by fold and labelled subset as well."""

import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cclcc_cli.metrics.scores import Metric
from cclcc_cli.report.gather.finished import FinishedRun, Split


@dataclass(frozen=True)
class ScoreSummary:
    """A score over the seeds of a group, as a share of 1 or in pixels.

    Attributes:
        mean: over runs.
        std: sample standard deviation (n - 1); None for a single run.
        count: runs; None where others ran them and did not say.
    """

    mean: float
    std: float | None
    count: int | None


@dataclass(frozen=True)
class Group:
    """A group: runs that differ by their seed alone, or by fold and labelled subset as well.

    They stand in the order of fold, labelled subset and seed.
    """

    runs: tuple[FinishedRun, ...]

    @property
    def first(self) -> FinishedRun:
        return self.runs[0]

    @property
    def digest(self) -> str:
        """The first characters, enough to tell groups apart and to find their cell.json."""
        return self.first.group[:8]

    @property
    def recipe(self) -> str:
        """The recipe's name, or names: a renamed recipe is the same group."""
        return "/".join(sorted({run.name for run in self.runs}))

    @property
    def place(self) -> tuple[str, int]:
        """What it shares with the groups it is compared with: data set and number of labels."""
        return self.first.data, self.first.labeled

    @property
    def label(self) -> tuple[str, int, str, str]:
        """What a reader sees of a group, in reading order."""
        return self.first.data, self.first.labeled, self.first.method, self.recipe

    @property
    def seeds(self) -> list[int]:
        return sorted({run.seed for run in self.runs})

    @property
    def folds(self) -> list[int]:
        """Those that are pooled; empty where there are not several."""
        return _several(run.fold for run in self.runs)

    @property
    def subsets(self) -> list[int]:
        """Label seeds that are pooled; empty where there are not several."""
        return _several(run.subset for run in self.runs)

    @property
    def repeated(self) -> str:
        """How often the group was trained: ``3``, ``5 folds x 3``, ``4 subsets x 3``."""
        parts = [f"{len(found)} {what}" for found, what in
                 ((self.folds, "folds"), (self.subsets, "subsets")) if found]
        return " x ".join([*parts, str(len(self.seeds))])

    def summary(self, split: Split, metric: Metric) -> ScoreSummary | None:
        """One score over the runs that have it for this split; None where none has.

        Of several folds or labelled subsets, the seeds of each are averaged first.
        """
        pooled: defaultdict[int | None, list[float]] = defaultdict(list)
        for run in self.runs:
            value = run.scores[split].get(metric) if split in run.scores else None
            if value is not None:
                pooled[run.fold if self.folds else run.subset].append(value)
        values = (next(iter(pooled.values())) if len(pooled) == 1
                  else [statistics.fmean(found) for found in pooled.values()])
        if not values:
            return None
        std = statistics.stdev(values) if len(values) > 1 else None
        return ScoreSummary(statistics.fmean(values), std, len(values))


def _several(values: Iterable[int | None]) -> list[int]:
    found = sorted({value for value in values if value is not None})
    return found if len(found) > 1 else []


def group_runs(runs: Iterable[FinishedRun]) -> list[Group]:
    """Groups in reading order: data set, number of labels, method, name."""
    buckets: defaultdict[str, list[FinishedRun]] = defaultdict(list)
    for run in runs:
        buckets[run.group].append(run)
    groups = [build_group(bucket) for bucket in buckets.values()]
    return sorted(groups, key=lambda group: (group.label, group.digest))


def build_group(runs: Iterable[FinishedRun]) -> Group:
    """Runs of one group, in its order."""
    return Group(tuple(sorted(runs, key=lambda run: (
        -1 if run.fold is None else run.fold, -1 if run.subset is None else run.subset,
        run.seed))))


def repeated_over(groups: Sequence[Group]) -> str:
    """What standard deviations are over, in words."""
    kinds = dict.fromkeys(
        "folds" if group.folds else "label subsets" if group.subsets else "seeds"
        for group in groups)
    return " or ".join(kinds)


def data_names(groups: Iterable[Group]) -> str:
    """The data sets of groups, each once."""
    return ", ".join(dict.fromkeys(group.first.data for group in groups))


def look_alike(groups: Sequence[Group]) -> bool:
    """Some groups have the same label, and need their digests to be told apart."""
    return len({group.label for group in groups}) < len(groups)


def row_name(group: Group, alike: bool) -> str:
    """A group in a sentence: method, recipe and labels, and its digest where others are alike."""
    method = "" if group.recipe == group.first.method else f"{group.first.method} "
    name = f"{method}{group.recipe} {group.first.labeled}"
    return f"{name} {group.digest}" if alike else name


def share_text(group: Group) -> str:
    """How many labels, and what share of the training images."""
    return f"{group.first.labeled} ({100 * group.first.labeled / group.first.train_images:.3g} %)"
