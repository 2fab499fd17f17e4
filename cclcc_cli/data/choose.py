"""From a data set's name, and what is given with it, to where its images come from."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cclcc_cli.config.schema import NAME_PATTERN, POOLING_FACTOR
from cclcc_cli.data.catalog import find_entry
from cclcc_cli.data.fetching.download import Progress, Warn
from cclcc_cli.data.sources import CatalogSource, FolderSource, Source, SyntheticSource
from cclcc_cli.data.split_rule import SplitRule
from cclcc_cli.data.store_writer import About
from cclcc_cli.errors import DataError
from cclcc_cli.files import DOWNLOADS

SYNTHETIC = "synthetic"
NUM_SCENES = 1000
_UNSAID, _USUAL = About(), SplitRule()


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
    images: Path | None = None,
    masks: Path | None = None,
    archives: Sequence[Path] = (),
    about: About = _UNSAID,
    rule: SplitRule = _USUAL,
    *,
    count: int | None = None,
    seed: int | None = None,
    downloads: Path = DOWNLOADS,
    progress: Progress = lambda _name, _done, _total: None,
    warn: Warn = lambda _news: None,
) -> Source:
    """Drawn scenes, a public data set, or a person's own folders.

    Args:
        name: ``synthetic``, a name of the catalogue, or what to call one's own images.
        images, masks: folders of one's own.
        archives: a public data set's files that are here already.
        about: licence, citation and origin, where given.
        rule: how the images are to be split.
        count, seed: of drawn scenes.
        downloads: where a public data set is downloaded to.
        progress, warn: hear about a download.

    Raises:
        DataError: something is missing, or does not apply to what the name stands for.
    """
    given = {"--images": images, "--masks": masks, "--archive": archives,
             "--groups": rule.groups, "--splits": rule.lists,
             "--license": about.license, "--citation": about.citation, "--source": about.source}
    if name == SYNTHETIC:
        _refuse(name, given, "its scenes are drawn, not read")
        return SyntheticSource(NUM_SCENES if count is None else count, seed or 0)
    _refuse(name, {"--count": count, "--seed": seed}, f"only {SYNTHETIC} scenes are drawn")
    entry = find_entry(name)
    if images is None and masks is None and entry is not None:
        return CatalogSource(entry, downloads, tuple(archives), about, progress, warn)
    _refuse(name, {"--archive": archives}, "--images and --masks are given" if entry
            else "only for the public data sets of cclcc datasets")
    if entry is not None:
        about = replace(about, license=about.license or entry.license,
                        citation=about.citation or entry.citation)
    return FolderSource(*_both(name, images, masks), about)


def _refuse(name: str, options: Mapping[str, object], why: str) -> None:
    if given := [option for option, value in options.items() if value]:
        raise DataError(f"{', '.join(given)}: does not apply to {name}: {why}; leave it out")


def _both(name: str, images: Path | None, masks: Path | None) -> tuple[Path, Path]:
    if images is None or masks is None:
        missing = " and ".join(option for option, folder in (("--images", images),
                                                             ("--masks", masks)) if folder is None)
        raise DataError(
            f"{name}: {missing} missing; for example: cclcc prepare {name} "
            f"--images {name}/images --masks {name}/masks (public data sets: "
            f"cclcc datasets; without any data: cclcc prepare {SYNTHETIC})"
        )
    return images, masks
