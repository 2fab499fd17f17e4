"""One run of an ablation or a search in a worker's process: what goes in, what comes out.

What trains loads in that process, when a task arrives: who hands tasks out needs none of it.
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
)
from cclcc_cli.files import disk_problems
from cclcc_cli.launchers.local_pool import leave_if_orphaned
from cclcc_cli.runs.folder import RunFolder
from cclcc_cli.runs.pruner import Pruned
from cclcc_cli.training.runtime import Device, Precision, Runtime, resolve_runtime

if TYPE_CHECKING:
    from cclcc_cli.runs.run import TrackerFactory
    from cclcc_cli.sweeps.search.pruner import TrialJudge, TrialRun

Ending = Literal["done", "found", "busy", "stopped", "failed", "pruned", "disk_full",
                 "storage_lost"]


@dataclass(frozen=True)
class Task:
    """What a worker needs to know; plain values, so that it travels to any machine.

    Attributes:
        recipe: resolved, as plain values: plug-ins load where it runs.
        folder: where the plan says that the run lies.
        data_root: where stores lie.
        runs_root: where run folders are made.
        runtime: device, precision and threads.
        tracking_uri: where to mirror to; None: nowhere.
        ablation: whose run it is, where it is one's.
        trial: of which search's trial it is a run: then a pruner may end it, and the test split
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
class Outcome:
    """How a run ended in this session.

    Attributes:
        ending: ``found`` where another process has finished it, ``busy`` where one holds it,
            ``disk_full`` where no run could be written, ``storage_lost`` where the study that the
            run belongs to did not answer.
        reason: of what is not done, in one line.
        warnings: what is to be told beside that.
        value: of a search's objective, of a run that is done.
    """

    ending: Ending
    reason: str = ""
    warnings: tuple[str, ...] = ()
    value: float | None = None


def run_task(task: Task) -> Outcome:
    """Train the run of a task, or go on with it, or find it done."""
    from cclcc_cli.runs.progress import TextDisplay
    from cclcc_cli.runs.run import train_run

    warnings: list[str] = []
    try:
        # What was settled on another machine, this one may not be able to do.
        resolve_runtime(cast(Device, task.runtime.device),
                        cast(Precision, task.runtime.precision))
        judge = _open_judge(task.trial)
        done = train_run(
            parse_recipe(task.recipe, "recipe"), data_root=task.data_root,
            runs_root=task.runs_root, runtime=task.runtime, display=TextDisplay(lambda _line: None),
            tracking=_open_tracking(task.tracking_uri, warnings), ablation=task.ablation,
            judge=judge, trial=task.trial.label if task.trial else None,
        )
        value = judge.settle(done.folder, done.result) if judge else None
        outcome = Outcome("done" if done.trained else "found", "", tuple(warnings), value)
    except Pruned as error:
        outcome = Outcome("pruned", str(error), tuple(warnings))
    except RunBusyError as error:
        outcome = Outcome("busy", str(error), tuple(warnings))
    except (Interrupted, KeyboardInterrupt) as error:
        outcome = Outcome("stopped", str(error), tuple(warnings))
    except DiskFullError as error:
        outcome = Outcome("disk_full", str(error), tuple(warnings))
    except StorageError as error:
        outcome = Outcome("storage_lost", str(error), tuple(warnings))
    except Exception as error:
        # Whatever it was, the others go on; and not every exception can travel between processes.
        outcome = Outcome("failed", _describe(error), tuple(warnings))
        try:
            with disk_problems(task.folder):
                _keep(task.folder, error)
        except DiskError as unkept:
            outcome = replace(outcome, reason=f"{outcome.reason}; not put down: {unkept}")
    leave_if_orphaned()
    return outcome


def _open_judge(trial: Optional["TrialRun"]) -> Optional["TrialJudge"]:
    if trial is None:
        return None
    from cclcc_cli.sweeps.search.pruner import TrialJudge

    return TrialJudge(trial)


def _describe(error: Exception) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, CclccError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _keep(path: Path, error: Exception) -> None:
    """Put the failure down where ``ls`` and the next start find it."""
    folder = RunFolder(path)
    path.mkdir(parents=True, exist_ok=True)
    folder.update_status(state="failed", error=_describe(error))
    lines = [str(error)] if isinstance(error, CclccError) else traceback.format_exception(error)
    for line in "".join(lines).rstrip().split("\n"):
        folder.append_log(line)


def _open_tracking(uri: str | None, warnings: list[str]) -> "TrackerFactory | None":
    if uri is None:
        return None
    from cclcc_cli.tracking.mirror import LiveMirror

    return lambda folder: LiveMirror(folder, uri, warnings.append)
