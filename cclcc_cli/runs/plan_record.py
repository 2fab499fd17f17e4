"""What an ablation's plan was when it last ran: its threads, and which runs each point has had.

``<runs>/ablations/<name>/plan.json``. The runs themselves are in their run folders; a plan without
a record has never started.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from filelock import FileLock, Timeout
from pydantic import Field

from cclcc_cli.errors import RunError
from cclcc_cli.records import Record, load_record, save_record
from cclcc_cli.runs.folder import RunFolder
from cclcc_cli.runs.records import RunRecord
from cclcc_cli.wording import instead

PLAN, REPORT = "plan.json", "report.html"

_PATIENCE = 60.0
"""Seconds to wait for another start that is writing the record, which takes milliseconds."""


class PlanRecord(Record):
    """The content of plan.json."""

    threads: int | None = None
    """CPU threads of every run; None before the first start."""
    folders: Annotated[dict[str, Annotated[list[str], Field(min_length=1)]],
                       Field(alias="places")] = Field(default_factory=dict)
    """Run folders of each point, below the runs folder, the newest last."""
    definition: dict[str, Any] | None = None
    """The content of a ``config.definition.Definition``; None in older plans."""

    def previous(self, point: str, digest: str, runs_root: Path) -> tuple[Path, RunRecord] | None:
        """The last other run of a point whose folder still exists, and what it was."""
        for name in reversed(self.folders.get(point, [])):
            if name.endswith(f"-{digest[:8]}"):
                continue
            folder = RunFolder(runs_root / name)
            if (run := folder.run) is not None:
                return folder.path, run
        return None


def record_path(runs_root: Path, name: str) -> Path:
    return runs_root / "ablations" / name / PLAN


def report_path(runs_root: Path, name: str) -> Path:
    """Where the report of an ablation is kept, beside its plan."""
    return runs_root / "ablations" / name / REPORT


def planned_ablations(runs_root: Path) -> list[str]:
    """Names of all ablations that have run."""
    return sorted(path.parent.name for path in runs_root.glob(f"ablations/*/{PLAN}"))


def planned_runs(runs_root: Path, name: str) -> list[RunFolder]:
    """The runs that an ablation's plan had when it last ran, each once.

    Raises:
        RunError: no ablation of this name has run, or its plan is damaged.
    """
    if not record_path(runs_root, name).exists():
        raise RunError(f"--ablation {name}: no ablation of this name has run below {runs_root}; "
                       f"{instead(name, planned_ablations(runs_root))}")
    newest = (folders[-1] for folders in read_record(runs_root, name).folders.values())
    return [RunFolder(runs_root / folder) for folder in dict.fromkeys(newest)]


def read_record(runs_root: Path, name: str) -> PlanRecord:
    """What is recorded; empty where nothing is.

    Raises:
        RunError: the file is damaged.
    """
    return load_record(
        PlanRecord, record_path(runs_root, name),
        "remove it: finished runs stay done, only the earlier runs of each point are forgotten",
    ) or PlanRecord()


def write_record(
    runs_root: Path, name: str, previous: PlanRecord, threads: int,
    runs: Iterable[tuple[str, Path]], definition: dict[str, Any] | None = None,
) -> None:
    """Write down the threads, each point's run after its earlier ones, and what the file says.

    Args:
        runs_root: where run folders are made.
        name: of the ablation.
        previous: the record that the plan was made with.
        threads: CPU threads of every run.
        runs: points and their run folders.
        definition: of the points; None keeps the recorded one.

    Raises:
        RunError: another start has fixed another number of threads since then, or does not
            release the record.
    """
    path = record_path(runs_root, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path):
        record = read_record(runs_root, name)
        if record.threads not in (previous.threads, threads):
            raise RunError(f"{path}: another start has just fixed {record.threads} threads for "
                           "each run; give the same command again")
        folders = dict(record.folders)
        for point, folder in runs:
            own = folder.relative_to(runs_root).as_posix()
            folders[point] = [*(one for one in folders.get(point, []) if one != own), own]
        save_record(path, PlanRecord(threads=threads, folders=folders,
                                     definition=definition or record.definition))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    lock = FileLock(path.with_suffix(".lock"))
    try:
        lock.acquire(timeout=_PATIENCE)
    except Timeout:
        raise RunError(f"{path}: another process has been writing it for {_PATIENCE:.0f} s; "
                       "stop that process, or give the same command again later") from None
    try:
        yield
    finally:
        lock.release()
