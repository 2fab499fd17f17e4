"""Where images come from: two folders, a public data set, or nothing but a seed."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import assert_never

from cclcc_cli.data.archive import open_members
from cclcc_cli.data.catalog import CatalogEntry
from cclcc_cli.data.fetching.download import Progress as FetchProgress
from cclcc_cli.data.fetching.download import Warn
from cclcc_cli.data.fetching.fetch import fetch
from cclcc_cli.data.folder import Folders, PairFiles, scan_folders, scan_unlabeled
from cclcc_cli.data.groups import groups_by_name
from cclcc_cli.data.image_file import file_sha256
from cclcc_cli.data.layout import find_pairs
from cclcc_cli.data.members import DEFAULT_LIMITS, Limits
from cclcc_cli.data.pair_reader import Outcome, pair_hashes, read_pair
from cclcc_cli.data.reading import Reading, ReadOptions
from cclcc_cli.data.store_writer import About, Pair, fit_pair
from cclcc_cli.data.synthetic import synthetic_scene
from cclcc_cli.data.workers import MemoryBudget, in_order, process_workers, thread_workers
from cclcc_cli.errors import DataError

DECODING_BYTES = 640_000_000
"""What all decoding threads together may hold, so that the whole stays below 1 GiB."""


@dataclass(frozen=True)
class FolderSource:
    """Folders of images and of their masks, and what the user says about them.

    Attributes:
        images, masks: where they lie.
        about: their origin.
        pattern: how masks are called; see ``pairing.pair_names``.
        options: how files are to be read.
        known: the public data set that they are, whose groups they keep.
        group_names: images whose names differ in their last number alone are one group.
        unlabeled: folders of images without masks.
        keep_unpaired: images that have no mask are kept without one.
    """

    images: Folders
    masks: Folders
    about: About
    pattern: str | None = None
    options: ReadOptions = field(default_factory=ReadOptions)
    known: CatalogEntry | None = None
    group_names: bool = False
    unlabeled: Folders = ()
    keep_unpaired: bool = False


@dataclass(frozen=True)
class CatalogSource:
    """A public data set, downloaded, or in archives or folders that are there.

    Attributes:
        entry: of the catalogue.
        downloads: folder for its files.
        archives: where a person has them already; empty to download.
        about: what the user says; the entry fills what is empty.
        progress, warn: hear about a download.
        options: how files are to be read.
    """

    entry: CatalogEntry
    downloads: Path
    archives: tuple[Path, ...] = ()
    about: About = field(default_factory=About)
    progress: FetchProgress = lambda _name, _done, _total: None
    warn: Warn = lambda _news: None
    options: ReadOptions = field(default_factory=ReadOptions)


@dataclass(frozen=True)
class SyntheticSource:
    """So many scenes of ``synthetic_scene``, drawn at the store's size."""

    count: int
    seed: int


Source = FolderSource | CatalogSource | SyntheticSource


@dataclass(frozen=True)
class Intake:
    """What a source offers, while it is open.

    Attributes:
        stems: of all pairs, sorted.
        about: what is known of the data set.
        hashes: computes the hashes of the given stems' images and masks.
        outcomes: computes the given stems' samples, read in the given way.
        options: how the user wants files to be read; None where no files are.
        rules: how images and masks were found to belong together, to how many masks by it.
        workers: makes the executor that both need.
        official: split to stems as the authors have it, or folders; empty where they have none.
        official_source: what that split is called.
        groups: stem to group, as known beforehand.
        files: archive to SHA-256.
        notes: what a user should know, one sentence each.
        problems: files that cannot be used, one line each; nothing may be stored then.
        unlabeled: stems of images without a mask.
    """

    stems: tuple[str, ...]
    about: About
    hashes: Callable[[Sequence[str], Executor], Iterator[tuple[str, str]]]
    outcomes: Callable[[Sequence[str], Executor, Reading], Iterator[Outcome]]
    options: ReadOptions | None = None
    rules: Mapping[str, int] = field(default_factory=dict)
    workers: Callable[[], Executor] = thread_workers
    official: Mapping[str, Sequence[str]] = field(default_factory=dict)
    official_source: str = "the official split"
    groups: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    unlabeled: frozenset[str] = frozenset()

    @property
    def labeled(self) -> tuple[str, ...]:
        """Stems of the images with a mask, sorted."""
        return tuple(stem for stem in self.stems if stem not in self.unlabeled)


