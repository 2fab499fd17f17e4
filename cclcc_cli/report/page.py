"""A report as a whole: what is compared, judged and said, ready for any format."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cclcc_cli.report import evidence_text as words
from cclcc_cli.report.costs import COLUMNS, cost_cells, cost_record
from cclcc_cli.report.evidence import (
    JUDGED,
    Evidence,
    check_comparable,
    unclear_baselines,
    weigh,
)
from cclcc_cli.report.gather import Split, gather_runs
from cclcc_cli.report.images import read_images
from cclcc_cli.report.tables import (
    ALL_METRICS,
    MAIN_METRICS,
    Record,
    build_table,
    comparison_notes,
    group_arms,
    to_csv,
    to_markdown,
    to_records,
)


@dataclass(frozen=True)
class Question:
    """What a report is asked for.

    Attributes:
        split: whose scores.
        baseline: what rows are compared with; None for supervised with as many labels.
        across: show runs together whose scores are not of the same thing.
        all_metrics: every score, not only the main ones.
        costs: what the runs took.
    """

    split: Split = "test"
    baseline: str | None = None
    across: bool = False
    all_metrics: bool = False
    costs: bool = False


@dataclass(frozen=True)
class Page:
    """The answer.

    Attributes:
        title: what the table shows.
        columns: of the table.
        rows: of text, as many cells as columns.
        records: the same and more as numbers, one for each row.
        sentences: what it says.
        notes: what makes it doubtful, and what was left out.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    records: Sequence[Record]
    sentences: Sequence[str]
    notes: Sequence[str]

    def markdown(self) -> str:
        return to_markdown(self.title, self.columns, self.rows, [*self.sentences, *self.notes])

    def csv(self) -> str:
        return to_csv(self.records)

    def json(self) -> str:
        page = {"rows": self.records, "summary": self.sentences, "notes": self.notes}
        return json.dumps(page, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def write_page(root: Path, question: Question) -> Page:
    """Read all runs below a root, judge them and put the answer together.

    Raises:
        RunError: there is nothing to report, or it must not be compared.
    """
    gathered = gather_runs(root)
    reading = read_images(gathered.runs, question.split, JUDGED)
    arms = group_arms(reading.runs)
    if not question.across:
        check_comparable(arms, question.split)
    evidence = weigh(arms, reading.scores, question.baseline)
    notes = [*comparison_notes(arms, question.split),
             *([] if question.baseline else unclear_baselines(arms)),
             *gathered.notes, *reading.notes]
    columns, rows = _table(evidence, question)
    data = ", ".join(dict.fromkeys(arm.first.data for arm in arms))
    return Page(
        title=f"{data}: {question.split} scores, mean ± standard deviation over seeds"
              f"{', ACROSS runs whose conditions differ' if question.across else ''}",
        columns=columns, rows=rows, records=_records(evidence, question),
        sentences=words.summarize(evidence), notes=notes,
    )


def _table(evidence: Sequence[Evidence], question: Question) -> tuple[list[str], list[list[str]]]:
    arms = [found.arm for found in evidence]
    metrics = ALL_METRICS if question.all_metrics else MAIN_METRICS
    columns, rows = build_table(arms, question.split, metrics)
    columns = [*columns, *words.COLUMNS, *(COLUMNS if question.costs else ())]
    rows = [
        [*row, *words.evidence_cells(found), *(cost_cells(found.arm) if question.costs else ())]
        for row, found in zip(rows, evidence, strict=True)
    ]
    return columns, rows


def _records(evidence: Sequence[Evidence], question: Question) -> list[Record]:
    metrics = ALL_METRICS if question.all_metrics else MAIN_METRICS
    records = to_records([found.arm for found in evidence], question.split, metrics)
    family = words.count_comparisons(evidence)
    return [
        {**record, **words.evidence_record(found, family),
         **(cost_record(found.arm) if question.costs else {})}
        for record, found in zip(records, evidence, strict=True)
    ]
