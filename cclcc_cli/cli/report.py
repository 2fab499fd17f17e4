"""``cclcc report``."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from cclcc_cli.cli import console
from cclcc_cli.cli.options import RUNS, RunsDir


def report(
    runs: RunsDir = RUNS,
    split: Annotated[Literal["test", "val"], typer.Option(help="Which split's scores.")] = "test",
    all_metrics: Annotated[
        bool, typer.Option("--all-metrics", help="More than Dice and IoU.")
    ] = False,
    format: Annotated[
        Literal["table", "markdown", "csv", "json"], typer.Option("--format")
    ] = "table",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write there instead of to the terminal.")
    ] = None,
) -> None:
    """Compare finished runs: mean and standard deviation over seeds, by method and labels."""
    from cclcc_cli.errors import RunError
    from cclcc_cli.files import write_atomic
    from cclcc_cli.report import tables
    from cclcc_cli.report.gather import gather_runs

    gathered = gather_runs(runs)
    arms = tables.group_arms(gathered.runs)
    metrics = tables.MAIN_METRICS + (tables.MORE_METRICS if all_metrics else ())
    columns, rows = tables.build_table(arms, split, metrics)
    notes = [*tables.comparison_notes(arms, split), *gathered.notes]
    match format:
        case "table" if out is None:
            console.show_table(f"{split} scores, mean ± standard deviation", columns, rows)
            for text in notes:
                console.note(f"note: {text}")
            return
        case "table" | "markdown":
            content = tables.to_markdown(columns, rows, notes)
        case "csv":
            content = tables.to_csv(tables.to_records(arms, split, metrics))
        case "json":
            content = tables.to_json(tables.to_records(arms, split, metrics), notes)
    if out is None:
        console.show(content.rstrip("\n"))
        return
    try:
        write_atomic(out, content.encode())
    except OSError as error:
        raise RunError(f"{out}: cannot be written ({error.strerror}); choose another --out") from None
    console.note(f"written: {out}")
