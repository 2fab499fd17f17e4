"""Bundles as run folders again: in a temporary folder for one report, or permanently."""

import errno
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from filelock import FileLock, Timeout

from cclcc_cli.config.bundle import LeftOut, Manifest
from cclcc_cli.errors import BundleError
from cclcc_cli.files import disk_problems, sync
from cclcc_cli.runs.bundle import pack_unit, unit_files
from cclcc_cli.runs.bundle_file import unpack_bundle_file
from cclcc_cli.wording import counted, few

_STAGE = ".unbundled"
"""In the runs folder, for files being written: too deep for them to be taken for runs."""


@dataclass(frozen=True)
class OpenBundles:
    """Checked bundles, unpacked together as one runs folder.

    Attributes:
        root: the runs folder, for the time being.
        digests: by bundle, in the order given.
        owners: for each unit (see ``config.bundle.Unit``), the first bundle that holds it.
        notes: what the bundles lack.
    """

    root: Path
    digests: Mapping[Path, str]
    owners: Mapping[str, Path]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Extracted:
    """What was unpacked permanently.

    Attributes:
        written: new units.
        there: units that existed already, with the same content.
    """

    written: tuple[str, ...]
    there: tuple[str, ...]


@contextmanager
def open_bundles(paths: Sequence[Path]) -> Iterator[OpenBundles]:
    """Check bundles and unpack them into a private folder that is removed when the block ends.

    Raises:
        BundleError: one is damaged, or two hold different records of one run.
    """
    with TemporaryDirectory(prefix="cclcc-bundle-") as folder:
        yield _unpack(paths, Path(folder))


def extract(paths: Sequence[Path], runs_root: Path) -> Extracted:
    """Unpack bundles into a runs folder, each run whole or not at all.

    Existing runs are not touched; if one differs, nothing is written.

    Raises:
        BundleError: a bundle is damaged, or an existing run has other records.
        DiskError: the folder cannot be written.
    """
    with disk_problems(runs_root):
        runs_root.mkdir(parents=True, exist_ok=True)
        with _stage(runs_root) as stage:
            bundles = _unpack(paths, stage)
            there = [unit for unit in bundles.owners if (runs_root / unit).exists()]
            differing = [unit for unit in there
                         if pack_unit(runs_root, unit) != pack_unit(bundles.root, unit)]
            if differing:
                raise BundleError(
                    f"{runs_root}: the records of {few(differing)} differ from those in "
                    f"{bundles.owners[differing[0]]}; nothing was written: choose another --runs, "
                    "or remove the runs to be replaced (cclcc rm)")
            written = [unit for unit in bundles.owners if unit not in there]
            for unit in written:
                _move(bundles.root / unit, runs_root / unit)
    return Extracted(tuple(written), tuple(there))


@contextmanager
def _stage(runs_root: Path) -> Iterator[Path]:
    """An empty folder on the same disk; removes what a killed extraction has left there."""
    lock = FileLock(runs_root / f"{_STAGE}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BundleError(f"{runs_root}: another process is unpacking a bundle there; wait for it"
                          ) from None
    stage = runs_root / _STAGE
    try:
        shutil.rmtree(stage, ignore_errors=True)
        stage.mkdir()
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        lock.release()


def _move(source: Path, target: Path) -> None:
    for file in source.iterdir():
        sync(file)
    target.parent.mkdir(exist_ok=True)
    try:
        source.rename(target)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise BundleError(f"{target}: has just been created by another process; stop that "
                              "process and give the same command again") from None
        raise
    sync(target.parent)


def _unpack(paths: Sequence[Path], folder: Path) -> OpenBundles:
    root = folder / "runs"
    root.mkdir()
    digests: dict[Path, str] = {}
    owners: dict[str, Path] = {}
    left_out: dict[Path, list[LeftOut]] = {}
    known: dict[str, dict[str, str]] = {}
    for number, path in enumerate(paths):
        own = folder / f"bundle{number}"
        own.mkdir()
        manifest, digests[path] = unpack_bundle_file(path, own)
        _check_names(path, manifest)
        for unit, files in manifest.units.items():
            if known.setdefault(unit, files) != files:
                raise BundleError(f"{owners[unit]} and {path}: hold different records of {unit}; "
                                  "leave one of them out")
            if unit not in owners:
                owners[unit] = path
                (root / unit).parent.mkdir(exist_ok=True)
                (own / unit).rename(root / unit)
        left_out[path] = manifest.left_out
    notes = [f"{path}: was made without {counted(len(names), 'unfinished run')}: {few(names)}"
             for path, lacking in left_out.items()
             if (names := [f"{run.run} ({run.state})" for run in lacking
                           if run.run not in owners])]
    return OpenBundles(root, digests, owners, tuple(notes))


def _check_names(path: Path, manifest: Manifest) -> None:
    """Accept nothing but what ``cclcc bundle`` writes.

    Raises:
        BundleError: there is another file.
    """
    for unit, files in manifest.units.items():
        strange = sorted(set(files) - set(unit_files(unit)))
        if strange:
            raise BundleError(f"{path}: {unit}/{strange[0]} is not a file that cclcc bundle "
                              "writes; get the bundle again from its source")
