"""``cclcc train``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cclcc_cli.cli import console
from cclcc_cli.cli.options import (
    COMPUTING,
    DATA,
    RECIPE_OR_NAME,
    RUNS,
    DataDir,
    Device,
    Json,
    Precision,
    Quiet,
    RunsDir,
    TrackingUri,
    UseMlflow,
)
from cclcc_cli.errors import RunError
from cclcc_cli.processes import own_rank

if TYPE_CHECKING:
    from collections.abc import Callable

    from cclcc_cli.runs.folder import RunFolder
    from cclcc_cli.tracking.mirror import LiveMirror


def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help=RECIPE_OR_NAME)],
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="a.b=v", help="Change one key of the recipe; repeatable."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Shorthand for --set seed=N.")] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Train again even if this run is finished.")
    ] = False,
    device: Device = "auto",
    precision: Precision = "auto",
    threads: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", rich_help_panel=COMPUTING,
                     show_default="OMP_NUM_THREADS, else all cores",
                     help="CPU threads; part of a CPU run's identity."),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=0, rich_help_panel=COMPUTING,
                          help="Processes that load data; they never change a result.")
    ] = 0,
    processes: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", rich_help_panel=COMPUTING,
                     help="Train in this many processes, one for each GPU, as torchrun would."),
    ] = None,
    runs: RunsDir = RUNS,
    data: DataDir = DATA,
    mlflow: UseMlflow = True,
    tracking_uri: TrackingUri = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Train one run of a recipe.

    It leaves a run folder behind. Repeat the command to resume a run that was stopped or killed; a
    finished run is left as it is.
    """
    from cclcc_cli.config import load_recipe

    changes = [*(overrides or []), *([f"seed={seed}"] if seed is not None else [])]
    checked = load_recipe(recipe, changes)  # refuse a bad recipe before torch loads

    own = own_rank()
    if processes is not None and own.size == 1 < processes:
        from cclcc_cli.launchers.spawn import spawn

        raise typer.Exit(spawn(processes))
    if processes not in (None, own.size):
        raise RunError(f"--processes {processes}: torchrun has started {own.size}; leave it out")

    from cclcc_cli.launchers.spawn import follow_parent
    from cclcc_cli.runs.run import follow_run, train_run
    from cclcc_cli.training.distributed.process_group import open_context
    from cclcc_cli.training.runtime import resolve_runtime

    follow_parent()
    with open_context(own) as context:
        runtime = resolve_runtime(device, precision, workers, own.size, threads)
        context.use(runtime)
        if not context.leads:
            follow_run(checked, data_root=data, runs_root=runs, runtime=runtime, context=context)
            return
        tracking = _open_tracking(runs, tracking_uri) if mlflow else None
        with console.training_display(quiet) as display:
            done = train_run(
                checked,
                data_root=data,
                runs_root=runs,
                runtime=runtime,
                display=display,
                fresh=fresh,
                tracking=tracking,
                context=context,
            )
    if not done.trained:
        console.note(f"finished before, nothing was run (--fresh trains again): {done.folder.path}")
    if json:
        console.show_json({"folder": str(done.folder.path), **done.result.plain()})
    else:
        console.show_result(done.folder.path, done.result.plain())


def _open_tracking(runs: Path, uri: str | None) -> "Callable[[RunFolder], LiveMirror]":
    try:
        from cclcc_cli.tracking.address import tracking_uri as resolve
        from cclcc_cli.tracking.mirror import LiveMirror
    except ModuleNotFoundError as error:
        if error.name != "mlflow":
            raise
        raise RunError("mlflow is not installed; pip install mlflow, or use --no-mlflow") from None
    return lambda folder: LiveMirror(folder, resolve(runs, uri), console.warn)
