"""A report as a whole: what is compared, judged and said, ready for any format."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cclcc_cli.config.quoted import Quoted
from cclcc_cli.report import evidence_text as words
from cclcc_cli.report.ablation import read_ablation
from cclcc_cli.report.ablation_page import gather_ablation
from cclcc_cli.report.costs import cost_record
from cclcc_cli.report.estimand import caption_text
from cclcc_cli.report.evidence import (
    JUDGED,
    Evidence,
    check_comparable,
    unclear_baselines,
    weigh,
)
from cclcc_cli.report.gather import Gathered, Split, gather_runs
from cclcc_cli.report.images import ImageScores, read_images
from cclcc_cli.report.layouts import Layout, lay_out_grid, lay_out_rows
from cclcc_cli.report.quoted import (
    add_to_grid,
    add_to_rows,
    fitting,
    quoted_records,
    quoted_sentences,
)
from cclcc_cli.report.sheet import Sheet, Table
from cclcc_cli.report.tables import (
    ALL_METRICS,
    MAIN_METRICS,
    Record,
    comparison_notes,
    group_arms,
    repeated_over,
    to_records,
)
from cclcc_cli.report.verdicts import DEFAULT_MARGIN


@dataclass(frozen=True)
class Question:
    """What a report is asked for.

    Attributes:
        split: whose scores.
        baseline: what rows are compared with; None for supervised with as many labels.
        across: show runs together whose scores are not of the same thing.
        all_metrics: every score, not only the main ones.
        costs: what the runs took.
        grid: methods by number of labels instead of a row per arm.
        ablation: its runs alone.
        quoted: figures of others to show below.
        margin: within which a difference counts as none, a share of 1; None: the ablation's own,
            or the default.
    """

    split: Split = "test"
    baseline: str | None = None
    across: bool = False
    all_metrics: bool = False
    costs: bool = False
    grid: bool = False
    ablation: str | None = None
    quoted: Sequence[Quoted] = ()
    margin: float | None = None


@dataclass(frozen=True)
class Page:
    """The answer.

    Attributes:
        title: what the table shows.
        layout: the table.
        records: what it shows and more as numbers, one for each arm.
        sentences: what it says.
        notes: what makes it doubtful, and what was left out.
        evidence: of which it is made, an arm a row.
        scores: Dice of the images of the split, by run folder.
        quoted: figures of others as numbers; the layout shows them below its own rows.
    """

    title: str
    layout: Layout
    records: Sequence[Record]
    sentences: Sequence[str]
    notes: Sequence[str]
    evidence: Sequence[Evidence]
    scores: Mapping[Path, ImageScores]
    quoted: Sequence[Record] = ()

    def markdown(self) -> str:
        return self.sheet.markdown()

    def latex(self) -> str:
        return self.sheet.latex()

    @property
    def marked_rows(self) -> list[list[str]]:
        """The table's rows where marks are plain signs behind a cell."""
        return self._table.marked_rows

    def csv(self) -> str:
        return self.sheet.csv()

    def json(self) -> str:
        return self.sheet.json()

    @property
    def sheet(self) -> Sheet:
        """The same as a sheet of one table."""
        return Sheet([self._table], self.notes)

    @property
    def _table(self) -> Table:
        return Table("rows", self.title, self.layout, self.records, self.sentences,
                     self.quoted)


def gather(root: Path, ablation: str | None) -> Gathered:
    """All finished runs, or those of one ablation.

    Raises:
        RunError: there is none.
    """
    return gather_ablation(root, read_ablation(root, ablation)) if ablation else gather_runs(root)


def write_page(root: Path, question: Question) -> Page:
    """Read all runs below a root, judge them and put the answer together.

    Raises:
        RunError: there is nothing to report, or it must not be compared.
    """
    gathered = gather(root, question.ablation)
    reading = read_images(gathered.runs, question.split, JUDGED)
    arms = group_arms(reading.runs)
    if not question.across:
        check_comparable(arms, question.split)
    margin = _margin(root, question)
    evidence = weigh(arms, reading.scores, question.baseline, margin)
    notes = [*comparison_notes(arms, question.split),
             *([] if question.baseline else unclear_baselines(arms)),
             *gathered.notes, *reading.notes]
    data = ", ".join(dict.fromkeys(arm.first.data for arm in arms))
    quoted = fitting(question.quoted, arms)
    notes += [f"quoted figures on {one.data} ({one.source}) are left out: no run is on it"
              for one in question.quoted if one not in quoted]
    return Page(
        title=f"{data}: {question.split} {'Dice %' if question.grid else 'scores'}, "
              f"mean ± standard deviation over {repeated_over(arms)}"
              f"{caption_text([found.arm for found in evidence if found.comparison], margin)}"
              f"{', ACROSS runs whose conditions differ' if question.across else ''}",
        layout=_lay_out(evidence, question, quoted), records=_records(evidence, question),
        sentences=[*words.summarize(evidence), *quoted_sentences(quoted)], notes=notes,
        evidence=evidence, scores=reading.scores, quoted=quoted_records(quoted),
    )


def _margin(root: Path, question: Question) -> float:
    if question.margin is not None:
        return question.margin
    if question.ablation:
        return read_ablation(root, question.ablation).margin
    return DEFAULT_MARGIN


def _lay_out(
    evidence: Sequence[Evidence], question: Question, quoted: Sequence[Quoted]
) -> Layout:
    if question.grid:
        return add_to_grid(lay_out_grid(evidence, question.split), quoted,
                           [found.arm for found in evidence])
    metrics = ALL_METRICS if question.all_metrics else MAIN_METRICS
    return add_to_rows(lay_out_rows(evidence, question.split, metrics, question.costs), quoted,
                       metrics)


def _records(evidence: Sequence[Evidence], question: Question) -> list[Record]:
    metrics = ALL_METRICS if question.all_metrics else MAIN_METRICS
    records = to_records([found.arm for found in evidence], question.split, metrics)
    return [
        {**record, **words.evidence_record(found),
         **(cost_record(found.arm) if question.costs else {})}
        for record, found in zip(records, evidence, strict=True)
    ]
