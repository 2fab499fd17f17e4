"""Groups side by side: mean and spread over seeds."""

import csv
import io
from collections.abc import Sequence

from cclcc_cli.metrics.scores import (
    ALL_METRICS,
    MAIN,
    Metric,
    heading,
    in_unit,
    metric_name,
)
from cclcc_cli.report.gather.finished import Split
from cclcc_cli.report.gather.groups import Group, Summary, look_alike, share_text, steps_text

MAIN_METRICS: tuple[Metric, ...] = (MAIN, ("working", "iou"), ("own", "dice"))
Record = dict[str, str | int | float | None]


def shown_metrics(judged: Metric, every: bool = False) -> tuple[Metric, ...]:
    """A table's columns: the judged score first, then the main ones, or all there are."""
    return tuple(dict.fromkeys((judged, *(ALL_METRICS if every else MAIN_METRICS))))


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


def format_summary(summary: Summary | None, metric: Metric) -> str:
    """Mean and deviation: shares in %, distances in pixels."""
    if summary is None:
        return "none"
    mean = f"{in_unit(summary.mean, metric):.2f}"
    if summary.std is None:
        return f"{mean} (1 seed)"
    return f"{mean} ± {in_unit(summary.std, metric):.2f}"
