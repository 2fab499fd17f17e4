"""Groups side by side: mean and spread over seeds, and what makes a comparison doubtful."""

import csv
import io
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cclcc_cli.metrics.scores import (
    ALL_METRICS,
    MAIN,
    Metric,
    heading,
    in_unit,
    metric_name,
    metric_title,
)
from cclcc_cli.report.gather import Run, Split
from cclcc_cli.wording import few

MAIN_METRICS: tuple[Metric, ...] = (MAIN, ("working", "iou"), ("own", "dice"))

Record = dict[str, str | int | float | None]


@dataclass(frozen=True)
class Summary:
    """A score over the seeds of a group, as a share of 1 or in pixels.

    Attributes:
        mean: over runs.
        std: sample standard deviation (n - 1); None for a single run.
        count: runs.
    """

    mean: float
    std: float | None
    count: int


@dataclass(frozen=True)
class Group:
    """A group: runs that differ by their seed alone, or by fold and labelled subset as well.

    They stand in the order of fold, labelled subset and seed.
    """

    runs: tuple[Run, ...]

    @property
    def first(self) -> Run:
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

    def summary(self, split: Split, metric: Metric) -> Summary | None:
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
        return Summary(statistics.fmean(values), std, len(values))


def shown_metrics(judged: Metric, every: bool = False) -> tuple[Metric, ...]:
    """A table's columns: the judged score first, then the main ones, or all there are."""
    return tuple(dict.fromkeys((judged, *(ALL_METRICS if every else MAIN_METRICS))))
def _several(values: Iterable[int | None]) -> list[int]:
    found = sorted({value for value in values if value is not None})
    return found if len(found) > 1 else []


def group_runs(runs: Iterable[Run]) -> list[Group]:
    """Groups in reading order: data set, number of labels, method, name."""
    buckets: defaultdict[str, list[Run]] = defaultdict(list)
    for run in runs:
        buckets[run.group].append(run)
    groups = [build_group(bucket) for bucket in buckets.values()]
    return sorted(groups, key=lambda group: (group.label, group.digest))


def build_group(runs: Iterable[Run]) -> Group:
    """Runs of one group, in its order."""
    return Group(tuple(sorted(runs, key=lambda run: (
        -1 if run.fold is None else run.fold, -1 if run.subset is None else run.subset,
        run.seed))))


def build_table(
    groups: Sequence[Group], split: Split, metrics: Sequence[Metric]
) -> tuple[list[str], list[list[str]]]:
    """Columns and rows of text, a row per group: shares in %, distances in pixels."""
    several_data = len({group.first.data for group in groups}) > 1
    alike = look_alike(groups)
    columns = [
        *(["data"] if several_data else []), "method", "recipe", "labels", "seeds", "steps",
        *map(heading, metrics), *(["group"] if alike else []),
    ]
    rows = [
        [
            *([group.first.data] if several_data else []),
            group.first.method,
            group.recipe,
            share_text(group),
            group.repeated,
            steps_text(group.runs),
            *(format_summary(group.summary(split, metric), metric) for metric in metrics),
            *([group.digest] if alike else []),
        ]
        for group in groups
    ]
    return columns, rows


def comparison_notes(groups: Sequence[Group], split: Split) -> list[str]:
    """What a reader must know before believing the table.

    Within one data set: what differs between rows besides what their labels say, their seeds
    included. Then which checkpoint was judged, leaks, runs that lack the split, and runs that
    read the test split more than once.
    """
    notes = [text for _, text in differing_conditions(groups, split)]
    notes += [*_seed_notes(groups), *_checkpoint_notes(groups), *_leak_notes(groups, split)]
    for run in (run for group in groups for run in group.runs):
        if split not in run.scores:
            notes.append(f"{run.path}: has no {split} scores, its {split} split is empty")
        if split == "test" and run.test_reads > 1:
            notes.append(f"{run.path}: the test split was read {run.test_reads} times")
    return notes


