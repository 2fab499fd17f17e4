"""``cclcc bundle`` and ``cclcc unbundle``."""

from pathlib import Path
from typing import Annotated

import typer

from cclcc_cli.cli import console
from cclcc_cli.cli.options import RUNS, Json, RunsDir


def bundle(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Such as study.tar.xz.")],
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME...", help="A run folder, or all runs of a recipe or method. "
                       "Default: all there is."),
    ] = None,
    ablation: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="The runs and the plan of this ablation; repeatable."),
    ] = None,
    search: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="The runs and trials of this search; repeatable."),
    ] = None,
    runs: RunsDir = RUNS,
    json: Json = False,
) -> None:
    """Write the records of finished runs into one small file, without weights and pictures.

    report, ls and compare read it with --bundle; unbundle makes run folders of it.
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
    held = [f"{len(selection.runs)} runs", *(f"ablation {name}" for name in selection.ablations),
            *(f"search {name}" for name in selection.searches)]
    console.show(f"{out}: {', '.join(held)}; {written.size / 1e6:.2f} MB, digest "
                 f"{written.digest[:12]}")


def unbundle(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="From cclcc bundle.")],
    runs: RunsDir = RUNS,
    json: Json = False,
) -> None:
    """Make run folders of bundles, so that ablate and search go on where they stood.

    Weights are not in a bundle: what was unfinished is trained from its beginning.
    """
    from cclcc_cli.runs.unbundle import extract

    done = extract(files, runs)
    if json:
        console.show_json({"written": list(done.written), "there": list(done.there)})
        return
    console.show(f"{runs}: {len(done.written)} folders written, {len(done.there)} there already "
                 "and the same")
