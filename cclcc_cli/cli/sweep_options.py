"""The options of commands that train many runs: how many at once, where, and what is kept."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cclcc_cli.cli.options import (
    DATA,
    RUNS,
    DataDir,
    Device,
    Gpus,
    Json,
    Launcher,
    Precision,
    Quiet,
    RunsDir,
    Scheduler,
    SlurmOptions,
    TrackingUri,
    UseMlflow,
    Workers,
    resolve_tracking,
)

if TYPE_CHECKING:
    from cclcc_cli.config.launch import Launch


@dataclass(frozen=True)
class Sweeping:
    """What ``cclcc ablate`` and ``cclcc search`` have in common."""

    workers: Workers = 1
    launcher: Launcher = "local"
    gpus: Gpus = None
    slurm: SlurmOptions = None
    scheduler: Scheduler = None
    device: Device = "auto"
    precision: Precision = "auto"
    runs: RunsDir = RUNS
    data: DataDir = DATA
    mlflow: UseMlflow = True
    tracking_uri: TrackingUri = None
    quiet: Quiet = False
    json: Json = False

    def parse_launch(self) -> "Launch":
        """The machines that the options name.

        Raises:
            LauncherError, RunError: they contradict each other.
        """
        from cclcc_cli.config.launch import parse_launch

        return parse_launch(self.launcher, gpus=self.gpus, slurm=self.slurm or (),
                            scheduler=self.scheduler)

    @property
    def tracker(self) -> str | None:
        """Where runs are mirrored to; None for nowhere.

        Raises:
            RunError: MLflow is not installed.
        """
        return resolve_tracking(self.runs, self.tracking_uri) if self.mlflow else None