def differing_conditions(groups: Sequence[Group], split: Split) -> list[tuple[str, str]]:
    """What differs between rows of one data set, as a topic and a sentence."""
    buckets: defaultdict[tuple[str, int | None], list[Group]] = defaultdict(list)
    for group in groups:  # folds are other splits by design, and alike within each
        for fold in dict.fromkeys(run.fold for run in group.runs):
            runs = tuple(run for run in group.runs if run.fold == fold)
            buckets[group.first.data, fold].append(Group(runs))
    found = []
    for (data, _), bucket in buckets.items():
        conditions = {run.path: _conditions(run, split) for group in bucket for run in group.runs}
        alike = look_alike(bucket)
        topics = dict.fromkeys(topic for each in conditions.values() for topic in each)
        for topic in topics:
            rows: defaultdict[str, list[str]] = defaultdict(list)
            for group in bucket:
                values = {conditions[run.path].get(topic, "not stated") for run in group.runs}
                for value in sorted(values):
                    rows[value].append(row_name(group, alike))
            if len(rows) > 1:
                differing = "; ".join(f"{value} ({few(rows[value])})" for value in rows)
                found.append((topic, f"{data}: compared rows differ in {topic}: {differing}"))
    return list(dict.fromkeys(found))


def _seed_notes(groups: Sequence[Group]) -> list[str]:
    """By data set: rows with more seeds than others, or with as many but other ones."""
    notes = []
    alike = look_alike(groups)
    for data in dict.fromkeys(group.first.data for group in groups):
        bucket = [group for group in groups if group.first.data == data]
        counts: defaultdict[str, list[str]] = defaultdict(list)
        seeds: defaultdict[str, list[str]] = defaultdict(list)
        for group in bucket:
            counts[group.repeated].append(row_name(group, alike))
            seeds[", ".join(map(str, group.seeds))].append(row_name(group, alike))
        what, rows = ("numbers of seeds", counts) if len(counts) > 1 else ("seeds", seeds)
        if len(rows) > 1:
            differing = "; ".join(f"{value} ({few(names)})" for value, names in rows.items())
            notes.append(f"{data}: compared rows have different {what}: {differing}")
    return notes


def _checkpoint_notes(groups: Sequence[Group]) -> list[str]:
    """By data set: that scores are of the best checkpoint on validation, and when that was."""
    notes = []
    for data in dict.fromkeys(group.first.data for group in groups):
        known = [(run.best_step, run.steps) for group in groups if group.first.data == data
                 for run in group.runs if run.best_step is not None]
        if not known:
            continue
        shares = [round(100 * best / steps) for best, steps in known]
        when = f"{min(shares)} %" if min(shares) == max(shares) else (
            f"{min(shares)} to {max(shares)} %")
        last = sum(best == steps for best, steps in known)
        ending = (f"; in {last} of {len(known)} runs that was the last one, so more steps might "
                  "do better" if last else "")
        notes.append(f"{data}: scores are of the checkpoint that was best on validation, after "
                     f"{when} of the steps{ending}")
    return notes


def _leak_notes(groups: Sequence[Group], split: Split) -> list[str]:
    """By data set: how many images leak, and each group's Dice without them."""
    rows: defaultdict[str, list[str]] = defaultdict(list)
    alike = look_alike(groups)
    for group in groups:
        leaks = {run.fold: run.leaks[split] for run in group.runs if split in run.leaks}
        dice = [leak.dice for run in group.runs if (leak := run.leaks.get(split))
                and leak.dice is not None]
        if leaks:
            count = sum(leak.count for leak in leaks.values())
            images = sum(leak.images for leak in leaks.values())
            what = (f"{group.first.data}: {count} of {images} {split} images show "
                    f"the same thing as an image that trains or selects (cclcc audit)")
            without = f"{100 * statistics.fmean(dice):.2f}" if dice else "none"
            rows[what].append(f"{without} ({row_name(group, alike)})")
    return [f"{what}; Dice % without them: {', '.join(found)}" for what, found in rows.items()]


