"""An ablation, from its checked file to its end."""

from dataclasses import dataclass
from pathlib import Path

from cclcc_cli.config.ablation import Arrangement
from cclcc_cli.config.launch import HERE, Launch, LocalLaunch
from cclcc_cli.errors import CclccError
from cclcc_cli.files import disk_problems
from cclcc_cli.launchers.launch import open_launcher, settle_runtime
from cclcc_cli.runs.interrupt import stop_on_signals
from cclcc_cli.runs.plan_record import PlanRecord, read_record, record_path, write_record
from cclcc_cli.sweeps.ablate import Ablater, AblationOutcome
from cclcc_cli.sweeps.display import SweepDisplay
from cclcc_cli.sweeps.plan import AblationPlan, PlannedRun, make_plan
from cclcc_cli.sweeps.worker import Task
from cclcc_cli.system import available_cores
from cclcc_cli.tracking.status import last_sent, send
from cclcc_cli.training.runtime import Device, Precision


@dataclass(frozen=True)
class OpenAblation:
    """A plan, and where to carry it out.

    Attributes:
        plan: the runs.
        record: the plan when it last ran.
        launch: the machines that train the runs.
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
        DataError: stores are missing or do not suit the recipes.
        RunError: device, workers or budgets are unsuitable.
        LauncherError: the machines cannot be reached.
    """
    record = read_record(runs_root, arrangement.ablation.name)
    runtime = settle_runtime(
        launch, device, precision, workers=workers,
        fixed_threads=arrangement.ablation.threads or record.threads,
    )
    if not isinstance(launch, LocalLaunch):  # other machines do not share our current folder
        data_root, runs_root = data_root.resolve(), runs_root.resolve()
    plan = make_plan(arrangement, record, data_root, runs_root, runtime)
    return OpenAblation(plan, record, launch, data_root, runs_root)


def run_ablation(
    opened: OpenAblation, *, workers: int, retry: bool, display: SweepDisplay,
    tracking_uri: str | None,
) -> AblationOutcome:
    """Train the runs, ``workers`` at once.

    Raises:
        RunError: a run folder is damaged.
        LauncherError: the machines are gone.
    """
    plan, runs_root, launch = opened.plan, opened.runs_root, opened.launch
    write_record(
        runs_root, plan.name, opened.record, plan.runtime.cpu_threads,
        [(point, run.folder.path) for run in plan.runs for point in run.points],
        plan.definition,
    )

    for run in plan.runs:
        if run.state == "done":
            run.folder.join_ablation(plan.name)

    def make_task(run: PlannedRun) -> Task:
        return Task(run.recipe.model_dump(mode="json"), run.folder.path, opened.data_root,
                    runs_root, plan.runtime, tracking_uri, plan.name)

    if isinstance(launch, LocalLaunch) and workers > available_cores():
        display.say(f"warning: {workers} workers share {available_cores()} cores")
    if any(run.state not in (("done",) if retry else ("done", "failed"))
           for run in plan.runs):
        track(tracking_uri, runs_root, plan.name, display, None)
    with (
        stop_on_signals() as stop,
        open_launcher(
            launch, workers=workers, threads=plan.runtime.cpu_threads, name=plan.name,
            folder=record_path(runs_root, plan.name).with_name("jobs"),
            shared=(opened.data_root, runs_root),
            preload=("cclcc_cli.tracking.mirror",) if tracking_uri else (),
        ) as launcher,
    ):
        summary = Ablater(
            plan.runs, launcher.executor, launcher.terminate, workers=workers, make_task=make_task,
            retry=retry, display=display, stop=stop,
        ).run()
    track(tracking_uri, runs_root, plan.name, display, summary)
    return summary


def track(
    uri: str | None, runs_root: Path, name: str, display: SweepDisplay,
    summary: AblationOutcome | None,
) -> None:
    """Mark an ablation in MLflow as running, or as ended; a tracker that is down is a warning.

    Args:
        uri: of the tracker; None for none.
        runs_root: where run folders are made.
        name: of the ablation.
        display: receives the warning.
        summary: how it ended; None while it is running.
    """
    if uri is None:
        return
    status = "RUNNING"
    if summary is not None:
        ended = "FAILED" if summary.failures else "FINISHED"
        cut_short = summary.stopped is not None or summary.disk_full is not None
        status = "KILLED" if cut_short else ended
        if not summary.moved and last_sent(runs_root, name, uri) == status:
            return
    try:
        with disk_problems(runs_root):
            send(runs_root, name, uri, status)
    except CclccError as error:
        display.say(f"warning: {error}")
