"""Options that several commands share, and the panels of ``--help`` that they stand in."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from cclcc_cli.errors import RunError
from cclcc_cli.files import DATA, DOWNLOADS, RUNS
from cclcc_cli.metrics.scores import Metric, parse_metric, score_of

__all__ = ["DATA", "DOWNLOADS", "RUNS"]

COMPUTING = "Computing"
SCORES = "Scores and comparison"
FOLDERS = "Folders"
READING = "Where runs are read"
TRACKING = "MLflow"
WHERE = "Several runs at once"
OUTPUT = "Output"

RunsDir = Annotated[
    Path, typer.Option("--runs", metavar="DIR", file_okay=False, rich_help_panel=FOLDERS,
                       help="Where run folders are kept.")
]
DataDir = Annotated[
    Path,
    typer.Option("--data", metavar="DIR", file_okay=False, envvar="CCLCC_DATA",
                 rich_help_panel=FOLDERS,
                 help="Where prepared data sets are kept."),
]
DownloadsDir = Annotated[
    Path,
    typer.Option("--downloads", metavar="DIR", file_okay=False, envvar="CCLCC_DOWNLOADS",
                 rich_help_panel=FOLDERS,
                 help="Where downloaded archives are kept."),
]
ReadRuns = Annotated[
    Path, typer.Option("--runs", metavar="DIR", file_okay=False, rich_help_panel=READING,
                       help="Read the run folders in this directory.")
]
Bundles = Annotated[
    list[Path] | None,
    typer.Option("--bundle", metavar="FILE", dir_okay=False, rich_help_panel=READING,
                 help="Read this file of 'cclcc bundle' instead; repeatable."),
]
FromMlflow = Annotated[
    bool, typer.Option("--mlflow", rich_help_panel=READING,
                       help="Read the runs from an MLflow server or database instead.")
]
ReadUri = Annotated[
    str | None,
    typer.Option("--tracking-uri", metavar="URI", rich_help_panel=READING,
                 show_default="MLFLOW_TRACKING_URI, else RUNS/mlflow.db",
                 help="With --mlflow: the server or database."),
]
Experiments = Annotated[
    list[str] | None,
    typer.Option("--experiment", metavar="NAME", rich_help_panel=READING,
                 show_default="all that cclcc made",
                 help="With --mlflow: read this experiment; repeatable."),
]
OnlyAblation = Annotated[
    str | None,
    typer.Option("--ablation", metavar="NAME", rich_help_panel=READING,
                 help="Only the runs of this ablation."),
]
UseMlflow = Annotated[
    bool, typer.Option("--mlflow/--no-mlflow", rich_help_panel=TRACKING,
                       help="Mirror runs in MLflow while they train.")
]
TrackingUri = Annotated[
    str | None,
    typer.Option("--tracking-uri", metavar="URI", rich_help_panel=TRACKING,
                 show_default="MLFLOW_TRACKING_URI, else RUNS/mlflow.db",
                 help="MLflow server or database."),
]
WhichSplit = Annotated[
    Literal["test", "val"],
    typer.Option("--split", rich_help_panel=SCORES, help="Which split's scores are used."),
]
MetricName = Annotated[
    str,
    typer.Option("--metric", metavar="SCORE", rich_help_panel=SCORES,
                 help="The primary score, which is tested, such as dice, iou, nsd or hd95; with "
                      "_original, such as dice_original, at the image's own size."),
]
AllMetrics = Annotated[
    bool, typer.Option("--all-metrics", rich_help_panel=SCORES,
                       help="Show every score, not only the main ones.")
]
Baseline = Annotated[
    str | None,
    typer.Option("--baseline", metavar="NAME", rich_help_panel=SCORES,
                 show_default="supervised, with as many labels",
                 help="The method, recipe or group that others are compared with."),
]
Across = Annotated[
    bool, typer.Option("--across", rich_help_panel=SCORES,
                       help="Compare runs even if their data or evaluation differ.")
]
Margin = Annotated[
    float | None,
    typer.Option("--margin", metavar="SIZE", min=0.01, rich_help_panel=SCORES,
                 show_default="the ablation's, else 2",
                 help="Differences whose 90 % interval lies within this margin are called "
                      "equivalent; in points, or in pixels for distances."),
]
QuotedFiles = Annotated[
    list[Path] | None,
    typer.Option("--quoted", metavar="FILE", dir_okay=False, rich_help_panel=SCORES,
                 help="Published figures to show, marked, below one's own; repeatable. They are "
                      "neither ranked nor tested."),
]
RECIPE_OR_NAME = "A YAML file, or a name of 'cclcc recipes'."
PreparedName = Annotated[
    str, typer.Argument(metavar="NAME", help="A data set that 'cclcc prepare' has made.")
]
StoredSize = Annotated[
    int | None,
    typer.Option("--size", help="Its stored size in pixels; needed if there are several."),
]
Device = Annotated[
    Literal["auto", "cpu", "cuda", "mps"],
    typer.Option("--device", rich_help_panel=COMPUTING,
                 help="Where to compute; auto takes a GPU if there is one."),
]
Precision = Annotated[
    Literal["auto", "fp32", "bf16", "fp16"],
    typer.Option("--precision", rich_help_panel=COMPUTING,
                 help="Precision of convolutions; auto takes bf16 if the hardware has it."),
]
BaseOverrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="a.b=v", help="Change one key of the base recipe; repeatable."),
]
Workers = Annotated[
    int, typer.Option("--workers", min=1, rich_help_panel=WHERE,
                      help="How many runs are trained at once.")
]
Launcher = Annotated[
    Literal["local", "slurm", "dask"],
    typer.Option("--launcher", rich_help_panel=WHERE,
                 help="Train on this machine, as Slurm jobs, or on Dask workers."),
]
Gpus = Annotated[
    str | None,
    typer.Option("--gpus", metavar="0,1", rich_help_panel=WHERE,
                 help="GPUs that local workers take in turn."),
]
SlurmOptions = Annotated[
    list[str] | None,
    typer.Option("--slurm", metavar="KEY=VALUE", rich_help_panel=WHERE,
                 help="An option of sbatch, such as partition=gpu or time=4:00:00; repeatable."),
]
Scheduler = Annotated[
    str | None,
    typer.Option("--scheduler", metavar="ADDRESS", rich_help_panel=WHERE,
                 help="The Dask scheduler, as tcp://host:port."),
]
Json = Annotated[
    bool, typer.Option("--json", rich_help_panel=OUTPUT, help="Print the result as JSON.")
]
Quiet = Annotated[
    bool, typer.Option("--quiet", rich_help_panel=OUTPUT, help="Show no progress.")
]


def primary_metric(name: str) -> Metric:
    """The score that ``--metric`` names.

    Raises:
        RunError: there is none of that name; lists those there are.
    """
    try:
        return parse_metric(name)
    except ValueError as error:
        raise RunError(f"--metric {name}: {error}") from None


def own_margin(shown: float | None, metric: Metric) -> float | None:
    """What ``--margin`` says in the score's own unit: a share of 1, or pixels.

    Raises:
        RunError: no two such scores differ by more.
    """
    if shown is None:
        return None
    row = score_of(metric)
    if row.high is not None and shown > (most := row.factor * (row.high - row.low)):
        raise RunError(f"--margin {shown:g}: {row.title} cannot differ by more than {most:g} "
                       f"{row.difference_unit}; give less")
    return shown / row.factor


def resolve_tracking(runs: Path, uri: str | None) -> str:
    """Where to mirror to; MLflow itself is not loaded.

    Raises:
        RunError: it is not installed.
    """
    from importlib.util import find_spec

    from cclcc_cli.tracking.address import tracking_uri

    if find_spec("mlflow") is None:
        raise RunError("mlflow is not installed; pip install mlflow, or use --no-mlflow")
    return tracking_uri(runs, uri)
