"""One run of an ablation or a search in a worker's process: its task and its outcome.

Training code loads in that process, when a task arrives: the process that hands tasks out needs
none of it.
"""

import traceback
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Optional, cast

from cclcc_cli.config.load import parse_recipe
from cclcc_cli.errors import (
    CclccError,
    DiskError,
    DiskFullError,
    Interrupted,
    RunBusyError,
    StorageError,
    describe_error,
)
from cclcc_cli.files import disk_problems
from cclcc_cli.launchers.local_pool import leave_if_orphaned
from cclcc_cli.runs.folder import RunFolder
from cclcc_cli.runs.pruner import Pruned
from cclcc_cli.training.runtime import Device, Precision, Runtime, resolve_runtime

if TYPE_CHECKING:
    from cclcc_cli.runs.run import TrackerFactory
    from cclcc_cli.sweeps.search.pruner import TrialPruner, TrialRun

Ending = Literal["done", "found", "busy", "stopped", "failed", "pruned", "disk_full",
                 "storage_lost"]


@dataclass(frozen=True)
class Task:
    """What a worker needs to know; plain values, so that it can be sent to any machine.

    Attributes:
        recipe: resolved, as plain values: plug-ins load where it runs.
        folder: the run folder.
        data_root: where stores lie.
        runs_root: where run folders are made.
        runtime: device, precision and threads.
        tracking_uri: where to mirror to; None for nowhere.
        ablation: the one that the run belongs to.
        trial: the trial that the run belongs to: then a pruner may end it, and the test split
            stays unread.
    """

    recipe: dict[str, Any]
    folder: Path
    data_root: Path
    runs_root: Path
    runtime: Runtime
    tracking_uri: str | None
    ablation: str | None
    trial: Optional["TrialRun"] = None


@dataclass(frozen=True)
class TaskOutcome:
    """How a run ended in this session.

    Attributes:
        ending: ``found`` if another process has finished it, ``busy`` if one holds it,
            ``disk_full`` if no run can be written, ``storage_lost`` if the study's storage did
            not answer.
        reason: why the run is not done, in one line.
        warnings: to be shown in addition.
        value: of a search's objective, once the run is done.
    """

    ending: Ending
    reason: str = ""
    warnings: tuple[str, ...] = ()
    value: float | None = None


def run_task(task: Task) -> TaskOutcome:
    """Train the run of a task, or continue it, or find it done."""
    from cclcc_cli.runs.progress import TextDisplay
    from cclcc_cli.runs.run import train_run

    warnings: list[str] = []
    try:
        # This machine may not support what was settled on another one.
        resolve_runtime(cast(Device, task.runtime.device),
                        cast(Precision, task.runtime.precision))
        pruner = _open_pruner(task.trial)
        done = train_run(
            parse_recipe(task.recipe, "recipe"), data_root=task.data_root,
            runs_root=task.runs_root, runtime=task.runtime, display=TextDisplay(lambda _line: None),
            tracking=_open_tracking(task.tracking_uri, warnings), ablation=task.ablation,
            pruner=pruner, trial=task.trial.record if task.trial else None,
        )
        value = pruner.settle(done.folder, done.result) if pruner else None
        outcome = TaskOutcome("done" if done.trained else "found", "", tuple(warnings), value)
    except Pruned as error:
        outcome = TaskOutcome("pruned", str(error), tuple(warnings))
    except RunBusyError as error:
        outcome = TaskOutcome("busy", str(error), tuple(warnings))
    except (Interrupted, KeyboardInterrupt) as error:
        outcome = TaskOutcome("stopped", str(error), tuple(warnings))
    except DiskFullError as error:
        outcome = TaskOutcome("disk_full", str(error), tuple(warnings))
    except StorageError as error:
        outcome = TaskOutcome("storage_lost", str(error), tuple(warnings))
    except Exception as error:
        # Whatever it was, other runs continue; and not every exception can be pickled.
        outcome = TaskOutcome("failed", describe_error(error), tuple(warnings))
        try:
            with disk_problems(task.folder):
                _record_failure(task.folder, error)
        except DiskError as unwritten:
            outcome = replace(outcome, reason=f"{outcome.reason}; not recorded: {unwritten}")
    leave_if_orphaned()
    return outcome


def _open_pruner(trial: Optional["TrialRun"]) -> Optional["TrialPruner"]:
    if trial is None:
        return None
    from cclcc_cli.sweeps.search.pruner import TrialPruner

    return TrialPruner(trial)


def _record_failure(path: Path, error: Exception) -> None:
    """Write the failure where ``cclcc ls`` and the next start find it."""
    folder = RunFolder(path)
    path.mkdir(parents=True, exist_ok=True)
    folder.update_status(state="failed", error=describe_error(error))
    lines = [str(error)] if isinstance(error, CclccError) else traceback.format_exception(error)
    for line in "".join(lines).rstrip().split("\n"):
        folder.append_log(line)


def _open_tracking(uri: str | None, warnings: list[str]) -> "TrackerFactory | None":
    if uri is None:
        return None
    from cclcc_cli.tracking.mirror import LiveMirror

    return lambda folder: LiveMirror(folder, uri, warnings.append)
