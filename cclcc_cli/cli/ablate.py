"""``cclcc ablate``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cclcc_cli.cli import console
from cclcc_cli.cli.ablation_report import publish_report
from cclcc_cli.cli.options import (
    DATA,
    RUNS,
    BaseOverrides,
    DataDir,
    Gpus,
    Json,
    Launcher,
    Quiet,
    RunsDir,
    Scheduler,
    SlurmOptions,
    TrackingUri,
    Workers,
    resolve_tracking,
)
from cclcc_cli.errors import DiskFullError, Interrupted, RunsFailed

if TYPE_CHECKING:
    from cclcc_cli.sweeps.ablate import Summary
    from cclcc_cli.sweeps.plan import AblationPlan


def ablate(
    ablation: Annotated[Path, typer.Argument(metavar="ABLATION", help="A YAML file.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show runs, states and time; run nothing.")
    ] = False,
    overrides: BaseOverrides = None,
    workers: Workers = 1,
    launcher: Launcher = "local",
    gpus: Gpus = None,
    slurm: SlurmOptions = None,
    scheduler: Scheduler = None,
    retry: Annotated[bool, typer.Option("--retry", help="Try failed runs again.")] = False,
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], typer.Option()] = "auto",
    precision: Annotated[Literal["auto", "fp32", "bf16", "fp16"], typer.Option()] = "auto",
    runs: RunsDir = RUNS,
    data: DataDir = DATA,
    mlflow: Annotated[
        bool, typer.Option("--mlflow/--no-mlflow", help="Mirror the runs in MLflow.")
    ] = True,
    tracking_uri: TrackingUri = None,
    report: Annotated[
        bool, typer.Option("--report/--no-report",
                           help="At the end write a report, into the runs' folder and MLflow.")
    ] = True,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Train every run of an ablation: variants, axes, seeds.

    The same command again passes over what is done and goes on with what was stopped or killed.
    """
    from cclcc_cli.config.ablation import load_ablation
    from cclcc_cli.config.launch import parse_launch

    launch = parse_launch(launcher, gpus=gpus, slurm=slurm or (), scheduler=scheduler)
    arrangement = load_ablation(ablation, overrides or ())  # refuse a bad file before torch loads

    from cclcc_cli.files import disk_problems
    from cclcc_cli.sweeps.ablation import open_ablation, run_ablation

    opened = open_ablation(
        arrangement, data_root=data, runs_root=runs, device=device, precision=precision,
        workers=workers, launch=launch,
    )
    if dry_run:
        _show_plan(opened.plan, workers, json)
        return
    uri = resolve_tracking(runs, tracking_uri) if mlflow else None
    with disk_problems(runs), console.sweep_display(quiet) as display:
        summary = run_ablation(
            opened, workers=workers, retry=retry, display=display, tracking_uri=uri,
        )
    cut_short = summary.stopped is not None or summary.disk_full is not None
    if report and summary.done and not cut_short:
        publish_report(opened.plan.name, runs, data, uri,
                       news=bool(summary.trained or summary.elsewhere))
    _show_summary(opened.plan, summary, runs, json)


def _show_plan(plan: "AblationPlan", workers: int, json: bool) -> None:
    from collections import Counter

    from cclcc_cli.sweeps.plan import measure_pace
    from cclcc_cli.wording import duration

    standings = [run.standing for run in plan.runs]
    open_runs = [run for run, standing in zip(plan.runs, standings, strict=True)
                  if standing not in ("done", "failed")]
    seconds = measure_pace(plan.runs).wall_seconds(open_runs, workers)
    if json:
        console.show_json({
            "name": plan.name, "threads": plan.runtime.cpu_threads,
            "seconds_left": seconds,
            "cells": [
                {"places": run.places, "state": standing, "steps": run.steps,
                 "folder": str(run.folder.path), "digest": run.digest,
                 "former": run.former and str(run.former), "differing": run.differing}
                for run, standing in zip(plan.runs, standings, strict=True)
            ],
        })
        return
    rows = [
        [" = ".join(run.places), standing, str(run.steps), run.folder.path.name,
         f"{run.former.name}: {', '.join(run.differing)}" if run.former else ""]
        for run, standing in zip(plan.runs, standings, strict=True)
    ]
    console.show_table(f"{plan.name}: {len(rows)} runs",
                       ["cell", "state", "steps", "folder", "had this place before"], rows)
    counts = ", ".join(f"{count} {name}" for name, count in Counter(standings).items())
    left = "no finished run to estimate the time from"
    if seconds is not None:
        left = f"about {duration(seconds)} to go with {workers} at once"
    console.show(f"{counts}; {left}")


def _show_summary(plan: "AblationPlan", summary: "Summary", runs: Path, json: bool) -> None:
    if json:
        console.show_json(_as_json(summary))
    else:
        done = f"{plan.name}: {summary.done} of {summary.total} runs done"
        how = (f"{summary.trained} now, {summary.elsewhere} meanwhile by other processes, "
               f"{summary.before} before")
        console.show(f"{done} ({how}); compare with: cclcc report --runs {runs}")
    for failure in summary.failures:
        console.note(f"failed: {failure.place}: {failure.reason} ({failure.folder})")
        for line in failure.log:
            console.note(f"  {line}")
    if summary.stopped is not None:
        raise Interrupted(
            f"stopped with {summary.done} of {summary.total} runs done; running ones are saved; "
            "the same command goes on from here", summary.stopped,
        )
    if summary.disk_full is not None:
        raise DiskFullError(
            f"stopped with {summary.done} of {summary.total} runs done: {summary.disk_full}"
        )
    if summary.failures:
        raise RunsFailed(
            f"{len(summary.failures)} of {summary.total} runs failed (listed above); mend the "
            "cause, then give the same command with --retry"
        )


def _as_json(summary: "Summary") -> dict[str, Any]:
    return {
        "total": summary.total, "done": summary.done, "trained": summary.trained,
        "elsewhere": summary.elsewhere, "before": summary.before,
        "failures": [{"place": f.place, "folder": str(f.folder), "reason": f.reason}
                     for f in summary.failures],
    }
