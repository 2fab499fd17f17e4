"""``cclcc prepare``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cclcc_cli.cli import console
from cclcc_cli.cli.options import DATA, DOWNLOADS, DataDir, DownloadsDir, Json, Quiet
from cclcc_cli.errors import DataError
from cclcc_cli.wording import counted

if TYPE_CHECKING:
    from cclcc_cli.data.prepare import Prepared
    from cclcc_cli.data.split_rule import SplitRule

OWN = "Images of your own"
READ = "How files are read"
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
        list[Path] | None,
        typer.Option(metavar="DIR", file_okay=False, rich_help_panel=OWN,
                     help="Directory of images: jpg, png, bmp, tif, gif or webp; repeatable."),
    ] = None,
    masks: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", rich_help_panel=OWN,
                     help="Directory of masks or labelme's files, the same one, or a COCO file; "
                          "repeatable. Several masks of an image are merged."),
    ] = None,
    unlabeled: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", file_okay=False, rich_help_panel=OWN,
                     help="Directory of images without masks, for unlabelled streams; repeatable."),
    ] = None,
    unpaired: Annotated[
        Literal["refuse", "unlabeled"],
        typer.Option(rich_help_panel=OWN,
                     help="What to do with an image that has no mask: refuse it, or keep it "
                          "without.")
    ] = "refuse",
    add_unlabeled: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", file_okay=False, rich_help_panel=OWN,
                     help="Add images without masks to a data set that is prepared; repeatable."),
    ] = None,
    add_labels: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", file_okay=False, rich_help_panel=OWN,
                     help="Add masks for images of a prepared data set that had none; "
                          "repeatable."),
    ] = None,
    pair: Annotated[
        str | None,
        typer.Option(metavar="PATTERN", rich_help_panel=OWN,
                     help="How masks are called, such as '{stem}_manual1'; by default found out."),
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
    foreground: Annotated[
        str | None,
        typer.Option(metavar="VALUES", rich_help_panel=READ, show_default="decided over all masks",
                     help="Mask values of the object, such as 1 or 1,2 or 128-255.")
    ] = None,
    ignore_value: Annotated[
        str | None,
        typer.Option(metavar="VALUES", rich_help_panel=READ,
                     help="Mask values that count in no loss and no score.")
    ] = None,
    invert: Annotated[
        bool, typer.Option("--invert", rich_help_panel=READ,
                           help="Exchange object and background of all masks.")
    ] = False,
    mask_channel: Annotated[
        Literal["grey", "red", "green", "blue", "alpha"] | None,
        typer.Option(rich_help_panel=READ, help="Read this channel of the masks alone.")
    ] = None,
    window: Annotated[
        str | None,
        typer.Option(metavar="LOW,HIGH", rich_help_panel=READ,
                     show_default="0.5 and 99.5 % of all pixels",
                     help="Greys of 16-bit images that become black and white.")
    ] = None,
    exif: Annotated[
        Literal["turn", "keep"] | None,
        typer.Option(rich_help_panel=READ, show_default="decided by the sizes of the masks",
                     help="Turn files as EXIF says, or keep pixels as they are stored.")
    ] = None,
    archive: Annotated[
        list[Path] | None,
        typer.Option(metavar="PATH", rich_help_panel=PUBLIC,
                     help="Read this zip, or this directory of its files, instead of "
                          "downloading; repeatable."),
    ] = None,
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
    ignore_official: Annotated[
        bool, typer.Option("--ignore-official", rich_help_panel=SPLITS,
                           help="Make new splits although there are official ones, or folders "
                                "called train and test.")
    ] = False,
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
    group_names: Annotated[
        bool, typer.Option("--group-names", rich_help_panel=SPLITS,
                           help="Group images whose names differ in their last number alone.")
    ] = False,
    test_only: Annotated[
        bool, typer.Option("--test-only", rich_help_panel=SPLITS,
                           help="All images are for testing, none for training.")
    ] = False,
    train_only: Annotated[
        bool, typer.Option("--train-only", rich_help_panel=SPLITS,
                           help="All images are for training; nothing is validated or tested.")
    ] = False,
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
        datasets(data, json)
        return
    if name is None:
        raise DataError("NAME is missing: a data set of cclcc datasets, 'synthetic', or a name "
                        "for your own images")

    from cclcc_cli.data.choose import choose_size, choose_source
    from cclcc_cli.data.cutting import LabelRule
    from cclcc_cli.data.mask_coding import CodingOptions, parse_values
    from cclcc_cli.data.prepare import prepare as prepare_store
    from cclcc_cli.data.reading import ReadOptions, parse_window
    from cclcc_cli.data.split_rule import SplitRule
    from cclcc_cli.data.store import open_store, store_path
    from cclcc_cli.data.store_writer import About

    side = choose_size(name, size)
    if test_only and train_only:
        raise DataError("--test-only, --train-only: give one of them")
    rule = SplitRule(splits, val_share, test_share, split_seed, folds, ignore_official, groups,
                     drop_leaks, LabelRule(label_seeds, label_groups),
                     "test" if test_only else "train" if train_only else None)
    coding = CodingOptions(
        None if foreground is None else parse_values(foreground, "--foreground"),
        () if ignore_value is None else parse_values(ignore_value, "--ignore-value"), invert)
    options = ReadOptions(coding, mask_channel, None if window is None else parse_window(window),
                          exif)
    if add_unlabeled or add_labels:
        from cclcc_cli.data.extend import Additions, extend

        _refuse_beside(rule, images, masks, archive, unlabeled, count, seed, force)
        added = Additions(tuple(add_unlabeled or ()), tuple(add_labels or ()), options, pair)
        path = open_store(data, name, size).path
        with console.counting(quiet) as count_up:
            done = extend(path, added, drop_leaks, count_up)
        _show(done, json)
        return
    with console.counting(quiet) as count_up:
        origin = choose_source(
            name, images or [], masks or [], archive or [],
            About(license or "", citation or "", source or ""), rule, count=count, seed=seed,
            pattern=pair, options=options, group_names=group_names, downloads=downloads,
            unlabeled=unlabeled or [], keep_unpaired=unpaired == "unlabeled",
            warn=console.warn,
            progress=lambda file, done, total: count_up(
                f"{console.DOWNLOADING}{file}", done, total),
        )
        done = prepare_store(store_path(data, name, side), origin, rule, force, count_up)
    _show(done, json)


def _refuse_beside(rule: "SplitRule", *given: object) -> None:
    """Refuse what makes a data set beside what adds to one."""
    from dataclasses import replace

    from cclcc_cli.data.split_rule import SplitRule

    if any(given) or replace(rule, drop_leaks=False) != SplitRule():
        raise DataError("--add-unlabeled and --add-labels add to a data set as it is prepared: of "
                        "the options that make one, only --pair, --drop-leaks and how files are "
                        "read go with them")


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
    labels = max(map(len, store.splits.label_orders.values()))
    odd = counted(len(store.audit.findings), "odd image or mask", "odd images or masks")
    lines = {
        **(done.imported.lines() if done.imported else {}),
        "store": store.path,
        "images": f"{info.num_images} ({counts}), {info.size}x{info.size} pixels",
        "splits": info.split_rule,
        "foreground": f"{info.foreground_share:.1%} of an image on average",
        "labels": f"{labels} by lists; {subsets}" if store.splits.limited else subsets or "none",
        "audit": f"{counted(len(store.audit.pairs), 'pair')} of the same, {odd} "
                 f"(cclcc audit {info.name})",
        "digest": f"{info.digest[:12]} (splits {info.split_digest[:12]})",
        "licence": info.license or "not stated; --license says it",
    }
    for key, value in lines.items():
        console.show(f"{key:<11} {value}")
