"""``cclcc bundle`` and ``cclcc unbundle``."""

from pathlib import Path
from typing import Annotated

import typer

from cclcc_cli.cli import console
from cclcc_cli.cli.options import RUNS, Json, RunsDir
from cclcc_cli.wording import counted


def bundle(
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", dir_okay=False,
                           help="The bundle to write, such as study.tar.xz.")
    ],
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", show_default="all runs",
                       help="A run folder, or all runs of a recipe or method."),
    ] = None,
    ablation: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME",
                     help="Include the runs and the plan of this ablation; repeatable."),
    ] = None,
    search: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME",
                     help="Include the runs and trials of this search; repeatable."),
    ] = None,
    runs: RunsDir = RUNS,
    json: Json = False,
) -> None:
    """Pack the records of finished runs into one small file.

    Weights and pictures are left out.

    'report', 'ls' and 'compare' read it with --bundle; 'unbundle' turns it into run folders again.
    """
    from cclcc_cli.runs.bundle import select, write_bundle

    selection = select(runs, names=names or (), ablations=ablation or (), searches=search or ())
    written = write_bundle(runs, selection, out)
    for note in written.notes:
        console.note(f"note: {note}")
    if json:
        console.show_json({
            "file": str(out), "bytes": written.size, "digest": written.digest,
            "runs": [folder.path.relative_to(runs).as_posix() for folder in selection.runs],
            "ablations": list(selection.ablations), "searches": list(selection.searches),
            "left_out": [left.model_dump() for left in written.manifest.left_out],
        })
        return
    held = [counted(len(selection.runs), "run"),
            *(f"ablation {name}" for name in selection.ablations),
            *(f"search {name}" for name in selection.searches)]
    console.show(f"{out}: {', '.join(held)}; {written.size / 1e6:.2f} MB, digest "
                 f"{written.digest[:12]}")


def unbundle(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="Files of 'cclcc bundle'.")
    ],
    runs: RunsDir = RUNS,
    json: Json = False,
) -> None:
    """Turn bundles into run folders again.

    'ablate' and 'search' then resume from there. A bundle holds no weights: an unfinished run is
    trained from its beginning.
    """
    from cclcc_cli.runs.unbundle import extract

    done = extract(files, runs)
    if json:
        console.show_json({"written": list(done.written), "there": list(done.there)})
        return
    console.show(f"{runs}: {counted(len(done.written), 'folder')} written, {len(done.there)} there "
                 "already and the same")
