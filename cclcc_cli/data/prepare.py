"""From a source to a store: checked, resized, audited and split, whole or not at all."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from cclcc_cli.data.audit import Audit, audit_images, leaking_pairs, less_guarded
from cclcc_cli.data.cutting import Item
from cclcc_cli.data.folder import EXTENSIONS
from cclcc_cli.data.groups import frames_note, join_groups, read_groups
from cclcc_cli.data.import_record import (
    ImportRecord,
    describe_options,
    load_import,
    make_import,
)
from cclcc_cli.data.locking import locked
from cclcc_cli.data.pair_reader import Outcome
from cclcc_cli.data.pixel_rows import PixelRows
from cclcc_cli.data.problems import listed_error
from cclcc_cli.data.reading import Reading, ReadOptions, Seen, decide
from cclcc_cli.data.sources import CatalogSource, Intake, Source, open_source
from cclcc_cli.data.split_lists import Given
from cclcc_cli.data.split_rule import SplitRule, settle
from cclcc_cli.data.split_set import SplitSet, drop, make_splits
from cclcc_cli.data.splits import SPLITS, nested_subset
from cclcc_cli.data.store import Store, load_store
from cclcc_cli.data.store_index import IndexRow
from cclcc_cli.data.store_versions import INFO, is_stored
from cclcc_cli.data.store_writer import Contents, Sample, remove_stale, write_store
from cclcc_cli.errors import DataError
from cclcc_cli.wording import counted

Progress = Callable[[str, int, int], None]

_FEW = 8
"""Pairs that are looked at to guess how all are to be read."""


@dataclass(frozen=True)
class Prepared:
    """A store that is ready.

    Attributes:
        store: opened.
        changed: False where it was there before, with the same content and splits.
        labeled: how many labels each of ``Splits.subset_shares`` gives.
        notes: what a user should know about the data, one sentence each.
        imported: what there was and what was decided about it; None for drawn scenes, and in
            stores that are older than the record.
    """

    store: Store
    changed: bool
    labeled: Mapping[float, int]
    notes: tuple[str, ...]
    imported: ImportRecord | None = None


@dataclass(frozen=True)
class _Plan:
    """What will be stored.

    Attributes:
        intake: the open source.
        rule: how to split.
        given: what is settled of the splits.
        groups: stem to group, as known beforehand.
        stems: of the images to store, sorted.
    """

    intake: Intake
    rule: SplitRule
    given: Given
    groups: Mapping[str, str]
    stems: tuple[str, ...]


def prepare(
    path: Path,
    source: Source,
    rule: SplitRule,
    force: bool = False,
    progress: Progress = lambda _what, _done, _total: None,
) -> Prepared:
    """Make the store at ``path`` from a source, whole or not at all.

    The same content again changes nothing. Different content, splits or statements about the
    data are refused, unless ``force`` replaces the store.

    Args:
        path: ``store.store_path(root, name, size)``.
        source: where images and masks come from.
        rule: how they are split.
        force: write even where a store is there.
        progress: called with what is being done, how many are, and how many there are.

    Raises:
        DataError: files or lists that cannot be used, all listed; a store that differs; a disk
            that is too small or cannot be written.
    """
    if not force and (there := _made_before(path, source, rule)):
        return prepared(there, changed=False)
    with open_source(source, int(path.name)) as intake:
        plan = _plan(intake, rule)
        reading = _first_reading(plan) if force or not is_stored(path) else None
        try:
            with hold_place(path), intake.workers() as executor:
                remove_stale(path)
                if is_stored(path) and not force:
                    return prepared(_same_store(path, plan, executor), False, _notes(plan))
                _refuse_foreign(path)
                _check_room(path, len(plan.stems))
                notes = _write(path, plan, reading or _first_reading(plan), executor, progress)
        except OSError as error:
            raise DataError(f"{path}: cannot be written ({error.strerror or error})") from None
    counted = tuple(f"{count} {note}" for note, count in sorted(notes.items()))
    return prepared(load_store(path), True, (*_notes(plan), *counted))


def _write(
    path: Path, plan: _Plan, reading: Reading, executor: Executor, progress: Progress
) -> "Counter[str]":
    """Write the store, read as a few files suggest, and again if all of them say otherwise."""
    while True:
        seen, notes = Seen(), Counter[str]()

        def arrange(rows: Sequence[IndexRow], images: PixelRows, masks: PixelRows) -> Contents:
            audit = audit_images(rows, images, masks, lambda done, total:
                                 progress("pairs compared", done, total),
                                 [row.has_mask for row in rows])
            options = plan.intake.options
            record = None if options is None else make_import(
                options, reading, seen, plan.intake.rules)  # noqa: B023
            return replace(_arrange(plan, rows, audit), imported=record)

        try:
            outcomes = plan.intake.outcomes(plan.stems, executor, reading)
            samples = _collect(outcomes, plan, reading, seen, notes, progress)
            write_store(path, samples, len(plan.stems), plan.intake.about, plan.intake.files,
                        arrange, reading.rule)
        except _ReadAgain as other:
            reading = other.reading
        else:
            return notes


class _ReadAgain(Exception):
    """All files together say that they are to be read in another way."""

    def __init__(self, reading: Reading) -> None:
        super().__init__()
        self.reading = reading


def _first_reading(plan: _Plan) -> Reading:
    """As a few pairs spread over the set suggest, or else all of them.

    Raises:
        DataError: even all of them leave it open; with whatever else is wrong.
    """
    if plan.intake.options is None:
        return Reading()
    labeled = plan.intake.labeled
    few = labeled[::max(1, len(labeled) // _FEW)]
    with plan.intake.workers() as pool:
        reading, _, unclear = _look(plan.intake, few, plan.intake.options, pool)
        if unclear:
            reading, problems, unclear = _look(plan.intake, plan.stems, plan.intake.options, pool)
    if unclear:
        raise listed_error("images and masks", [*problems, *unclear])
    return reading


def _look(
    intake: Intake, stems: Sequence[str], options: ReadOptions, executor: Executor
) -> tuple[Reading, Sequence[str], Sequence[str]]:
    """What pairs say about reading all of them, what is wrong with them, and what is unclear."""
    seen = Seen()
    problems: list[str] = []
    for outcome in intake.outcomes(stems, executor, Reading(channel=options.channel)):
        problems += outcome.problems
        seen.add(outcome.seen or Seen())
    reading, unclear = decide(seen, options)
    # Where files are to be turned, sizes that differ as they lie are no problem.
    return reading, () if reading.turn else problems, unclear


def _made_before(path: Path, source: Source, rule: SplitRule) -> Store | None:
    """The store of a public data set, if it was made from the very files that would be brought.

    Then nothing needs to be downloaded again only to see that nothing has changed.
    """
    if not isinstance(source, CatalogSource) or source.archives or not source.entry.files:
        return None
    if rule != SplitRule() or not is_stored(path):
        return None
    store = load_store(path)
    expected = {file.name: file.sha256 for file in source.entry.files}
    same = store.info.files.keys() == expected.keys() and all(
        expected[name] in (None, digest) for name, digest in store.info.files.items())
    return store if same else None


def _plan(intake: Intake, rule: SplitRule) -> _Plan:
    if intake.problems and intake.options is not None:
        # No store will come of this: say at once what else is wrong.
        with intake.workers() as pool:
            _, problems, unclear = _look(intake, intake.stems, intake.options, pool)
        raise listed_error("images and masks", [*intake.problems, *problems, *unclear])
    given = settle(rule, intake.official, intake.labeled, EXTENSIONS, intake.unlabeled,
                   intake.official_source)
    groups = dict(intake.groups)
    if rule.groups is not None:
        groups |= read_groups(rule.groups, intake.stems, EXTENSIONS)
    listed = given.stems
    stems = tuple(stem for stem in intake.stems
                  if not listed or stem in listed or stem in intake.unlabeled)
    # Whatever can be known to go wrong is told before anything is decoded.
    make_splits(rule, given, [Item(stem, groups.get(stem, stem), 0.0) for stem in stems
                              if stem not in intake.unlabeled])
    return _Plan(intake, rule, given, groups, stems)


def _arrange(plan: _Plan, rows: Sequence[IndexRow], audit: Audit) -> Contents:
    """Groups and splits, now that foreground and duplicates are known."""
    pairs = [(pair.first, pair.second) for pair in audit.pairs]
    groups = join_groups(plan.stems, plan.groups, pairs)
    rows = [replace(row, group=groups[row.stem]) for row in rows]
    items = items_of(rows)
    without = {row.stem for row in rows if not row.has_mask}
    gone = without.intersection(plan.given.dropped)
    splits = make_splits(plan.rule, plan.given, items).each(lambda cut: replace(
        cut, pool=tuple(sorted(without - gone)), dropped=tuple(sorted({*cut.dropped, *gone}))))
    if plan.rule.drop_leaks:
        splits = without_leaks(splits, audit, items, plan.rule)
    return Contents(tuple(rows), splits, audit)


def items_of(rows: Iterable[IndexRow]) -> list[Item]:
    """What a cut sees: images with a mask."""
    return [Item(row.stem, row.group, row.foreground) for row in rows if row.has_mask]


def without_leaks(
    splits: SplitSet, audit: Audit, items: Sequence[Item], rule: SplitRule
) -> SplitSet:
    """The same splits without the training side of pairs that show the same thing."""
    kept = splits.each(lambda cut: drop(cut, less_guarded(audit.pairs, cut), items, rule))
    return replace(kept, rule=f"{splits.rule}; leaks dropped")


def _notes(plan: _Plan) -> tuple[str, ...]:
    notes = list(plan.intake.notes)
    left_out = len(plan.intake.stems) - len(plan.stems)
    if left_out:
        notes.append(f"{left_out} images are in no list and were left out")
    if plan.given.unread:
        notes.append(f"{plan.rule.lists}: not read: {', '.join(plan.given.unread)}")
    if plan.rule.only is not None:
        return tuple(notes)  # what is not there was not asked for
    if plan.given.parts and "test" not in plan.given.parts and not plan.rule.test_share:
        notes.append("there is no test split: no test.txt and no --test-share was given")
    elif not plan.given.parts and plan.rule.test_share == 0:
        notes.append("there is no test split: --test-share is 0")
    return tuple(notes)


def _collect(
    outcomes: Iterator[Outcome], plan: _Plan, reading: Reading, seen: Seen,
    notes: "Counter[str]", progress: Progress,
) -> Iterator[Sample]:
    """Samples until the first problem; then the rest is only checked, and all problems raised.

    What was seen and noted is counted in ``seen`` and ``notes``.

    Raises:
        DataError: of all problems.
        _ReadAgain: all files together say that they are to be read in another way.
    """
    found: list[str] = []
    for done, outcome in enumerate(outcomes, start=1):
        found += outcome.problems
        notes.update(outcome.notes)
        seen.add(outcome.seen or Seen())
        if outcome.sample is not None and not found:
            yield outcome.sample
        progress("images", done, len(plan.stems))
    if plan.intake.options is not None:
        decided, unclear = decide(seen, plan.intake.options)
        if decided != reading and not unclear:
            raise _ReadAgain(decided)
        found += unclear
    if found:
        raise listed_error("images and masks", found)


def _same_store(path: Path, plan: _Plan, executor: Executor) -> Store:
    """The store that is there, if it holds what the plan would write.

    Raises:
        DataError: it differs, or is damaged.
    """
    store = load_store(path)
    old = {row.stem: (row.image_sha256, row.mask_sha256) for row in store.rows}
    if plan.intake.files and plan.intake.files == store.info.files and {*plan.stems} == {*old}:
        new = old  # the very same archives
    else:
        new = dict(zip(plan.stems, plan.intake.hashes(plan.stems, executor), strict=True))
    counts = {
        "added": len(new.keys() - old.keys()),
        "removed": len(old.keys() - new.keys()),
        "changed": sum(old[stem] != new[stem] for stem in old.keys() & new.keys()),
    }
    differs = [f"{counted(count, 'image')} {what}" for what, count in counts.items() if count]
    if new.keys() != old.keys() or not _same_splits(store, plan):
        differs.append("other splits")
    # An option that was not given says nothing about what is stored.
    differs += [f"another {key}" for key, value in asdict(plan.intake.about).items()
                if value and value != getattr(store.info, key)]
    record = load_import(store.path)
    if plan.intake.options is not None and (
            record.options if record else {}) != describe_options(plan.intake.options):
        differs.append("read in another way")
    if differs:
        raise DataError(f"{path}: a store is there and differs: {', '.join(differs)}; "
                        f"--force replaces it, or take another name")
    return store


def _same_splits(store: Store, plan: _Plan) -> bool:
    new = _arrange(plan, store.rows, store.audit).splits
    return [cut.digest() for cut in new.all] == [
        store.info.split_digest, *store.info.fold_digests]


def _check_room(path: Path, num_images: int) -> None:
    """Refuse to begin what the disk cannot hold: RGB and mask, and a tenth for the rest."""
    needed = int(num_images * int(path.name) ** 2 * 4 * 1.1)
    free = shutil.disk_usage(path.parent).free
    if needed > free:
        raise DataError(f"{path}: the store needs {needed / 1e9:.1f} GB, the disk has "
                        f"{free / 1e9:.1f} GB left; make room, or give --data another place")


def _refuse_foreign(path: Path) -> None:
    """Never replace a folder that this program did not make."""
    if path.exists() and not (path / INFO).is_file():
        raise DataError(f"{path}: is not a store (it has no dataset.json) and is left alone; "
                        f"move it away")


def prepared(store: Store, changed: bool, notes: tuple[str, ...] = ()) -> Prepared:
    """What is known of a store that is ready; its content is checked unless it was just written.

    Raises:
        DataError: a file of it was changed after it was made.
    """
    if not changed:
        store.check_content()
    splits, seed = store.splits, min(store.splits.label_orders)
    labeled = {share: len(nested_subset(splits, share, seed)) for share in splits.subset_shares}
    imported = load_import(store.path)
    fault = (imported.fault,) if imported and imported.fault else ()
    if pool := splits.pool:
        notes += (f"{counted(len(pool), 'image')} without a mask: recipes draw from them with "
                  f"data.unlabeled=pool or rest+pool",)
    notes += tuple(_empty_notes(store))
    return Prepared(store, changed, labeled, (*notes, *fault, *_leak_notes(store)), imported)


def _leak_notes(store: Store) -> Iterator[str]:
    counts = Counter(
        " and ".join(sorted(sides)) for _, sides in leaking_pairs(store.audit.pairs, store.splits))
    if counts:
        where = ", ".join(f"{count} across {sides}" for sides, count in sorted(counts.items()))
        yield (f"pairs of copies, or probably of one scene, lie on two sides of the split: "
               f"{where}, which inflates scores (cclcc audit {store.info.name} shows them, "
               f"--drop-leaks drops the training side)")
    if store.given_groups is None:
        pairs = [(pair.first, pair.second) for pair in store.audit.pairs]
        if note := frames_note([row.stem for row in store.rows], pairs):
            yield note
    shift = store.audit.common_shift
    if shift is not None:
        yield "all masks together lie shifted against the images; see cclcc audit"
    for found in store.audit.in_common:
        yield f"{found.what}: {found.count} of {found.of}; {found.detail}"


def _empty_notes(store: Store) -> Iterator[str]:
    """Splits in which some or all masks are empty: scores on these say little."""
    empty = {row.stem for row in store.rows if row.has_mask and row.foreground == 0}
    counts = {name: len(empty.intersection(getattr(store.splits, name))) for name in SPLITS}
    if any(counts.values()):
        told = ", ".join(f"{count} of {len(getattr(store.splits, name))} in {name}"
                         for name, count in counts.items() if count)
        yield f"masks without any object: {told}; predicting nothing scores Dice 1 there"
    if store.splits.val and counts["val"] == len(store.splits.val):
        yield ("the validation split has no object in any mask: it cannot choose a checkpoint; "
               "give another --split-seed, or lists with --splits")


@contextmanager
def hold_place(path: Path) -> Iterator[None]:
    """Hold the store's place for this process, and leave no trace of that."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with locked(path, f"{path}: another process is preparing this store; wait for it or "
                          f"stop it"):
            yield
    finally:
        with suppress(OSError):
            path.parent.rmdir()  # only succeeds where nothing was written
