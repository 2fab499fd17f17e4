"""A report as a whole: what is compared, judged and said, ready for any format."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cclcc_cli.config.quoted import Quoted
from cclcc_cli.metrics.scores import MAIN, Metric, heading
from cclcc_cli.report.evidence.ablation import read_ablation
from cclcc_cli.report.evidence.doubts import comparison_notes, missing_notes
from cclcc_cli.report.evidence.weigh import (
    Evidence,
    check_comparable,
    unclear_baselines,
    weigh,
)
from cclcc_cli.report.gather.finished import Split
from cclcc_cli.report.gather.groups import group_runs, repeated_over
from cclcc_cli.report.gather.images import ImageReading, ImageScores, read_images
from cclcc_cli.report.gather.runs import Gathered, gather_runs
from cclcc_cli.report.pages.ablation import gather_ablation
from cclcc_cli.report.pages.spread import spread_record
from cclcc_cli.report.prose import evidence as words
from cclcc_cli.report.prose.estimand import caption_text
from cclcc_cli.report.tables.costs import cost_record
from cclcc_cli.report.tables.layouts import Layout, lay_out_grid, lay_out_rows
from cclcc_cli.report.tables.quoted import (
    add_to_grid,
    add_to_rows,
    fitting,
    quoted_records,
    quoted_sentences,
)
from cclcc_cli.report.tables.rows import Record, shown_metrics, to_records
from cclcc_cli.report.tables.sheet import Sheet, Table


@dataclass(frozen=True)
class Question:
    """What a report is asked for.

    Attributes:
        split: whose scores.
        metric: the score that is judged: interval, test, verdict, ranking, marks and figures.
        baseline: what rows are compared with; None for supervised with as many labels.
        across: show runs together whose scores are not of the same thing.
        all_metrics: every score, not only the main ones.
        costs: what the runs took.
        grid: methods by number of labels instead of a row per group.
        ablation: its runs alone.
        quoted: figures of others to show below.
        margin: within which a difference counts as none, in the judged score's own unit (a share of
            1, or pixels); None: the ablation's own, or the default.
    """

    split: Split = "test"
    metric: Metric = MAIN
    baseline: str | None = None
    across: bool = False
    all_metrics: bool = False
    costs: bool = False
    grid: bool = False
    ablation: str | None = None
    quoted: Sequence[Quoted] = ()
    margin: float | None = None

    @property
    def metrics(self) -> Sequence[Metric]:
        """The scores that its rows show, the judged one first."""
        return shown_metrics(self.metric, self.all_metrics)


@dataclass(frozen=True)
class Page:
    """The answer.

    Attributes:
        title: what the table shows.
        layout: the table.
        records: what it shows and more as numbers, one for each group.
        sentences: what it says.
        notes: what makes it doubtful, and what was left out.
        evidence: of which it is made, a group a row.
        scores: the judged score of the images of the split, by run folder.
        dice: Dice of the same images at the judged score's size, by run folder.
        quoted: figures of others as numbers; the layout shows them below its own rows.
    """

    title: str
    layout: Layout
    records: Sequence[Record]
    sentences: Sequence[str]
    notes: Sequence[str]
    evidence: Sequence[Evidence]
    scores: Mapping[Path, ImageScores]
    dice: Mapping[Path, ImageScores]
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
    reading = read_images(gathered.runs, question.split, question.metric)
    groups = group_runs(reading.runs)
    if not question.across:
        check_comparable(groups, question.split, question.metric)
    dice, problems = _read_dice(reading, question)
    evidence = weigh(groups, reading.scores, question.baseline, question.metric,
                     _margin(root, question))
    notes = [*comparison_notes(groups, question.split),
             *missing_notes(groups, question.split, question.metrics),
             *([] if question.baseline else unclear_baselines(groups)),
             *gathered.notes, *reading.notes, *problems]
    data = ", ".join(dict.fromkeys(group.first.data for group in groups))
    compared = [(found.group, found.comparison) for found in evidence if found.comparison]
    quoted = fitting(question.quoted, groups)
    notes += [f"quoted figures on {one.data} ({one.source}) are left out: no run is on it"
              for one in question.quoted if one not in quoted]
    return Page(
        title=f"{data}: {question.split} "
              f"{heading(question.metric) if question.grid else 'scores'}, "
              f"mean ± standard deviation over {repeated_over(groups)}"
              f"{caption_text(compared)}"
              f"{', ACROSS runs whose conditions differ' if question.across else ''}",
        layout=_lay_out(evidence, question, quoted),
        records=_records(evidence, question, reading.scores, dice),
        sentences=[*words.summarize(evidence), *quoted_sentences(quoted)], notes=notes,
        evidence=evidence, scores=reading.scores, dice=dice,
        quoted=quoted_records(quoted),
    )


def _read_dice(
    reading: ImageReading, question: Question
) -> tuple[Mapping[Path, ImageScores], Sequence[str]]:
    """Which images failed is said by Dice, whatever is judged."""
    dice = (question.metric[0], MAIN[1])
    if dice == question.metric:
        return reading.scores, ()
    found = read_images(reading.runs, question.split, dice)
    return found.scores, [f"failures are counted without it: {note}" for note in found.notes]


def _margin(root: Path, question: Question) -> float | None:
    if question.margin is None and question.ablation:
        return read_ablation(root, question.ablation).margin(question.metric)
    return question.margin


def _lay_out(
    evidence: Sequence[Evidence], question: Question, quoted: Sequence[Quoted]
) -> Layout:
    if question.grid:
        return add_to_grid(lay_out_grid(evidence, question.split), quoted,
                           [found.group for found in evidence], question.metric)
    return add_to_rows(lay_out_rows(evidence, question.split, question.metrics, question.costs),
                       quoted, question.metrics)


def _records(
    evidence: Sequence[Evidence], question: Question, scores: Mapping[Path, ImageScores],
    dice: Mapping[Path, ImageScores],
) -> list[Record]:
    records = to_records([found.group for found in evidence], question.split, question.metrics)
    return [
        {**record, **words.evidence_record(found), **spread_record(found, scores, dice),
         **(cost_record(found.group) if question.costs else {})}
        for record, found in zip(records, evidence, strict=True)
    ]
