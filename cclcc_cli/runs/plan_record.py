"""What an ablation's plan was when it last ran: its threads, and which run had which place.

``<runs>/ablations/<name>/plan.json``. Only threads, the history of places and what the file said of
them are in it: the runs themselves are in their run folders, and a plan without a record is a
plan that never began.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from cclcc_cli.errors import RunError
from cclcc_cli.files import write_atomic
from cclcc_cli.runs.folder import RunFolder

PLAN, REPORT = "plan.json", "report.html"

_PATIENCE = 60.0
"""Seconds to wait for another start that writes the record, which takes it milliseconds."""


@dataclass(frozen=True)
class Former:
    """A run that had a place before.

    Attributes:
        path: its folder.
        run: the content of its cell.json.
    """

    path: Path
    run: dict[str, Any]


@dataclass
class PlanRecord:
    """The content of plan.json.

    Attributes:
        threads: CPU threads of every run; None before the first start.
        places: place to folders below the runs' root, the newest last.
        definition: the content of a ``config.definition.Definition``; None for a plan from before
            that was kept.
    """

    threads: int | None = None
    places: dict[str, list[str]] = field(default_factory=dict)
    definition: dict[str, Any] | None = None

    def former(self, place: str, digest: str, runs_root: Path) -> Former | None:
        """The last other run of a place whose folder is still there."""
        for name in reversed(self.places.get(place, [])):
            if name.endswith(f"-{digest[:8]}"):
                continue
            folder = RunFolder(runs_root / name)
            run = folder.read_json("cell.json")
            if run is not None:
                return Former(folder.path, run)
        return None


def record_path(runs_root: Path, name: str) -> Path:
    return runs_root / "ablations" / name / PLAN


def report_path(runs_root: Path, name: str) -> Path:
    """Where the report of an ablation is kept, beside its plan."""
    return runs_root / "ablations" / name / REPORT


def read_record(runs_root: Path, name: str) -> PlanRecord:
    """What is recorded; empty where nothing is.

    Raises:
        RunError: the file is damaged.
    """
    path = record_path(runs_root, name)
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return PlanRecord(int(raw["threads"]), _places(raw["places"]), raw.get("definition"))
    except FileNotFoundError:
        return PlanRecord()
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError,
            OverflowError) as error:
        raise RunError(f"{path}: cannot be read ({error}); remove it: finished runs stay done, "
                       "only what had their place before is forgotten") from None


def _places(raw: dict[str, list[str]]) -> dict[str, list[str]]:
    if any(not isinstance(folders, list) or not folders
           or not all(isinstance(one, str) for one in folders) for folders in raw.values()):
        raise ValueError("a place has no folders")
    return {place: list(folders) for place, folders in raw.items()}


def write_record(
    runs_root: Path, name: str, former: PlanRecord, threads: int,
    runs: Iterable[tuple[str, Path]], definition: dict[str, Any] | None = None,
) -> None:
    """Put down the threads, each place's run behind its former ones, and what the file says.

    Args:
        runs_root: where run folders are made.
        name: of the ablation.
        former: what was read when the plan was made.
        threads: of every run.
        runs: place and folder.
        definition: of the places; None keeps the one that is there.

    Raises:
        RunError: another start has fixed another number of threads since then, or does not
            let go of the record.
    """
    path = record_path(runs_root, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path):
        record = read_record(runs_root, name)
        if record.threads not in (former.threads, threads):
            raise RunError(f"{path}: another start has just fixed {record.threads} threads for "
                           "each run; give the same command again")
        places = record.places
        for place, folder in runs:
            own = folder.relative_to(runs_root).as_posix()
            places[place] = [*(one for one in places.get(place, []) if one != own), own]
        content = {"threads": threads, "places": places,
                   "definition": definition or record.definition}
        write_atomic(path, (json.dumps(content, indent=1) + "\n").encode())


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
