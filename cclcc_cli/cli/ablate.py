"""``cclcc ablate``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cclcc_cli.cli import console
from cclcc_cli.cli.ablation_report import publish_report
from cclcc_cli.cli.option_groups import with_groups
from cclcc_cli.cli.options import RECIPE_OR_NAME, BaseOverrides
from cclcc_cli.cli.sweep_options import Sweeping
from cclcc_cli.errors import DiskFullError, Interrupted, RunsFailed
from cclcc_cli.wording import counted, duration

if TYPE_CHECKING:
    from cclcc_cli.sweeps.ablate import AblationOutcome
    from cclcc_cli.sweeps.plan import AblationPlan


@with_groups
def ablate(
    ablation: Annotated[Path, typer.Argument(metavar="ABLATION", help=RECIPE_OR_NAME)],
    sweeping: Sweeping,
    dry_run: Annotated[
        bool, typer.Option("--dry-run",
                           help="Show runs, their states and the time left; train nothing.")
    ] = False,
    overrides: BaseOverrides = None,
    retry: Annotated[bool, typer.Option("--retry", help="Try failed runs again.")] = False,
    report: Annotated[
        bool, typer.Option("--report/--no-report",
                           help="When all is done, write an HTML report beside the plan and to "
                                "MLflow.")
    ] = True,
) -> None:
    """Train every run of an ablation: variants and axes.

    Repeat the command to resume: finished runs are skipped, stopped or killed ones go on.
    """
    from cclcc_cli.config.ablation import load_ablation

    runs, launch = sweeping.runs, sweeping.parse_launch()
    arrangement = load_ablation(ablation, overrides or ())  # refuse a bad file before torch loads

    from cclcc_cli.files import disk_problems
    from cclcc_cli.sweeps.ablation import open_ablation, run_ablation

    opened = open_ablation(
        arrangement, data_root=sweeping.data, runs_root=runs, device=sweeping.device,
        precision=sweeping.precision, workers=sweeping.workers, launch=launch,
    )
    if dry_run:
        _show_plan(opened.plan, sweeping.workers, sweeping.json)
        return
    uri = sweeping.tracker
    with disk_problems(runs), console.sweep_display(sweeping.quiet) as display:
        summary = run_ablation(
            opened, workers=sweeping.workers, retry=retry, display=display, tracking_uri=uri,
        )
    cut_short = summary.stopped is not None or summary.disk_full is not None
    if report and summary.done and not cut_short:
        publish_report(opened.plan.name, runs, sweeping.data, uri,
                       news=bool(summary.trained or summary.elsewhere))
    _show_summary(opened.plan, summary, runs, sweeping.json)


def _show_plan(plan: "AblationPlan", workers: int, json: bool) -> None:
    from collections import Counter

    from cclcc_cli.sweeps.plan import measure_pace

    states = [run.state for run in plan.runs]
    open_runs = [run for run, state in zip(plan.runs, states, strict=True)
                 if state not in ("done", "failed")]
    seconds = measure_pace(plan.runs).wall_seconds(open_runs, workers)
    if json:
        console.show_json({
            "name": plan.name, "threads": plan.runtime.cpu_threads,
            "seconds_left": seconds,
            "runs": [
                {"points": run.points, "state": state, "steps": run.steps,
                 "folder": str(run.folder.path), "digest": run.digest,
                 "previous": run.previous and str(run.previous), "differing": run.differing}
                for run, state in zip(plan.runs, states, strict=True)
            ],
        })
        return
    rows = [
        [" = ".join(run.points), state, str(run.steps), run.folder.path.name,
         f"{run.previous.name}: {', '.join(run.differing)}" if run.previous else ""]
        for run, state in zip(plan.runs, states, strict=True)
    ]
    console.show_table(f"{plan.name}: {counted(len(rows), 'run')}",
                       ["run", "state", "steps", "folder", "previous run and changed keys"], rows)
    counts = ", ".join(f"{count} {name}" for name, count in Counter(states).items())
    left = "no run has finished, so the time cannot be estimated"
    if seconds is not None:
        left = f"about {duration(seconds)} left with {workers} at once"
    console.show(f"{counts}; {left}")


def _show_summary(plan: "AblationPlan", summary: "AblationOutcome", runs: Path, json: bool) -> None:
    progress = f"{summary.done} of {counted(summary.total, 'run')} done"
    if json:
        console.show_json(_as_json(summary))
    else:
        how = (f"{summary.trained} now, {summary.elsewhere} meanwhile by other processes, "
               f"{summary.before} before")
        console.show(f"{plan.name}: {progress} ({how}); compare with: cclcc report --runs {runs}")
    for failure in summary.failures:
        console.note(f"failed: {failure.point}: {failure.reason} ({failure.folder})")
        for line in failure.log:
            console.note(f"  {line}")
    if summary.stopped is not None:
        raise Interrupted(
            f"stopped with {progress}; running ones are saved; repeat the command to resume",
            summary.stopped,
        )
    if summary.disk_full is not None:
        raise DiskFullError(f"stopped with {progress}: {summary.disk_full}")
    if summary.failures:
        raise RunsFailed(
            f"{len(summary.failures)} of {counted(summary.total, 'run')} failed (listed above); "
            "fix the cause, then repeat the command with --retry"
        )


def _as_json(summary: "AblationOutcome") -> dict[str, Any]:
    return {
        "total": summary.total, "done": summary.done, "trained": summary.trained,
        "elsewhere": summary.elsewhere, "before": summary.before,
        "failures": [{"place": f.point, "folder": str(f.folder), "reason": f.reason}
                     for f in summary.failures],
    }
