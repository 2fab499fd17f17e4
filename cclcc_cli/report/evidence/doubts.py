"""What makes a comparison doubtful: conditions that differ, seeds, checkpoints, leaks."""

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence

from cclcc_cli.metrics.scores import Metric, metric_title
from cclcc_cli.report.gather.finished import FinishedRun, Split
from cclcc_cli.report.gather.groups import Group, look_alike, row_name
from cclcc_cli.wording import counted, few


def comparison_notes(groups: Sequence[Group], split: Split) -> list[str]:
    """What a reader must know before believing the table.

    Within one data set: what differs between rows besides what their labels say, their seeds
    included. Then which checkpoint was scored, leaks, runs that lack the split, and runs that
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


def _conditions(run: FinishedRun, split: Split) -> Mapping[str, str]:
    rules = {f"evaluation rule {topic!r}": str(rule) for topic, rule in run.rules[split].items()}
    return {"optimiser steps": str(run.steps), **run.conditions, **rules}


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
        ending = (f"; in {last} of {counted(len(known), 'run')} that was the last one, so more "
                  "steps might improve it" if last else "")
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
            shows = counted(images, f"{split} image shows", f"{split} images show")
            what = (f"{group.first.data}: {count} of {shows} "
                    f"the same content as an image used for training or selection (cclcc audit)")
            without = f"{100 * statistics.fmean(dice):.2f}" if dice else "none"
            rows[what].append(f"{without} ({row_name(group, alike)})")
    return [f"{what}; Dice % without them: {', '.join(found)}" for what, found in rows.items()]


def missing_notes(groups: Sequence[Group], split: Split, metrics: Sequence[Metric]) -> list[str]:
    """Which of the scores shown some runs lack, because they are older than the score."""
    runs = [run for group in groups for run in group.runs if split in run.scores]
    lacking: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for metric in metrics:
        without = [str(run.path) for run in runs if run.scores[split].get(metric) is None]
        if without:
            lacking[tuple(without)].append(metric_title(metric))
    return [f"{len(paths)} of {counted(len(runs), 'run')} have no {', '.join(titles)}, because "
            f"they are older than the score: {few(paths)}; cclcc train --fresh trains them again"
            for paths, titles in lacking.items()]
