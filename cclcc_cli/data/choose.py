"""From a data set's name, and what is given with it, to where its images come from."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cclcc_cli.config.schema import NAME_PATTERN, POOLING_FACTOR
from cclcc_cli.data.catalog import find_entry
from cclcc_cli.data.fetching.download import Progress, Warn
from cclcc_cli.data.import_record import describe_options
from cclcc_cli.data.reading import ReadOptions
from cclcc_cli.data.sources import CatalogSource, FolderSource, Source, SyntheticSource
from cclcc_cli.data.split_rule import SplitRule
from cclcc_cli.data.store_writer import About
from cclcc_cli.errors import DataError
from cclcc_cli.files import DOWNLOADS

SYNTHETIC = "synthetic"
NUM_SCENES = 1000
_UNSAID, _USUAL, _DECIDED = About(), SplitRule(), ReadOptions()


def choose_size(name: str, size: int | None) -> int:
    """The side of the stored images in pixels: what is asked for, or the usual one.

    Raises:
        DataError: no recipe could use such a name or size.
    """
    if not re.fullmatch(NAME_PATTERN, name):
        raise DataError(f"{name!r} cannot be a name: use up to 64 letters, digits, '.', '_' "
                        f"and '-', starting with a letter or digit")
    side = (128 if name == SYNTHETIC else 320) if size is None else size
    if side < POOLING_FACTOR or side % POOLING_FACTOR:
        below = max(side // POOLING_FACTOR, 1) * POOLING_FACTOR
        raise DataError(f"--size {side}: must be a multiple of {POOLING_FACTOR}, such as "
                        f"{below} or {below + POOLING_FACTOR}")
    return side


def choose_source(
    name: str,
    images: Sequence[Path] = (),
    masks: Sequence[Path] = (),
    archives: Sequence[Path] = (),
    about: About = _UNSAID,
    rule: SplitRule = _USUAL,
    *,
    count: int | None = None,
    seed: int | None = None,
    pattern: str | None = None,
    options: ReadOptions = _DECIDED,
    group_names: bool = False,
    unlabeled: Sequence[Path] = (),
    keep_unpaired: bool = False,
    downloads: Path = DOWNLOADS,
    progress: Progress = lambda _name, _done, _total: None,
    warn: Warn = lambda _news: None,
) -> Source:
    """Drawn scenes, a public data set, or a person's own folders.

    Args:
        name: ``synthetic``, a name of the catalogue, or what to call one's own images.
        images, masks: folders of one's own, one or several of each.
        archives: a public data set's files that are here already.
        about: licence, citation and origin, where given.
        rule: how the images are to be split.
        count, seed: of drawn scenes.
        pattern: how masks are called; see ``pairing.pair_names``.
        options: how files are to be read.
        group_names: take groups from the names of one's own images.
        unlabeled: folders of images without masks.
        keep_unpaired: keep one's own images that have no mask without one.
        downloads: where a public data set is downloaded to.
        progress, warn: hear about a download.

    Raises:
        DataError: something is missing, or does not apply to what the name stands for.
    """
    given = {"--images": images, "--masks": masks, "--archive": archives,
             "--groups": rule.groups, "--splits": rule.lists,
             "--unlabeled": unlabeled, "--unpaired unlabeled": keep_unpaired,
             "--license": about.license, "--citation": about.citation, "--source": about.source}
    if name == SYNTHETIC:
        _refuse(name, {**given, "--pair": pattern, "--group-names": group_names,
                       **describe_options(options)}, "its scenes are drawn, not read")
        return SyntheticSource(NUM_SCENES if count is None else count, seed or 0)
    _refuse(name, {"--count": count, "--seed": seed}, f"only {SYNTHETIC} scenes are drawn")
    entry = find_entry(name)
    if not images and not masks and entry is not None:
        _refuse(name, {"--pair": pattern, "--group-names": group_names,
                       "--unpaired unlabeled": keep_unpaired},
                "it is read as its authors lay it out")
        _refuse(name, {"--unlabeled": unlabeled}, f"add them to the prepared data set with: cclcc "
                f"prepare {name} --add-unlabeled DIR")
        return CatalogSource(entry, downloads, tuple(archives), about, progress, warn, options)
    _refuse(name, {"--archive": archives}, "--images and --masks are given" if entry
            else "only for the public data sets of cclcc datasets")
    if entry is not None:
        about = replace(about, license=about.license or entry.license,
                        citation=about.citation or entry.citation)
    if group_names and rule.groups:
        raise DataError("--group-names: does not apply: --groups is given; leave one out")
    _check_both(name, images, masks)
    return FolderSource(tuple(images), tuple(masks), about, pattern, options, entry, group_names,
                        tuple(unlabeled), keep_unpaired)


def _refuse(name: str, options: Mapping[str, object], why: str) -> None:
    if given := [option for option, value in options.items() if value]:
        raise DataError(f"{', '.join(given)}: does not apply to {name}: {why}; leave it out")


def _check_both(name: str, images: Sequence[Path], masks: Sequence[Path]) -> None:
    missing = " and ".join(option for option, folders in (("--images", images), ("--masks", masks))
                           if not folders)
    if missing:
        raise DataError(
            f"{name}: {missing} missing; for example: cclcc prepare {name} "
            f"--images {name}/images --masks {name}/masks (public data sets: "
            f"cclcc datasets; without any data: cclcc prepare {SYNTHETIC})"
        )
