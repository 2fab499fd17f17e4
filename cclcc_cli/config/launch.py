"""Where runs run, as the command line says it: this machine, Slurm or Dask."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from cclcc_cli.errors import RunError

LauncherName = Literal["local", "slurm", "dask"]

SHORTEST_JOB = 5
"""Minutes of the shortest time limit: its last two go to saving, what remains must be worth it."""
_OURS = frozenset({
    "array", "error", "export", "input", "job-name", "nodes", "ntasks", "ntasks-per-node",
    "open-mode", "output", "parsable", "requeue", "no-requeue", "signal", "test-only", "wait",
    "wrap",
})
"""sbatch's options that the launcher sets itself."""
_TIME = re.compile(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?")


@dataclass(frozen=True)
class LocalLaunch:
    """Processes on this machine.

    Attributes:
        gpus: those that workers are dealt in turn; empty: each worker sees what we see.
    """

    gpus: tuple[int, ...] = ()


@dataclass(frozen=True)
class SlurmLaunch:
    """Jobs of the Slurm that ``sbatch`` talks to.

    Attributes:
        options: sbatch's long options by name; True for one without a value.
    """

    options: Mapping[str, str | Literal[True]] = field(default_factory=dict)

    @property
    def cpus(self) -> int | None:
        """Cores of a job, where they are given."""
        value = self.options.get("cpus-per-task")
        return None if value is None else int(value)

    @property
    def asks_for_gpu(self) -> bool:
        return any(key.startswith("gpus") or (key == "gres" and "gpu" in str(value))
                   for key, value in self.options.items())


@dataclass(frozen=True)
class DaskLaunch:
    """The workers of a Dask scheduler.

    Attributes:
        scheduler: its address, ``tcp://host:port``.
    """

    scheduler: str


Launch = LocalLaunch | SlurmLaunch | DaskLaunch
HERE = LocalLaunch()


def parse_launch(
    launcher: LauncherName, *, gpus: str | None = None, slurm: Sequence[str] = (),
    scheduler: str | None = None,
) -> Launch:
    """Check the options of a launcher; torch is not loaded and no server is asked.

    Args:
        launcher: which.
        gpus: for ``local``: numbers of GPUs, ``0,1``.
        slurm: for ``slurm``: options of sbatch, ``partition=gpu`` or ``exclusive``.
        scheduler: for ``dask``: its address.

    Raises:
        RunError: an option is wrong, or belongs to another launcher.
    """
    foreign = {"--gpus": (gpus, "local"), "--slurm": (slurm, "slurm"),
               "--scheduler": (scheduler, "dask")}
    for option, (value, owner) in foreign.items():
        if value and owner != launcher:
            raise RunError(f"{option} belongs to --launcher {owner}, not to {launcher}")
    match launcher:
        case "local":
            return LocalLaunch(_parse_gpus(gpus) if gpus is not None else ())
        case "slurm":
            return SlurmLaunch(_parse_slurm(slurm))
        case "dask":
            if not scheduler:
                raise RunError("--launcher dask needs --scheduler, such as tcp://host:8786")
            if not re.fullmatch(r"[a-z]+://[^\s/:]+:\d+", scheduler):
                raise RunError(f"--scheduler {scheduler}: give an address such as tcp://host:8786")
            return DaskLaunch(scheduler)


def _parse_gpus(text: str) -> tuple[int, ...]:
    if not re.fullmatch(r"\d+(,\d+)*", text):
        raise RunError(f"--gpus {text}: give numbers with commas, such as 0,1")
    return tuple(int(number) for number in text.split(","))


def _parse_slurm(texts: Sequence[str]) -> dict[str, str | Literal[True]]:
    options: dict[str, str | Literal[True]] = {}
    for text in texts:
        key, separator, value = text.partition("=")
        if not re.fullmatch(r"[a-z][a-z-]+", key) or (separator and not value.strip()):
            raise RunError(
                f"--slurm {text}: give a long option of sbatch without its dashes, such as "
                "partition=gpu, time=4:00:00, gpus-per-node=1, cpus-per-task=4 or mem=8G"
            )
        if key in _OURS:
            raise RunError(f"--slurm {text}: {key} is set by cclcc itself")
        if key in options:
            raise RunError(f"--slurm {text}: {key} is given twice")
        options[key] = value if separator else True
    if not re.fullmatch(r"[1-9]\d*", str(options.get("cpus-per-task", 1))):
        raise RunError(f"--slurm cpus-per-task={options['cpus-per-task']}: give a number from 1")
    if "time" in options and _minutes(str(options["time"])) < SHORTEST_JOB:
        raise RunError(f"--slurm time={options['time']}: at least {SHORTEST_JOB} minutes; the last "
                       "two are for saving, and loading takes some")
    return options


def _minutes(text: str) -> float:
    """``60``, ``90:00``, ``1:30:00``, ``1-12``, ``1-12:00`` or ``1-12:00:00``, as sbatch reads it.

    Raises:
        RunError: it is none of these.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise RunError(f"--slurm time={text}: give minutes, H:MM:SS or D-H:MM:SS")
    days, *rest = match.groups()
    numbers = [int(number) for number in rest if number is not None]
    if days is not None:
        hours, minutes, seconds = [*numbers, 0, 0][:3]
    elif len(numbers) == 3:
        hours, minutes, seconds = numbers
    else:
        hours, (minutes, seconds) = 0, [*numbers, 0][:2]
    return (int(days or 0) * 24 + hours) * 60 + minutes + seconds / 60
