"""``cclcc prepare``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cclcc_cli.cli import console
from cclcc_cli.cli.options import DATA, DOWNLOADS, DataDir, DownloadsDir, Json, Quiet
from cclcc_cli.errors import DataError
from cclcc_cli.wording import counted

if TYPE_CHECKING:
    from cclcc_cli.data.prepare import Prepared

OWN = "Images of your own"
PUBLIC = "Public data sets"
DRAWN = "Synthetic scenes"
SPLITS = "Splits"
LABELS = "Labelled subsets"


def prepare(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", show_default=False,
            help="A public data set of 'cclcc datasets', synthetic, or a name for your own images.",
        ),
    ] = None,
    images: Annotated[
        Path | None, typer.Option(metavar="DIR", file_okay=False, rich_help_panel=OWN,
                                  help="Directory of images: jpg, png, bmp or tif.")
    ] = None,
    masks: Annotated[
        Path | None,
        typer.Option(metavar="DIR", file_okay=False, rich_help_panel=OWN,
                     help="Directory of masks, named as the images or with a suffix such as "
                          "_mask."),
    ] = None,
    license: Annotated[
        str | None, typer.Option(metavar="TEXT", rich_help_panel=OWN,
                                 help="Licence of your images.")
    ] = None,
    citation: Annotated[
        str | None, typer.Option(metavar="TEXT", rich_help_panel=OWN,
                                 help="What to cite for your images.")
    ] = None,
    source: Annotated[
        str | None, typer.Option(metavar="TEXT", rich_help_panel=OWN,
                                 help="Where your images come from.")
    ] = None,
    archive: Annotated[
        list[Path] | None,
        typer.Option(metavar="PATH", rich_help_panel=PUBLIC,
                     help="Read this zip, or this directory of its files, instead of "
                          "downloading; repeatable."),
    ] = None,
    ignore_official: Annotated[
        bool, typer.Option("--ignore-official", rich_help_panel=PUBLIC,
                           help="Make new splits although there are official ones.")
    ] = False,
    count: Annotated[
        int | None, typer.Option(min=1, rich_help_panel=DRAWN, show_default="1000",
                                 help="How many scenes to draw.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, rich_help_panel=DRAWN, show_default="0",
                                 help="Seed of the scenes.")
    ] = None,
    splits: Annotated[
        Path | None,
        typer.Option(metavar="DIR", file_okay=False, rich_help_panel=SPLITS,
                     help="Directory with train.txt and optionally val.txt, test.txt, "
                          "labeled_seed0.txt and fold0/."),
    ] = None,
    val_share: Annotated[
        float | None, typer.Option(rich_help_panel=SPLITS, show_default="0.1",
                                   help="Share for validation, if no list gives it.")
    ] = None,
    test_share: Annotated[
        float | None,
        typer.Option(rich_help_panel=SPLITS, show_default="0.1; 0 if train.txt is given",
                     help="Share for testing, if no list gives it."),
    ] = None,
    folds: Annotated[
        int | None, typer.Option(rich_help_panel=SPLITS,
                                 help="Also make this many folds for cross-validation.")
    ] = None,
    split_seed: Annotated[
        int | None, typer.Option(min=0, rich_help_panel=SPLITS, show_default="0",
                                 help="Seed of the splits that are made.")
    ] = None,
    groups: Annotated[
        Path | None,
        typer.Option(metavar="CSV", dir_okay=False, rich_help_panel=SPLITS,
                     help="Columns stem,group: patients or videos that stay on one side of every "
                          "split."),
    ] = None,
    drop_leaks: Annotated[
        bool, typer.Option("--drop-leaks", rich_help_panel=SPLITS,
                           help="Leave out training images that show the same as a test or "
                                "validation image.")
    ] = False,
    label_seeds: Annotated[
        int | None,
        typer.Option(metavar="N", rich_help_panel=LABELS, show_default="5; 0 if they are listed",
                     help="Draw labelled subsets for the seeds 0 to N-1."),
    ] = None,
    label_groups: Annotated[
        bool, typer.Option("--label-groups", rich_help_panel=LABELS,
                           help="Label group by group, not image by image.")
    ] = False,
    size: Annotated[
        int | None,
        typer.Option(show_default="320; 128 for synthetic",
                     help="Side of the stored images in pixels, a multiple of 16."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a prepared data set that differs.")
    ] = False,
    data: DataDir = DATA,
    downloads: DownloadsDir = DOWNLOADS,
    quiet: Quiet = False,
    json: Json = False,
    list_known: Annotated[bool, typer.Option("--list", hidden=True)] = False,
) -> None:
    """Prepare a data set: check, resize, audit and split it.

    The result is what recipes train on. The same command again changes nothing.
    """
    if list_known:
        from cclcc_cli.cli.datasets import datasets

        console.note_new_spelling(["cclcc", "datasets"])
        datasets(json)
        return
    if name is None:
        raise DataError("NAME is missing: a data set of cclcc datasets, 'synthetic', or a name "
                        "for your own images")

    from cclcc_cli.data.choose import choose_size, choose_source
    from cclcc_cli.data.cutting import LabelRule
    from cclcc_cli.data.prepare import prepare as prepare_store
    from cclcc_cli.data.split_rule import SplitRule
    from cclcc_cli.data.store import store_path
    from cclcc_cli.data.store_writer import About

    side = choose_size(name, size)
    rule = SplitRule(splits, val_share, test_share, split_seed, folds, ignore_official, groups,
                     drop_leaks, LabelRule(label_seeds, label_groups))
    with console.counting(quiet) as count_up:
        origin = choose_source(
            name, images, masks, archive or [], About(license or "", citation or "", source or ""),
            rule, count=count, seed=seed, downloads=downloads, warn=console.warn,
            progress=lambda file, done, total: count_up(
                f"{console.DOWNLOADING}{file}", done, total),
        )
        done = prepare_store(store_path(data, name, side), origin, rule, force, count_up)
    _show(done, json)


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
    odd = counted(len(store.audit.findings), "odd image or mask", "odd images or masks")
    lines = {
        "store": store.path,
        "images": f"{info.num_images} ({counts}), {info.size}x{info.size} pixels",
        "splits": info.split_rule,
        "foreground": f"{info.foreground_share:.1%} of an image on average",
        "labels": subsets,
        "audit": f"{counted(len(store.audit.pairs), 'pair')} of the same, {odd} "
                 f"(cclcc audit {info.name})",
        "digest": f"{info.digest[:12]} (splits {info.split_digest[:12]})",
        "licence": info.license or "not stated; --license says it",
    }
    for key, value in lines.items():
        console.show(f"{key:<11} {value}")