@contextmanager
def open_source(source: Source, size: int) -> Iterator[Intake]:
    """See what a source holds; samples can be made until the context ends.

    Args:
        source: which.
        size: side of the samples in pixels.

    Raises:
        DataError: it cannot be had or read, or is not what it should be.
    """
    match source:
        case FolderSource():
            yield _open_folders(source, size)
        case CatalogSource():
            with ExitStack() as stack:
                yield _open_catalog(source, size, stack)
        case SyntheticSource():
            yield _open_synthetic(source, size)
        case never:
            assert_never(never)


def _open_folders(source: FolderSource, size: int) -> Intake:
    scan = scan_folders(source.images, source.masks, source.pattern, source.keep_unpaired)
    if len(scan.labels) > 1 and source.options.coding.foreground is None:
        named = ", ".join(f"{number} = {label}" for number, label in enumerate(scan.labels, 1))
        raise DataError(f"the shapes have several labels: {named}; say which are the object, such "
                        f"as --foreground 1 or --foreground 1,2")
    alone, unread = scan_unlabeled(source.unlabeled) if source.unlabeled else ((), ())
    stems = [pair.stem for pair in (*scan.pairs, *alone)]
    twice = tuple(f"{pair.image}: another image is called {pair.stem} too; rename one of them"
                  for pair in alone if pair.stem in scan.image_stems)
    groups = _known_groups(source.known, stems) if source.known else {}
    if source.group_names:
        groups = groups_by_name(stems)
    notes = _ignored_note((*scan.ignored, *unread))
    merged = sum(bool(pair.more_masks) for pair in scan.pairs)
    if merged:
        notes += (f"{merged} of {len(stems)} images have several masks, which were merged: the "
                  f"object is where any of them has it",)
    if source.known and source.known.groups:
        notes += (f"{len(groups)} of {len(stems)} images are in a group of {source.known.name}, by "
                  f"their names",)
    intake = _from_pairs(
        (*scan.pairs, *alone), size, about=source.about, notes=notes,
        problems=(*scan.problems, *twice),
        official=scan.splits, groups=groups, options=source.options, rules=scan.rules,
    )
    return replace(intake, official_source="as the folders are called")


def _known_groups(entry: CatalogEntry, stems: Iterable[str]) -> dict[str, str]:
    """Groups of the data set's images; a copy may have other zeros before its numbers."""
    of_name = {stem: entry.groups.get(stem) or entry.groups.get(stem.lstrip("0"))
               for stem in stems}
    return {stem: group for stem, group in of_name.items() if group is not None}


def _open_catalog(source: CatalogSource, size: int, stack: ExitStack) -> Intake:
    entry = source.entry
    files, notes = _provided(source) if source.archives else _downloaded(source)
    limits = _limits(entry)
    roots = [stack.enter_context(open_members(path, limits=limits)) for path in files]
    found = find_pairs(entry, roots)
    official: defaultdict[str, list[str]] = defaultdict(list)
    for pair in found.pairs:
        if pair.split is not None:
            official[pair.split].append(pair.stem)
    about = About(
        source.about.license or f"{entry.license} ({entry.license_url})",
        source.about.citation or entry.citation,
        source.about.source or f"{entry.name} as its authors published it",
    )
    return _from_pairs(
        [PairFiles(pair.stem, pair.image, pair.mask) for pair in found.pairs], size,
        about=about, official=dict(official), groups=entry.groups,
        files={path.name: digest for path, digest in files.items() if digest},
        notes=(*notes, *_ignored_note(found.ignored)), options=source.options,
    )


def _limits(entry: CatalogEntry) -> Limits:
    """What the entry's archives may hold: some files beside each pair, and no bomb's size."""
    return Limits(
        members=100 + 10 * entry.num_pairs,
        total_bytes=20 * (entry.download_bytes or 0) or DEFAULT_LIMITS.total_bytes,
    )


