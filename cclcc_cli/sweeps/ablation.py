"""An ablation from its checked file to its end."""

from dataclasses import dataclass
from pathlib import Path

from cclcc_cli.config.ablation import Arrangement
from cclcc_cli.config.launch import HERE, Launch, LocalLaunch
from cclcc_cli.errors import CclccError
from cclcc_cli.files import disk_problems
from cclcc_cli.launchers.launch import open_launcher, settle_runtime
from cclcc_cli.launchers.threads import available_cores
from cclcc_cli.runs.interrupt import stop_on_signals
from cclcc_cli.runs.plan_record import (
    PlanRecord,
    read_record,
    record_path,
    write_record,
)
from cclcc_cli.sweeps.ablate import Ablater, Summary
from cclcc_cli.sweeps.display import SweepDisplay
from cclcc_cli.sweeps.plan import AblationPlan, PlannedRun, make_plan
from cclcc_cli.sweeps.worker import Task
from cclcc_cli.tracking.status import last_told, tell
from cclcc_cli.training.runtime import Device, Precision


@dataclass(frozen=True)
class OpenAblation:
    """A plan, and where it lies.

    Attributes:
        plan: the runs.
        record: what the plan was before.
        launch: where runs run.
        data_root: where stores lie.
        runs_root: where run folders are made.
    """

    plan: AblationPlan
    record: PlanRecord
    launch: Launch
    data_root: Path
    runs_root: Path


def open_ablation(
    arrangement: Arrangement,
    *,
    data_root: Path,
    runs_root: Path,
    device: Device,
    precision: Precision,
    workers: int,
    launch: Launch = HERE,
) -> OpenAblation:
    """Plan an ablation; nothing is written.

    Raises:
        DataError: stores are missing or do not suit.
        RunError: device, workers or budgets do not suit.
        LauncherError: the machines that are to run it are not there.
    """
    record = read_record(runs_root, arrangement.ablation.name)
    runtime = settle_runtime(
        launch, device, precision, workers=workers,
        fixed_threads=arrangement.ablation.threads or record.threads,
    )
    if not isinstance(launch, LocalLaunch):  # the others know no current folder of ours
        data_root, runs_root = data_root.resolve(), runs_root.resolve()
    plan = make_plan(arrangement, record, data_root, runs_root, runtime)
    return OpenAblation(plan, record, launch, data_root, runs_root)


def run_ablation(
    opened: OpenAblation, *, workers: int, retry: bool, display: SweepDisplay,
    tracking_uri: str | None,
) -> Summary:
    """Run the runs, so many at once.

    Raises:
        RunError: a run folder is damaged.
        LauncherError: the machines that run them are gone.
    """
    plan, runs_root, launch = opened.plan, opened.runs_root, opened.launch
    write_record(
        runs_root, plan.name, opened.record, plan.runtime.cpu_threads,
        [(place, run.folder.path) for run in plan.runs for place in run.places],
        plan.definition,
    )

    for run in plan.runs:
        if run.standing == "done":
            run.folder.join_ablation(plan.name)

    def make_task(run: PlannedRun) -> Task:
        return Task(run.recipe, run.folder.path, opened.data_root, runs_root, plan.runtime,
                    tracking_uri, plan.name)

    if isinstance(launch, LocalLaunch) and workers > available_cores():
        display.say(f"warning: {workers} workers share {available_cores()} cores")
    if any(run.standing not in (("done",) if retry else ("done", "failed"))
           for run in plan.runs):
        track(tracking_uri, runs_root, plan.name, display, None)
    launcher_opened = open_launcher(
        launch, workers=workers, threads=plan.runtime.cpu_threads, name=plan.name,
        folder=record_path(runs_root, plan.name).with_name("jobs"),
        shared=(opened.data_root, runs_root),
        preload=("cclcc_cli.tracking.mirror",) if tracking_uri else (),
    )
    with launcher_opened as launcher, stop_on_signals() as stop:
        ablater = Ablater(
            plan.runs, launcher.executor, launcher.terminate, workers=workers, make_task=make_task,
            retry=retry, display=display, stop=stop,
        )
        try:
            summary = ablater.run()
        except BaseException:
            launcher.terminate()  # nobody would wait for them
            raise
    track(tracking_uri, runs_root, plan.name, display, summary)
    return summary


def track(
    uri: str | None, runs_root: Path, name: str, display: SweepDisplay, summary: Summary | None
) -> None:
    """Tell MLflow that an ablation goes on, or how it ended; a tracker that is down is a warning.

    Args:
        uri: None: nobody is told.
        runs_root: where run folders are made.
        name: of the ablation.
        display: receives the warning.
        summary: None: it goes on.
    """
    if uri is None:
        return
    status = "RUNNING"
    if summary is not None:
        ended = "FAILED" if summary.failures else "FINISHED"
        cut_short = summary.stopped is not None or summary.disk_full is not None
        status = "KILLED" if cut_short else ended
        if not summary.moved and last_told(runs_root, name, uri) == status:
            return
    try:
        with disk_problems(runs_root):
            tell(runs_root, name, uri, status)
    except CclccError as error:
        display.say(f"warning: {error}")
