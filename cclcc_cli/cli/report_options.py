"""Options that the commands of ``cclcc report`` share, and what is made of them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cclcc_cli.cli.options import OUTPUT, own_margin, primary_metric
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


def asked_server(
    mlflow: bool, uri: str | None, experiments: Sequence[str] | None
) -> Mlflow | None:
    """The tracking server that the options name; None where runs are read from elsewhere."""
    return Mlflow(uri, experiments or ()) if mlflow else None


@contextmanager
def open_reading(
    runs: Path, bundles: Sequence[Path] | None, mlflow: bool, uri: str | None,
    experiments: Sequence[str] | None, ablation: str | None,
) -> Iterator[Source]:
    """Where the options say that runs are read.

    Raises:
        RunError: they contradict each other.
    """
    if not mlflow and (uri or experiments):
        raise RunError("--tracking-uri and --experiment say where --mlflow reads; add --mlflow")
    server = asked_server(mlflow, uri, experiments)
    with open_source(runs, bundles or (), server, ablation) as source:
        yield source


def ask(
    split: Any, metric: str, baseline: str | None, across: bool, margin: float | None,
    quoted: Sequence[Path] | None, ablation: str | None, *, all_metrics: bool = False,
    grid: bool = False,
) -> "Question":
    """What the options ask of a report.

    Raises:
        RunError: there is no such score, or the margin is out of its range.
        RecipeError: a file of published figures cannot be used.
    """
    primary = primary_metric(metric)
    own = own_margin(margin, primary)

    from cclcc_cli.config.quoted import load_quoted
    from cclcc_cli.report.pages.comparison import Question

    return Question(split, primary, baseline, across, all_metrics, grid, ablation,
                    [load_quoted(path) for path in quoted or ()], own)