def to_records(
    groups: Sequence[Group], split: Split, metrics: Sequence[Metric]
) -> list[Record]:
    """One flat record per group with numbers as they are: means, deviations and counts.

    A score at the image's own size is named ``<score>_original``; an unknown number is None.
    """
    records = []
    for group in groups:
        steps = [run.steps for run in group.runs]
        record: Record = {
            "data": group.first.data, "method": group.first.method, "recipe": group.recipe,
            "group": group.first.group, "split": split, "labeled": group.first.labeled,
            "train_images": group.first.train_images, "seeds": len(group.seeds),
            "folds": len(group.folds) or None, "label_subsets": len(group.subsets) or None,
            "steps_min": min(steps), "steps_max": max(steps),
        }
        for metric in metrics:
            summary, key = group.summary(split, metric), metric_name(metric)
            record[f"{key}_mean"] = summary.mean if summary else None
            record[f"{key}_std"] = summary.std if summary else None
            record[f"{key}_n"] = summary.count if summary else 0
        records.append(record)
    return records


def to_markdown(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str]
) -> str:
    """A pipe table, its title above and its notes as a list below."""
    lines = [columns, ["---"] * len(columns), *rows]
    table = [f"| {' | '.join(line)} |" for line in lines]
    below = ["", *(f"- {note}" for note in notes)] if notes else []
    return "\n".join([title, "", *table, *below]) + "\n"


def to_csv(records: Sequence[Record]) -> str:
    """Records as CSV with a header, nothing if there are none; what is unknown stays empty."""
    if not records:
        return ""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue()


def missing_notes(groups: Sequence[Group], split: Split, metrics: Sequence[Metric]) -> list[str]:
    """Which of the scores shown some runs lack, because they are older than the score."""
    runs = [run for group in groups for run in group.runs if split in run.scores]
    lacking: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for metric in metrics:
        without = [str(run.path) for run in runs if run.scores[split].get(metric) is None]
        if without:
            lacking[tuple(without)].append(metric_title(metric))
    return [f"{len(paths)} of {len(runs)} runs are older than {', '.join(titles)} and have none: "
            f"{few(paths)}; cclcc train --fresh makes them anew"
            for paths, titles in lacking.items()]


def _conditions(run: Run, split: Split) -> Mapping[str, str]:
    rules = {f"evaluation rule {topic!r}": str(rule) for topic, rule in run.rules[split].items()}
    return {"optimiser steps": str(run.steps), **run.conditions, **rules}


def repeated_over(groups: Sequence[Group]) -> str:
    """What standard deviations are over, in words."""
    kinds = dict.fromkeys(
        "folds" if group.folds else "label subsets" if group.subsets else "seeds"
        for group in groups)
    return " or ".join(kinds)


def look_alike(groups: Sequence[Group]) -> bool:
    """Some groups have the same label, and need their digests to be told apart."""
    return len({group.label for group in groups}) < len(groups)


def row_name(group: Group, alike: bool) -> str:
    """A group in a sentence: method, recipe and labels, and its digest where others are alike."""
    method = "" if group.recipe == group.first.method else f"{group.first.method} "
    name = f"{method}{group.recipe} {group.first.labeled}"
    return f"{name} {group.digest}" if alike else name


def steps_text(runs: Sequence[Run]) -> str:
    """Optimiser steps of each run; where they differ, all of them."""
    return "/".join(map(str, sorted({run.steps for run in runs})))


def share_text(group: Group) -> str:
    """How many labels, and what share of the training images."""
    return f"{group.first.labeled} ({100 * group.first.labeled / group.first.train_images:.3g} %)"


def format_summary(summary: Summary | None, metric: Metric) -> str:
    """Mean and deviation: shares in %, distances in pixels."""
    if summary is None:
        return "none"
    mean = f"{in_unit(summary.mean, metric):.2f}"
    if summary.std is None:
        return f"{mean} (1 seed)"
    return f"{mean} ± {in_unit(summary.std, metric):.2f}"
