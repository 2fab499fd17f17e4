"""Runs of one arm side by side with those of others: mean and spread over seeds."""

import csv
import io
import json
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from cclcc_cli.report.gather import Run

Split = Literal["val", "test"]
Metric = tuple[str, str]
"""Size (``working`` or ``own``) and name of a score."""

MAIN_METRICS: tuple[Metric, ...] = (("working", "dice"), ("working", "iou"), ("own", "dice"))
MORE_METRICS: tuple[Metric, ...] = tuple(
    ("working", name)
    for name in ("precision", "recall", "specificity", "accuracy", "mae", "hd95", "assd")
)
_PIXELS = ("hd95", "assd")


@dataclass(frozen=True)
class Summary:
    """A score over the seeds of an arm.

    Attributes:
        mean: over runs.
        std: sample standard deviation (n - 1); None for a single run.
        count: runs.
    """

    mean: float
    std: float | None
    count: int


@dataclass(frozen=True)
class Arm:
    """Runs that differ by their seed alone."""

    runs: tuple[Run, ...]

    @property
    def first(self) -> Run:
        return self.runs[0]

    @property
    def label(self) -> tuple[str, str, str, int]:
        """What a reader sees of an arm."""
        return self.first.data, self.first.method, self.first.name, self.first.labeled

    def summary(self, split: Split, metric: Metric) -> Summary | None:
        """One score over seeds; None where a run has no such split."""
        size, name = metric
        if not all(split in run.scores for run in self.runs):
            return None
        values = [run.scores[split][size][name] for run in self.runs]
        std = statistics.stdev(values) if len(values) > 1 else None
        return Summary(statistics.fmean(values), std, len(values))


def group_arms(runs: Iterable[Run]) -> list[Arm]:
    """Arms in reading order: data set, number of labels, method, name."""
    groups: defaultdict[str, list[Run]] = defaultdict(list)
    for run in runs:
        groups[run.arm].append(run)
    arms = [Arm(tuple(sorted(group, key=lambda run: run.seed))) for group in groups.values()]
    return sorted(
        arms, key=lambda arm: (arm.first.data, arm.first.labeled, *arm.label[1:3], arm.first.arm)
    )


def build_table(
    arms: Sequence[Arm], split: Split, metrics: Sequence[Metric]
) -> tuple[list[str], list[list[str]]]:
    """Columns and rows of text: scores in %, distances in pixels."""
    labels = [arm.label for arm in arms]
    several_data = len({arm.first.data for arm in arms}) > 1
    clash = len(set(labels)) < len(labels)
    columns = [
        *(["data"] if several_data else []), "method", "recipe", "labels", "seeds", "steps",
        *map(_heading, metrics), *(["arm"] if clash else []),
    ]
    rows = [
        [
            *([arm.first.data] if several_data else []),
            arm.first.method,
            arm.first.name,
            f"{arm.first.labeled} ({100 * arm.first.labeled / arm.first.train_images:.3g} %)",
            str(len(arm.runs)),
            "/".join(map(str, sorted({run.steps for run in arm.runs}))),
            *(_cell(arm.summary(split, metric), metric) for metric in metrics),
            *([arm.first.arm[:8]] if clash else []),
        ]
        for arm in arms
    ]
    return columns, rows


def comparison_notes(arms: Sequence[Arm], split: Split) -> list[str]:
    """What a reader must know before believing the table."""
    notes = []
    for data in sorted({arm.first.data for arm in arms}):
        runs = [run for arm in arms if arm.first.data == data for run in arm.runs]
        for condition in runs[0].conditions:
            values = sorted({run.conditions[condition] for run in runs}, key=lambda v: (len(v), v))
            if len(values) > 1:
                shown = "" if condition == "evaluation rules" else f": {', '.join(values)}"
                notes.append(f"{data}: the compared runs differ in {condition}{shown}")
        for run in runs:
            if run.test_reads > 1:
                notes.append(f"{run.path}: the test split was read {run.test_reads} times")
            if split not in run.scores:
                notes.append(f"{run.path}: there is no {split} split")
    single = [arm for arm in arms if len(arm.runs) == 1]
    if single:
        notes.append(
            f"{len(single)} of {len(arms)} rows come from one seed: differences between them may "
            "be chance"
        )
    return notes


def to_markdown(
    columns: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str]
) -> str:
    """A pipe table with its notes below."""
    lines = [columns, ["---"] * len(columns), *rows]
    table = [f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines]
    return "\n".join([*table, *([""] if notes else []), *(f"- {note}" for note in notes)]) + "\n"


def to_records(
    arms: Sequence[Arm], split: Split, metrics: Sequence[Metric]
) -> list[dict[str, str | int | float | None]]:
    """One flat record per arm with numbers as they are: means, deviations and counts."""
    records = []
    for arm in arms:
        run = arm.first
        record: dict[str, str | int | float | None] = {
            "data": run.data, "method": run.method, "recipe": run.name, "arm": run.arm,
            "split": split, "labeled": run.labeled, "train_images": run.train_images,
            "steps": run.steps, "seeds": len(arm.runs),
        }
        for size, name in metrics:
            summary = arm.summary(split, (size, name))
            key = name if size == "working" else f"own_{name}"
            record[f"{key}_mean"] = summary.mean if summary else None
            record[f"{key}_std"] = summary.std if summary else None
            record[f"{key}_n"] = summary.count if summary else 0
        records.append(record)
    return records


def to_csv(records: Sequence[dict[str, str | int | float | None]]) -> str:
    """Records as CSV; what is unknown stays empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue()


def to_json(
    records: Sequence[dict[str, str | int | float | None]], notes: Sequence[str]
) -> str:
    """Records and notes as one JSON object."""
    return json.dumps({"rows": records, "notes": notes}, indent=1, ensure_ascii=False) + "\n"


def _heading(metric: Metric) -> str:
    size, name = metric
    title = {"dice": "Dice", "iou": "IoU", "mae": "MAE", "hd95": "HD95", "assd": "ASSD"}
    unit = "px" if name in _PIXELS else "%"
    own = " own size" if size == "own" else ""
    return f"{title.get(name, name)}{own} {unit}"


def _cell(summary: Summary | None, metric: Metric) -> str:
    if summary is None:
        return "no split"
    factor = 1 if metric[1] in _PIXELS else 100
    if summary.std is None:
        return f"{factor * summary.mean:.2f}"
    return f"{factor * summary.mean:.2f} ± {factor * summary.std:.2f}"
