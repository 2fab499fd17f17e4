"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from cclcc_cli.errors import RunError

RunsDir = Annotated[
    Path, typer.Option("--runs", metavar="DIR", help="Where run folders are kept.")
]
DataDir = Annotated[
    Path,
    typer.Option("--data", metavar="DIR", envvar="CCLCC_DATA", help="Where stores are kept."),
]
DownloadsDir = Annotated[
    Path,
    typer.Option("--downloads", metavar="DIR", envvar="CCLCC_DOWNLOADS",
                 help="Where downloaded archives are kept."),
]
TrackingUri = Annotated[
    str | None,
    typer.Option(
        "--tracking-uri",
        metavar="URI",
        help="MLflow server or database; default MLFLOW_TRACKING_URI, then RUNS/mlflow.db.",
    ),
]
PreparedName = Annotated[
    str, typer.Argument(metavar="NAME", help="A data set that cclcc prepare has made.")
]
StoredSize = Annotated[
    int | None,
    typer.Option("--size", help="Its stored size in pixels; needed where there are several."),
]
Workers = Annotated[int, typer.Option("--workers", min=1, help="Cells trained at once.")]
Launcher = Annotated[
    Literal["local", "slurm", "dask"],
    typer.Option("--launcher", help="Where cells run: here, as Slurm jobs, on Dask's workers."),
]
Gpus = Annotated[
    str | None,
    typer.Option("--gpus", metavar="0,1", help="local: GPUs that workers are dealt in turn."),
]
SlurmOptions = Annotated[
    list[str] | None,
    typer.Option("--slurm", metavar="KEY=VALUE",
                 help="slurm: an option of sbatch, such as partition=gpu or time=4:00:00; "
                      "repeatable."),
]
Scheduler = Annotated[
    str | None,
    typer.Option("--scheduler", metavar="ADDRESS", help="dask: tcp://host:port."),
]
MarginPoints = Annotated[
    float | None,
    typer.Option("--margin", metavar="POINTS", min=0.01, max=100,
                 help="A difference whose 90 % interval lies within so many points is "
                      "'equivalent'; default 2, or what the ablation says."),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]

RUNS = Path("runs")
DATA = Path("runs/data")
DOWNLOADS = Path("runs/downloads")


def resolve_tracking(runs: Path, uri: str | None) -> str:
    """Where to mirror to; MLflow itself is not loaded.

    Raises:
        RunError: it is not installed.
    """
    from importlib.util import find_spec

    from cclcc_cli.experiments.tracking.address import tracking_uri

    if find_spec("mlflow") is None:
        raise RunError("mlflow is not installed; pip install mlflow, or use --no-mlflow")
    return tracking_uri(runs, uri)
