"""``cclcc search``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cclcc_cli.cli import console
from cclcc_cli.cli.option_groups import with_groups
from cclcc_cli.cli.options import RECIPE_OR_NAME, BaseOverrides
from cclcc_cli.cli.sweep_options import Sweeping
from cclcc_cli.errors import Interrupted, RunsFailed
from cclcc_cli.wording import counted

if TYPE_CHECKING:
    from cclcc_cli.config.search_summary import SearchSummary
    from cclcc_cli.sweeps.search.plan import OpenSearch
    from cclcc_cli.sweeps.search.searcher import SearchOutcome


@with_groups
def search(
    file: Annotated[Path, typer.Argument(metavar="SEARCH", help=RECIPE_OR_NAME)],
    sweeping: Sweeping,
    dry_run: Annotated[
        bool, typer.Option("--dry-run",
                           help="Show the space and the first proposals; train nothing.")
    ] = False,
    overrides: BaseOverrides = None,
    storage: Annotated[
        str | None,
        typer.Option(metavar="URL", show_default="a journal in --runs",
                     help="Where trials are kept, so that several machines can share them: "
                          "postgresql://... or sqlite:///..."),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start the search again; trained runs are reused.")
    ] = False,
) -> None:
    """Search a recipe's keys for the best validation score.

    The test split stays unread. Repeat the command to resume a search that was stopped or killed.
    """
    from cclcc_cli.config.search_load import load_search

    launch = sweeping.parse_launch()
    checked = load_search(file, overrides or ())  # refuse a bad file before torch loads

    from cclcc_cli.sweeps.search.run import open_search, run_search

    opened = open_search(
        checked, data_root=sweeping.data, runs_root=sweeping.runs, storage=storage,
        device=sweeping.device, precision=sweeping.precision, workers=sweeping.workers,
        launch=launch, fresh=fresh,
    )
    if dry_run:
        _show_plan(opened, sweeping.json)
        return
    with console.sweep_display(sweeping.quiet) as display:
        summary = run_search(opened, workers=sweeping.workers, display=display, fresh=fresh,
                             tracking_uri=sweeping.tracker)
    _show_result(opened, summary, file, sweeping.json)


def _show_plan(opened: "OpenSearch", json: bool) -> None:
    from cclcc_cli.addresses import without_password
    from cclcc_cli.config.space import as_text
    from cclcc_cli.sweeps.search.plan import first_proposals

    checked = opened.checked
    file = checked.search
    proposals = first_proposals(opened)
    if json:
        console.show_json({
            "name": file.name, "objective": file.objective, "direction": file.direction,
            "trials": checked.num_trials, "runs": opened.num_runs, "steps": opened.steps,
            "storage": without_password(opened.address), "begun": opened.begun,
            "space": file.model_dump(mode="json")["space"], "first_proposals": proposals,
        })
        return
    rows = [[key, d.kind, _range(d), ", ".join(f"{k}={as_text(v)}" for k, v in d.when.items())]
            for key, d in file.space.items()]
    console.show_table(f"{file.name}: the space", ["key", "kind", "values", "only when"], rows)
    keys = list(file.space)
    console.show_table(
        "first trials" if not opened.begun else "first trials, as they were proposed",
        ["trial", *keys],
        [[str(number), *(as_text(point[key]) if key in point else "" for key in keys)]
         for number, point in enumerate(proposals)], num_keys=1,
    )
    begun = ", ".join(f"{count} {state}" for state, count in opened.begun.items())
    console.show(f"{counted(checked.num_trials, 'trial')} of "
                 f"{counted(len(file.repetitions), 'training')} of "
                 f"{counted(opened.steps, 'step')}: {counted(opened.num_runs, 'run')}, "
                 f"if none is pruned; {file.direction} validation {file.objective}")
    console.show(f"storage: {without_password(opened.address)} ({begun or 'no study yet'})")


def _range(dimension: object) -> str:
    from cclcc_cli.config.space import Categorical, as_text

    if isinstance(dimension, Categorical):
        return ", ".join(map(as_text, dimension.choices))
    low, high = getattr(dimension, "low", None), getattr(dimension, "high", None)
    step = getattr(dimension, "step", None)
    return f"{low} to {high}" + (f" by {step}" if step not in (None, 1) else "")


def _show_result(opened: "OpenSearch", summary: "SearchOutcome", file: Path, json: bool) -> None:
    from cclcc_cli.sweeps.search.result import (
        read_result,
        train_command,
        write_best,
        write_summary,
    )
    from cclcc_cli.sweeps.search.storage import search_folder

    result = read_result(opened)
    folder = search_folder(opened.runs_root, opened.name)
    write_summary(opened, result)
    written = []
    if result.best is not None:
        from cclcc_cli.report.figures.folder import write_figures
        from cclcc_cli.report.figures.search import draw_search

        drawn = draw_search(result)
        write_figures(drawn, folder)
        written = [write_best(opened, result, file),
                   *(folder / f"{figure.name}.png" for figure in drawn.figures)]
    if json:
        console.show_json({**result.plain(), "over": summary.over,
                           "written": [str(path) for path in written]})
    else:
        _show_tables(result, written)
        if written:
            console.show("train it, which reads the test split: "
                         f"{train_command(opened, written[0])}")
    for number, reason in summary.failures:
        console.note(f"failed: trial {number}: {reason}")
    if summary.stopped is not None:
        raise Interrupted(
            f"stopped with {summary.over} of {counted(summary.total, 'trial')} over; running ones "
            "are saved; repeat the command to resume", summary.stopped,
        )
    if result.best is None:
        raise RunsFailed(f"{opened.name}: no trial has come to its end, so there is no best one; "
                          "the reasons are listed above")


def _show_tables(result: "SearchSummary", written: list[Path]) -> None:
    rows = [[str(t.number), t.state, "" if t.value is None else f"{t.value:.4f}", t.source,
             *(t.words.get(key, "") for key in result.keys)] for t in result.ranked[:10]]
    counts = ", ".join(f"{count} {state}" for state, count in result.counts.items())
    console.show_table(
        f"{result.name}: {counts}; best {min(10, len(result.ranked))} by validation "
        f"{result.objective}",
        ["trial", "state", result.objective, "setting from", *result.keys], rows, num_keys=3,
    )
    if result.importances:
        console.show_table("how much of the difference each key explains",
                           ["key", "share"],
                           [[key, f"{100 * share:.0f} %"]
                            for key, share in result.importances.items()])
    for note in result.notes:
        console.note(note)
    for path in written:
        console.show(f"written: {path}")
