"""``cclcc predict``."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from cclcc_cli.cli import console
from cclcc_cli.cli.options import (
    COMPUTING,
    DATA,
    OUTPUT,
    RUNS,
    DataDir,
    Device,
    Json,
    Quiet,
    RunsDir,
)

MASKS = "Masks"


def predict(
    runs_and_images: Annotated[
        list[str],
        typer.Argument(metavar="RUN... IMAGES", show_default=False,
                       help="Run folders, run ids or their beginnings, or a group's name; several "
                            "are averaged. Then image files, a folder, a pattern in quotes, or a "
                            "prepared data set."),
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", rich_help_panel=OUTPUT,
                           help="Where masks and their table are written. The same command "
                                "resumes.")
    ],
    probabilities: Annotated[
        Literal["none", "png", "npz"],
        typer.Option("--probabilities", rich_help_panel=OUTPUT,
                     help="Also write probabilities: PNG of 16 bits, 65535 being 1, or npz."),
    ] = "none",
    overlay: Annotated[
        bool, typer.Option("--overlay", rich_help_panel=OUTPUT,
                           help="Also write each image with the border of its mask.")
    ] = False,
    sheet: Annotated[
        bool, typer.Option("--sheet", rich_help_panel=OUTPUT,
                           help="Also write a contact sheet, index.html.")
    ] = False,
    tta: Annotated[
        Literal["none", "flips"],
        typer.Option("--tta", rich_help_panel=MASKS,
                     help="Average over views of each image: itself and its three flips."),
    ] = "none",
    tile: Annotated[
        int | None,
        typer.Option("--tile", metavar="PIXELS", rich_help_panel=MASKS,
                     show_default="an image is seen as a whole",
                     help="Cut large images into overlapping tiles of this side, blended "
                          "smoothly."),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option("--threshold", metavar="P", rich_help_panel=MASKS,
                     show_default="that of the run",
                     help="Probability above which a pixel is foreground."),
    ] = None,
    fill_holes: Annotated[
        bool, typer.Option("--fill-holes", rich_help_panel=MASKS,
                           help="Fill what the mask encloses.")
    ] = False,
    min_area: Annotated[
        int, typer.Option("--min-area", metavar="PIXELS", min=0, rich_help_panel=MASKS,
                          help="Drop components of fewer pixels.")
    ] = 0,
    largest_component: Annotated[
        bool, typer.Option("--largest-component", rich_help_panel=MASKS,
                           help="Keep the largest component alone.")
    ] = False,
    batch_size: Annotated[
        int, typer.Option("--batch-size", min=1, rich_help_panel=COMPUTING,
                          help="Images taken at once; on a CPU it changes no mask.")
    ] = 8,
    threads: Annotated[
        int | None,
        typer.Option("--threads", min=1, rich_help_panel=COMPUTING,
                     show_default="all processors",
                     help="Threads that work side by side; on a CPU their number changes no "
                          "mask."),
    ] = None,
    device: Device = "auto",
    precision: Annotated[
        Literal["auto", "fp32", "bf16", "fp16"],
        typer.Option("--precision", rich_help_panel=COMPUTING,
                     help="Of convolutions; auto takes that of the run's test, if the device has "
                          "it."),
    ] = "auto",
    runs: RunsDir = RUNS,
    data: DataDir = DATA,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Segment new images with one run or several.

    Several runs are averaged. Masks have each image's own size, and a table lists area, components,
    confidence, entropy and disagreement. An image that cannot be read is listed and does not stop
    the others.
    """
    from cclcc_cli.errors import ImagesFailed
    from cclcc_cli.inference.choose import choose_runs
    from cclcc_cli.inference.inputs import split_words

    words, images = split_words(runs_and_images)
    chosen = choose_runs(words, runs)

    from cclcc_cli.inference.cleaning import Cleaning
    from cclcc_cli.inference.ensemble import load_ensemble
    from cclcc_cli.inference.inputs import find_inputs
    from cclcc_cli.inference.predict import Options, predict_images

    for note in chosen.notes:
        console.note(f"note: {note}")
    ensemble = load_ensemble([folder.path for folder in chosen.runs], flips=tta == "flips",
                             threshold=threshold, device=device, precision=precision)
    inputs = find_inputs(images, data, ensemble.size)
    if inputs.ignored:
        console.note(f"note: not images, ignored: {', '.join(inputs.ignored[:5])}"
                     f"{' ...' if len(inputs.ignored) > 5 else ''}")
    options = Options(Cleaning(fill_holes, min_area, largest_component), tile, probabilities,
                      overlay, sheet, batch_size, threads)
    with console.counting(quiet) as progress:
        done = predict_images(ensemble, inputs, out, options, progress)
    page = None
    if sheet:
        from cclcc_cli.report.pages.predictions import write_sheet

        page = write_sheet(out, [folder.path.name for folder in chosen.runs], done)
    if json:
        from dataclasses import asdict

        console.show_json({"out": str(out), "sheet": str(page) if page else None,
                           "runs": [str(folder.path) for folder in chosen.runs],
                           **asdict(done)})
    else:
        from cclcc_cli.wording import counted

        kept = f", {done.kept} of them from before" if done.kept else ""
        console.show(f"{out}: {counted(len(done.rows), 'mask')}{kept}, by "
                     f"{counted(len(chosen.runs), 'run')} at {ensemble.size} pixels"
                     f"{'' if page is None else f'; contact sheet {page}'}")
    if done.failures:
        first, problem = done.failures[0]
        raise ImagesFailed(f"{out / 'failed.csv'}: {counted(len(done.failures), 'image')} could "
                           f"not be segmented, the first is {first}: {problem}")
