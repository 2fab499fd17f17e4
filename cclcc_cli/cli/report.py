"""``cclcc report``."""

import io
from collections.abc import Sequence
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cclcc_cli.cli import console
from cclcc_cli.cli.options import RUNS, RunsDir
from cclcc_cli.errors import RunError

if TYPE_CHECKING:
    from cclcc_cli.report.tables import Arm

Format = Literal["table", "markdown", "csv", "json"]
_FORMAT_OF_SUFFIX: dict[str, Format] = {".md": "markdown", ".csv": "csv", ".json": "json"}


def report(
    runs: RunsDir = RUNS,
    split: Annotated[Literal["test", "val"], typer.Option(help="Which split's scores.")] = "test",
    all_metrics: Annotated[
        bool, typer.Option("--all-metrics", help="Every score, not only Dice and IoU.")
    ] = False,
    costs: Annotated[
        bool, typer.Option("--costs", help="Weights, images through networks, speed, memory.")
    ] = False,
    format: Annotated[
        Format, typer.Option(help="csv and json hold numbers unrounded, scores as shares of 1.")
    ] = "table",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write there instead of to stdout.")
    ] = None,
) -> None:
    """Compare finished runs: mean and standard deviation over seeds, by method and labels."""
    if out:
        fitting = _FORMAT_OF_SUFFIX.get(out.suffix, format)
        if fitting != format:
            raise RunError(f"--out {out}: would hold a {format}; add --format {fitting}")

    from cclcc_cli.report.gather import gather_runs
    from cclcc_cli.report.tables import comparison_notes, group_arms

    gathered = gather_runs(runs)
    arms = group_arms(gathered.runs)
    notes = [*comparison_notes(arms, split), *gathered.notes]
    text = io.StringIO()
    with redirect_stdout(text) if out else nullcontext():
        _show(arms, notes, split, all_metrics, costs, format)
    if out:
        _write(out, text.getvalue())
    if format in ("table", "csv"):  # the others hold their notes
        for note in notes:
            console.note(f"note: {note}")


def _show(
    arms: "Sequence[Arm]",
    notes: Sequence[str],
    split: Literal["test", "val"],
    all_metrics: bool,
    costs: bool,
    format: Format,
) -> None:
    from cclcc_cli.report import tables
    from cclcc_cli.report.costs import COLUMNS, cost_cells, cost_record

    metrics = tables.ALL_METRICS if all_metrics else tables.MAIN_METRICS
    data = ", ".join(dict.fromkeys(arm.first.data for arm in arms))
    title = f"{data}: {split} scores, mean ± standard deviation over seeds"
    columns, rows = tables.build_table(arms, split, metrics)
    records = tables.to_records(arms, split, metrics)
    if costs:
        columns = [*columns, *COLUMNS]
        rows = [[*row, *cost_cells(arm)] for row, arm in zip(rows, arms, strict=True)]
        records = [{**r, **cost_record(arm)} for r, arm in zip(records, arms, strict=True)]
    match format:
        case "table":
            console.show_table(title, columns, rows)
        case "markdown":
            console.show(tables.to_markdown(title, columns, rows, notes).removesuffix("\n"))
        case "csv":
            console.show(tables.to_csv(records).removesuffix("\n"))
        case "json":
            console.show_json({"rows": records, "notes": notes})


def _write(out: Path, text: str) -> None:
    from cclcc_cli.files import write_atomic

    try:
        write_atomic(out, text.encode())
    except OSError as error:
        raise RunError(
            f"--out {out}: cannot be written ({error.strerror}); choose another file"
        ) from None
    console.note(f"written: {out}")
