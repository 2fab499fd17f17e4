"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from cclcc_cli.errors import RunError
from cclcc_cli.files import DATA, DOWNLOADS, RUNS
from cclcc_cli.metrics.scores import Metric, parse_metric, score_of

__all__ = ["DATA", "DOWNLOADS", "RUNS"]

RunsDir = Annotated[
    Path, typer.Option("--runs", metavar="DIR", help="Where run folders are kept.")
]
Bundles = Annotated[
    list[Path] | None,
    typer.Option("--bundle", metavar="FILE",
                 help="Read this file of cclcc bundle instead; repeatable."),
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
MetricName = Annotated[
    str,
    typer.Option("--metric", metavar="SCORE",
                 help="The score that is judged, such as iou, nsd or hd95; with _original, such "
                      "as dice_original, at the image's own size."),
]
PreparedName = Annotated[
    str, typer.Argument(metavar="NAME", help="A data set that cclcc prepare has made.")
]
StoredSize = Annotated[
    int | None,
    typer.Option("--size", help="Its stored size in pixels; needed where there are several."),
]
BaseOverrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="a.b=v", help="Change one key of the base recipe; repeatable."),
]
Workers = Annotated[int, typer.Option("--workers", min=1, help="Runs trained at once.")]
Launcher = Annotated[
    Literal["local", "slurm", "dask"],
    typer.Option("--launcher", help="Where runs run: here, as Slurm jobs, on Dask's workers."),
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
Margin = Annotated[
    float | None,
    typer.Option("--margin", metavar="SIZE", min=0.01,
                 help="A difference whose 90 % interval lies within it is 'equivalent': in points, "
                      "of distances in pixels. Default: what the ablation says, in points; "
                      "else 2, of either."),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]


def judged_metric(name: str) -> Metric:
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
