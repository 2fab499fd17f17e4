"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

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
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]

RUNS = Path("runs")
DATA = Path("runs/data")
DOWNLOADS = Path("runs/downloads")