def _downloaded(source: CatalogSource) -> tuple[dict[Path, str], tuple[str, ...]]:
    """Each file of the entry, brought and verified, with its SHA-256; and what to know of it."""
    entry = source.entry
    if not entry.files:
        raise DataError(f"{entry.name}: cannot be downloaded without a person: {entry.by_hand} "
                        f"with --archive")
    paths, notes = {}, []
    for number, file in enumerate(entry.files, start=1):
        later = [other.num_bytes or other.about_bytes or 0 for other in entry.files[number:]
                 if not (source.downloads / other.name).exists()]
        done = fetch(file, source.downloads, progress=source.progress, warn=source.warn,
                     reserve_bytes=sum(later))
        paths[done.path] = done.content.sha256
        if done.compared_with == "nothing":
            notes.append(f"{done.path.name}: no checksum of it is known; that of this copy was "
                         f"recorded, and later ones must equal it")
    return paths, tuple(notes)


def _provided(source: CatalogSource) -> tuple[dict[Path, str], tuple[str, ...]]:
    """Archives and folders that a person has, archives with their SHA-256."""
    known = {file.sha256: file.name for file in source.entry.files}
    paths: dict[Path, str] = {}
    notes = []
    for path in source.archives:
        paths[path] = file_sha256(path) if path.is_file() else ""
        if path.is_file() and None not in known and paths[path] not in known:
            notes.append(f"{path.name}: is not the authors' own file (SHA-256 "
                         f"{paths[path][:12]}...); only its content was checked")
    return paths, tuple(notes)


def _from_pairs(
    pairs: Sequence[PairFiles], size: int, *, about: About, notes: tuple[str, ...],
    options: ReadOptions, problems: tuple[str, ...] = (),
    official: Mapping[str, Sequence[str]] | None = None,
    groups: Mapping[str, str] | None = None, files: Mapping[str, str] | None = None,
    rules: Mapping[str, int] | None = None,
) -> Intake:
    of_stem = {pair.stem: pair for pair in pairs}
    memory = MemoryBudget(DECODING_BYTES)

    def chosen(stems: Iterable[str]) -> list[PairFiles]:
        return [of_stem[stem] for stem in stems]

    return Intake(
        tuple(sorted(of_stem)), about,
        hashes=lambda stems, pool: in_order(pool, pair_hashes, chosen(stems)),
        outcomes=lambda stems, pool, reading: in_order(
            pool, partial(read_pair, size=size, memory=memory, reading=reading), chosen(stems)),
        options=options, rules=rules or {}, official=official or {}, groups=groups or {},
        files=files or {}, notes=notes, problems=problems,
        unlabeled=frozenset(pair.stem for pair in pairs if pair.mask is None),
    )


def _open_synthetic(source: SyntheticSource, size: int) -> Intake:
    stems = tuple(f"synthetic_{index:06d}" for index in range(source.count))
    hashes = partial(_scene_hashes, seed=source.seed, size=size)
    draw = partial(_draw, seed=source.seed, size=size)
    return Intake(
        stems,
        About("Apache-2.0, as cclcc itself", "",
              f"drawn by cclcc: {source.count} scenes of seed {source.seed}"),
        hashes=lambda stems, pool: in_order(pool, hashes, stems),
        outcomes=lambda stems, pool, _reading: in_order(pool, draw, stems),
        # Drawing holds the interpreter's lock most of the time: processes, not threads.
        workers=process_workers,
    )


def _ignored_note(ignored: Sequence[str]) -> tuple[str, ...]:
    if not ignored:
        return ()
    shown = ", ".join(ignored[:5]) + (" ..." if len(ignored) > 5 else "")
    return (f"not read ({len(ignored)}): {shown}",)


def _scene(stem: str, seed: int, size: int) -> Pair:
    image, mask = synthetic_scene(seed, int(stem.rpartition("_")[2]), size)
    return Pair(stem, image, mask, hashlib.sha256(image.tobytes()).hexdigest(),
                hashlib.sha256(mask.tobytes()).hexdigest())


def _scene_hashes(stem: str, seed: int, size: int) -> tuple[str, str]:
    pair = _scene(stem, seed, size)
    return pair.image_sha256, pair.mask_sha256


def _draw(stem: str, seed: int, size: int) -> Outcome:
    return Outcome(fit_pair(_scene(stem, seed, size), size))
