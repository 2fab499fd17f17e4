"""``cclcc prepare``."""

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cclcc_cli.cli import console
from cclcc_cli.cli.options import DATA, DataDir, Json, Quiet
from cclcc_cli.errors import DataError

if TYPE_CHECKING:
    from cclcc_cli.data.prepare import Prepared, Progress

SYNTHETIC = "synthetic"
_SECONDS_BETWEEN_LINES = 3


def prepare(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="'synthetic', or what to call your own images.")
    ],
    images: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of images: jpg, png, bmp, tif.")
    ] = None,
    masks: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of masks, named as the images; _mask may follow."),
    ] = None,
    splits: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder with train.txt and perhaps val.txt, test.txt."),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(help="Side of the stored images in pixels; 320, for synthetic 128."),
    ] = None,
    val_share: Annotated[
        float | None, typer.Option(help="Part for validation where there is no val.txt; 0.1.")
    ] = None,
    test_share: Annotated[
        float | None,
        typer.Option(help="Part for testing; 0.1, or with --splits but no test.txt none."),
    ] = None,
    split_seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of the parts cut by share; 0.")
    ] = None,
    count: Annotated[
        int | None, typer.Option(min=1, help="Synthetic scenes to draw; 1000.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of the synthetic scenes; 0.")
    ] = None,
    license: Annotated[str | None, typer.Option(help="Licence of your images.")] = None,
    citation: Annotated[str | None, typer.Option(help="What to cite for your images.")] = None,
    source: Annotated[str | None, typer.Option(help="Where your images come from.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a store that is there.")
    ] = False,
    data: DataDir = DATA,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Turn images and masks into a store: decoded and resized once, split, ready to train on.

    The same content again changes nothing.
    """
    own = {"--images": images, "--masks": masks, "--splits": splits, "--license": license,
           "--citation": citation, "--source": source}
    drawn = {"--count": count, "--seed": seed}
    is_synthetic = name == SYNTHETIC
    _refuse_useless(name, own if is_synthetic else drawn)
    side = (128 if is_synthetic else 320) if size is None else size
    _check_name_and_size(name, side)

    from cclcc_cli.data.prepare import FolderSource, SyntheticSource
    from cclcc_cli.data.prepare import prepare as prepare_store
    from cclcc_cli.data.split_lists import SplitRule
    from cclcc_cli.data.store import store_path
    from cclcc_cli.data.store_writer import About

    origin: FolderSource | SyntheticSource
    if is_synthetic:
        origin = SyntheticSource(1000 if count is None else count, seed or 0)
    else:
        about = About(license or "", citation or "", source or "")
        origin = FolderSource(*_both_folders(name, images, masks), about)
    done = prepare_store(
        store_path(data, name, side),
        origin,
        SplitRule(splits, val_share, test_share, split_seed),
        force=force,
        progress=_progress_lines(quiet),
    )
    _show(done, json)


def _refuse_useless(name: str, options: Mapping[str, object]) -> None:
    given = [option for option, value in options.items() if value is not None]
    if given:
        why = ("its scenes are drawn, not read" if name == SYNTHETIC
               else f"only {SYNTHETIC} scenes are drawn")
        raise DataError(f"{', '.join(given)}: does not apply to {name}: {why}; leave it out")


def _check_name_and_size(name: str, size: int) -> None:
    """The same rule as a recipe's ``data.name`` and ``data.size``, or no recipe could use it."""
    from cclcc_cli.config.schema import NAME_PATTERN, POOLING_FACTOR

    if not re.fullmatch(NAME_PATTERN, name):
        raise DataError(f"{name!r} cannot be a name: use up to 64 letters, digits, '.', '_' "
                        f"and '-', starting with a letter or digit")
    if size < POOLING_FACTOR or size % POOLING_FACTOR:
        below = max(size // POOLING_FACTOR, 1) * POOLING_FACTOR
        raise DataError(f"--size {size}: must be a multiple of {POOLING_FACTOR}, such as "
                        f"{below} or {below + POOLING_FACTOR}")


def _both_folders(name: str, images: Path | None, masks: Path | None) -> tuple[Path, Path]:
    if images is None or masks is None:
        missing = " and ".join(option for option, folder in (("--images", images),
                                                             ("--masks", masks)) if folder is None)
        raise DataError(
            f"{name}: {missing} missing; for example: cclcc prepare {name} "
            f"--images {name}/images --masks {name}/masks (or: cclcc prepare {SYNTHETIC})"
        )
    return images, masks


def _progress_lines(quiet: bool) -> "Progress":
    """Says how far it is, every few seconds."""
    last = time.monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal last
        if not quiet and time.monotonic() - last >= _SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            console.note(f"{done} of {total} images")

    return tell


def _show(done: "Prepared", json: bool) -> None:
    from dataclasses import asdict

    info = done.info
    for note in done.notes:
        console.note(f"note: {note}")
    if not done.changed:
        console.note("already prepared, nothing changed (--force prepares it again)")
    if json:
        console.show_json(asdict(info))
        return
    splits = ", ".join(f"{count} {split}" for split, count in info.counts.items())
    subsets = ", ".join(f"{share:.0%}: {count}" for share, count in done.labeled.items())
    lines = {
        "store": done.path,
        "images": f"{info.num_images} ({splits}), {info.size}x{info.size} pixels",
        "foreground": f"{info.foreground_share:.1%} of an image on average",
        "labels": subsets,
        "digest": f"{info.digest[:12]} (splits {info.split_digest[:12]})",
        "licence": info.license or "not stated; --license says it",
    }
    for key, value in lines.items():
        console.show(f"{key:<11} {value}")
