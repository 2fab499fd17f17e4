"""A report as a whole: what is compared and said, ready for any format."""

from collections.abc import Sequence
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
from cclcc_cli.report.gather.groups import Group, data_names, group_runs, repeated_over
from cclcc_cli.report.gather.images import ImageReading, RunScores, read_images
from cclcc_cli.report.gather.runs import Gathered, gather_runs
from cclcc_cli.report.pages.ablation import gather_ablation
from cclcc_cli.report.prose.estimand import caption_text
from cclcc_cli.report.prose.evidence import summarize
from cclcc_cli.report.tables.columns import shown_metrics
from cclcc_cli.report.tables.grid import build_grid
from cclcc_cli.report.tables.quoted import (
    add_to_grid,
    add_to_rows,
    fitting,
    quoted_sentences,
)
from cclcc_cli.report.tables.ranks import build_ranks
from cclcc_cli.report.tables.rows import build_rows
from cclcc_cli.report.tables.spread import build_spread
from cclcc_cli.report.tables.strata import build_strata, strata_missing
from cclcc_cli.report.tables.table import Sheet, Table


@dataclass(frozen=True)
class Question:
    """What a report is asked for.

    Attributes:
        split: whose scores.
        metric: the primary score: interval, test, verdict, ranking, marks and figures.
        baseline: what rows are compared with; None for supervised with as many labels.
        across: show runs together whose scores are not of the same thing.
        all_metrics: every score, not only the main ones.
        grid: methods by number of labels instead of a row per group.
        ablation: its runs alone.
        quoted: figures of others to show below.
        margin: within which a difference counts as none, in the primary score's own unit (a share
            of 1, or pixels); None: the ablation's own, or the default.
    """

    split: Split = "test"
    metric: Metric = MAIN
    baseline: str | None = None
    across: bool = False
    all_metrics: bool = False
    grid: bool = False
    ablation: str | None = None
    quoted: Sequence[Quoted] = ()
    margin: float | None = None

    @property
    def metrics(self) -> Sequence[Metric]:
        """The scores that its rows show, the primary one first."""
        return shown_metrics(self.metric, self.all_metrics)


@dataclass(frozen=True)
class Page:
    """The answer.

    Attributes:
        table: a row per group, or methods by number of labels; its title and what it says.
        notes: what makes it doubtful, and what was left out.
        evidence: of which it is made, a group a row.
        scores: the primary score of the images of the split, by run folder.
        dice: Dice of the same images at the primary score's size, by run folder.
    """

    table: Table
    notes: Sequence[str]
    evidence: Sequence[Evidence]
    scores: RunScores
    dice: RunScores

    @property
    def sheet(self) -> Sheet:
        """The same as a sheet of one table."""
        return Sheet([self.table], self.notes)


def gather(root: Path, ablation: str | None) -> Gathered:
    """All finished runs, or those of one ablation.

    Raises:
        RunError: there is none.
    """
    return gather_ablation(root, read_ablation(root, ablation)) if ablation else gather_runs(root)


def write_page(root: Path, question: Question) -> Page:
    """Read all runs below a root, compare them and put the answer together.

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
    quoted = fitting(question.quoted, groups)
    notes = [*comparison_notes(groups, question.split),
             *missing_notes(groups, question.split, question.metrics),
             *([] if question.baseline else unclear_baselines(groups)),
             *gathered.notes, *reading.notes, *problems,
             *(f"quoted figures on {one.data} ({one.source}) are left out: no run is on it"
               for one in question.quoted if one not in quoted)]
    title = _title(groups, evidence, question)
    sentences = [*summarize(evidence), *quoted_sentences(quoted)]
    table = (
        add_to_grid(build_grid(evidence, question.split, title, sentences), quoted, groups)
        if question.grid else
        add_to_rows(build_rows(
            evidence, question.split, question.metrics, title,
            scores=reading.scores, dice=dice, sentences=sentences), quoted))
    return Page(table, notes, evidence, reading.scores, dice)


def write_spread_page(root: Path, question: Question) -> Sheet:
    """What stands beside each group's mean, and its lesions by size.

    Raises:
        RunError: as ``write_page``.
    """
    page = write_page(root, question)
    strata = build_strata(page.evidence, page.scores, question.split)
    spread = build_spread(page.evidence, page.scores, page.dice, question.split)
    return Sheet([spread, *([strata] if strata else [])],
                 [*page.notes, *strata_missing(page.evidence, page.scores)])


def write_rank_page(root: Path, question: Question) -> Sheet:
    """Mean ranks over data sets and numbers of labels.

    Raises:
        RunError: as ``write_page``, or no two methods were run on all of them.
    """
    page = write_page(root, question)
    return Sheet([build_ranks(page.evidence, page.scores, question.split)], page.notes)


def _title(groups: Sequence[Group], evidence: Sequence[Evidence], question: Question) -> str:
    compared = [(found.group, found.comparison) for found in evidence if found.comparison]
    return (f"{data_names(groups)}: {question.split} "
            f"{heading(question.metric) if question.grid else 'scores'}, "
            f"mean ± standard deviation over {repeated_over(groups)}"
            f"{caption_text(compared)}"
            f"{', ACROSS runs whose conditions differ' if question.across else ''}")


def _read_dice(
    reading: ImageReading, question: Question
) -> tuple[RunScores, Sequence[str]]:
    """Which images failed is said by Dice, whatever the primary score is."""
    dice = (question.metric[0], MAIN[1])
    if dice == question.metric:
        return reading.scores, ()
    found = read_images(reading.runs, question.split, dice)
    return found.scores, [f"failures are counted without it: {note}" for note in found.notes]


def _margin(root: Path, question: Question) -> float | None:
    if question.margin is None and question.ablation:
        return read_ablation(root, question.ablation).margin(question.metric)
    return question.margin
