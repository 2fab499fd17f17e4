"""``cclcc prepare``."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cclcc_cli.cli import console
from cclcc_cli.cli.options import DATA, DOWNLOADS, DataDir, DownloadsDir, Json, Quiet
from cclcc_cli.errors import DataError

if TYPE_CHECKING:
    from cclcc_cli.data.prepare import Prepared
    from cclcc_cli.data.sources import Source
    from cclcc_cli.data.store_writer import About

SYNTHETIC = "synthetic"


def prepare(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="A public data set of --list, 'synthetic', or what to call your own images.",
        ),
    ] = None,
    list_known: Annotated[
        bool, typer.Option("--list", help="Show the public data sets with size and licence.")
    ] = False,
    images: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of images: jpg, png, bmp, tif.")
    ] = None,
    masks: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of masks, named as the images; _mask may follow."),
    ] = None,
    archive: Annotated[
        list[Path] | None,
        typer.Option(metavar="PATH", help="A public data set's zip, or a folder of its files, that "
                                          "is here already; repeatable."),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(help="Side of the stored images in pixels; 320, for synthetic 128."),
    ] = None,
    splits: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder with train.txt and perhaps val.txt, test.txt, "
                                         "labeled_seed0.txt, fold0/."),
    ] = None,
    ignore_official: Annotated[
        bool, typer.Option("--ignore-official", help="Cut anew what has an official split.")
    ] = False,
    val_share: Annotated[
        float | None, typer.Option(help="Part for validation where none is given; 0.1.")
    ] = None,
    test_share: Annotated[
        float | None,
        typer.Option(help="Part for testing; 0.1, or where train is given none."),
    ] = None,
    folds: Annotated[
        int | None, typer.Option(help="Cut this many folds for cross-validation as well.")
    ] = None,
    split_seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of whatever is cut; 0.")
    ] = None,
    label_seeds: Annotated[
        int | None,
        typer.Option(metavar="N", help="Draw label orders for the seeds 0 to N-1; 5, or where "
                                       "orders are listed none."),
    ] = None,
    label_groups: Annotated[
        bool, typer.Option("--label-groups", help="Label group by group, not image by image.")
    ] = False,
    groups: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="Columns stem,group: patients or videos that must stay "
                                         "on one side of a split."),
    ] = None,
    drop_leaks: Annotated[
        bool, typer.Option("--drop-leaks", help="Leave out training images that show the same as "
                                                "a test or validation image.")
    ] = False,
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
    downloads: DownloadsDir = DOWNLOADS,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Turn images and masks into a store: checked, resized once, audited, split, ready to train on.

    The same content again changes nothing.
    """
    if list_known:
        _show_catalog(json)
        return
    if name is None:
        raise DataError("NAME is missing: a data set of cclcc prepare --list, 'synthetic', or "
                        "what to call your own images")
    _refuse_useless(name, {
        "--images": images, "--masks": masks, "--archive": archive, "--groups": groups,
        "--splits": splits, "--license": license, "--citation": citation, "--source": source,
    }, {"--count": count, "--seed": seed})
    side = (128 if name == SYNTHETIC else 320) if size is None else size
    _check_name_and_size(name, side)

    from cclcc_cli.data.cutting import LabelRule
    from cclcc_cli.data.prepare import prepare as prepare_store
    from cclcc_cli.data.split_rule import SplitRule
    from cclcc_cli.data.store import store_path
    from cclcc_cli.data.store_writer import About

    rule = SplitRule(splits, val_share, test_share, split_seed, folds, ignore_official, groups,
                     drop_leaks, LabelRule(label_seeds, label_groups))
    about = About(license or "", citation or "", source or "")
    with console.counting(quiet) as count_up:
        origin = (_synthetic(count, seed) if name == SYNTHETIC
                  else _source(name, images, masks, archive or [], about, downloads, count_up))
        done = prepare_store(store_path(data, name, side), origin, rule, force, count_up)
    _show(done, json)


def _synthetic(count: int | None, seed: int | None) -> "Source":
    from cclcc_cli.data.sources import SyntheticSource

    return SyntheticSource(1000 if count is None else count, seed or 0)


def _source(
    name: str, images: Path | None, masks: Path | None, archives: list[Path], about: "About",
    downloads: Path, count_up: console.Counter,
) -> "Source":
    from dataclasses import replace

    from cclcc_cli.data.catalog import find_entry
    from cclcc_cli.data.sources import CatalogSource, FolderSource

    entry = find_entry(name)
    if images is None and masks is None and entry is not None:
        def progress(file: str, done: int, total: int | None) -> None:
            count_up(f"{console.DOWNLOADING}{file}", done, total)

        return CatalogSource(entry, downloads, tuple(archives), about, progress, console.warn)
    if archives:
        why = ("--images and --masks are given" if entry
               else "only for the public data sets of cclcc prepare --list")
        raise DataError(f"--archive: does not apply to {name}: {why}; leave one of them out")
    if entry is not None:
        about = replace(about, license=about.license or entry.license,
                        citation=about.citation or entry.citation)
    return FolderSource(*_both_folders(name, images, masks), about)


def _refuse_useless(
    name: str, own: Mapping[str, object], drawn: Mapping[str, object]
) -> None:
    options = own if name == SYNTHETIC else drawn
    given = [option for option, value in options.items() if value]
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
            f"--images {name}/images --masks {name}/masks (public data sets: "
            f"cclcc prepare --list; without any data: cclcc prepare {SYNTHETIC})"
        )
    return images, masks


def _show_catalog(json: bool) -> None:
    from dataclasses import asdict

    from cclcc_cli.data.catalog import CATALOG

    if json:
        console.show_json({name: asdict(entry) for name, entry in CATALOG.items()})
        return
    for entry in CATALOG.values():
        exact = all(file.num_bytes for file in entry.files)
        size = (f"{'' if exact else 'about '}{entry.download_bytes / 1e9:.2f} GB"
                if entry.download_bytes else "to be got by hand")
        console.show(f"{entry.name}: {entry.num_pairs} pairs, {size}; {entry.shows}")
        console.show(f"    official split: {entry.split_note}")
        console.show(f"    licence: {entry.license}")
        console.show(f"    read it at {entry.license_url}")
    console.show(f"{SYNTHETIC}: as many as you like, drawn; lesions among harmless bumps")


def _show(done: "Prepared", json: bool) -> None:
    from dataclasses import asdict

    store = done.store
    info = store.info
    for note in done.notes:
        console.note(f"note: {note}")
    if not done.changed:
        console.note("already prepared, nothing changed (--force prepares it again)")
    if json:
        console.show_json(asdict(info))
        return
    counts = ", ".join(f"{count} {split}" for split, count in info.counts.items())
    if store.splits.dropped:
        counts += f", {len(store.splits.dropped)} dropped"
    subsets = ", ".join(f"{share:.0%}: {number}" for share, number in done.labeled.items())
    lines = {
        "store": store.path,
        "images": f"{info.num_images} ({counts}), {info.size}x{info.size} pixels",
        "splits": info.split_rule,
        "foreground": f"{info.foreground_share:.1%} of an image on average",
        "labels": subsets,
        "audit": f"{len(store.audit.pairs)} pairs of the same, {len(store.audit.findings)} odd "
                 f"images or masks (cclcc audit {info.name})",
        "digest": f"{info.digest[:12]} (splits {info.split_digest[:12]})",
        "licence": info.license or "not stated; --license says it",
    }
    for key, value in lines.items():
        console.show(f"{key:<11} {value}")
