"""Options that the commands of ``cclcc report`` share, and what is made of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cclcc_cli.cli.options import (
    OUTPUT,
    RUNS,
    Across,
    Baseline,
    Bundles,
    Experiments,
    FromMlflow,
    Margin,
    MetricName,
    QuotedFiles,
    ReadRuns,
    ReadUri,
    WhichSplit,
    own_margin,
    primary_metric,
)
from cclcc_cli.cli.report_output import Format
from cclcc_cli.cli.source import Mlflow, Source, open_source
from cclcc_cli.errors import RunError

if TYPE_CHECKING:
    from cclcc_cli.report.pages.comparison import Question

FormatOption = Annotated[
    Format | None,
    typer.Option("--format", rich_help_panel=OUTPUT, show_default="by the name of --out, or table",
                 help="csv and json hold unrounded numbers, scores as shares of 1."),
]
OutFile = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", dir_okay=False, rich_help_panel=OUTPUT,
                 help="Write to this file instead of the terminal."),
]
FiguresDir = Annotated[
    Path | None,
    typer.Option("--figures", metavar="DIR", file_okay=False, rich_help_panel=OUTPUT,
                 help="Also draw figures, as PNG and PDF with captions, into this directory."),
]


@dataclass(frozen=True)
class Reading:
    """Where runs are read, and which."""

    runs: ReadRuns = RUNS
    bundle: Bundles = None
    mlflow: FromMlflow = False
    tracking_uri: ReadUri = None
    experiment: Experiments = None

    @property
    def server(self) -> Mlflow | None:
        """The tracking server that the options name; None where runs are read from elsewhere."""
        return Mlflow(self.tracking_uri, self.experiment or ()) if self.mlflow else None

    @contextmanager
    def open(self, ablation: str | None) -> Iterator[Source]:
        """The run folders that the options say.

        Raises:
            RunError: the options contradict each other.
        """
        if not self.mlflow and (self.tracking_uri or self.experiment):
            raise RunError("--tracking-uri and --experiment say where --mlflow reads; add --mlflow")
        with open_source(self.runs, self.bundle or (), self.server, ablation) as source:
            yield source


@dataclass(frozen=True)
class Comparing:
    """Which scores are shown, and what they are compared with."""

    split: WhichSplit = "test"
    metric: MetricName = "dice"
    baseline: Baseline = None
    across: Across = False


@dataclass(frozen=True)
class Weighing(Comparing):
    """The same, with what only whole tables take."""

    margin: Margin = None
    quoted: QuotedFiles = None


@dataclass(frozen=True)
class Writing:
    """In which format, and where to."""

    format: FormatOption = None
    out: OutFile = None


def ask(
    comparing: Comparing, ablation: str | None, *, all_metrics: bool = False, grid: bool = False
) -> "Question":
    """What the options ask of a report.

    Raises:
        RunError: there is no such score, or the margin is out of its range.
        RecipeError: a file of published figures cannot be used.
    """
    whole = comparing if isinstance(comparing, Weighing) else Weighing()
    primary = primary_metric(comparing.metric)
    own = own_margin(whole.margin, primary)

    from cclcc_cli.config.quoted import load_quoted
    from cclcc_cli.report.pages.comparison import Question

    return Question(comparing.split, primary, comparing.baseline, comparing.across, all_metrics,
                    grid, ablation, [load_quoted(path) for path in whole.quoted or ()], own)
