"""Adding to a prepared data set: images without masks, and masks for images that had none.

The result is a new version of the store. Validation and test splits stay what they are: what is
added trains.
"""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from cclcc_cli.data.audit import Audit, audit_images
from cclcc_cli.data.cutting import LabelRule, build_splits
from cclcc_cli.data.folder import PairFiles, scan_labels, scan_unlabeled
from cclcc_cli.data.groups import join_groups
from cclcc_cli.data.image_file import decode_mask, read_bytes
from cclcc_cli.data.import_record import load_import
from cclcc_cli.data.pair_reader import Outcome, read_masks, read_pair
from cclcc_cli.data.pixel_rows import PixelRows
from cclcc_cli.data.prepare import (
    Prepared,
    Progress,
    hold_place,
    items_of,
    prepared,
    without_leaks,
)
from cclcc_cli.data.problems import listed_error
from cclcc_cli.data.reading import Reading, ReadOptions, Seen, decide
from cclcc_cli.data.sources import DECODING_BYTES
from cclcc_cli.data.split_rule import SplitRule
from cclcc_cli.data.split_set import SplitSet
from cclcc_cli.data.splits import Splits
from cclcc_cli.data.store import Store, load_store
from cclcc_cli.data.store_index import IndexRow
from cclcc_cli.data.store_versions import size_of
from cclcc_cli.data.store_writer import (
    About,
    Contents,
    Sample,
    remove_stale,
    with_mask,
    write_store,
)
from cclcc_cli.data.workers import MemoryBudget, in_order, thread_workers
from cclcc_cli.errors import DataError
from cclcc_cli.wording import counted


@dataclass(frozen=True)
class Additions:
    """What is to be added.

    Attributes:
        unlabeled: folders of images without masks.
        labels: folders of masks for images that have none.
        options: how files are to be read; as the store's were.
        pattern: how masks are called; see ``pairing.pair_names``.
    """

    unlabeled: tuple[Path, ...] = ()
    labels: tuple[Path, ...] = ()
    options: ReadOptions = field(default_factory=ReadOptions)
    pattern: str | None = None


def extend(
    path: Path, added: Additions, drop_leaks: bool = False,
    progress: Progress = lambda _what, _done, _total: None,
) -> Prepared:
    """Write a version of a store with more images or masks in it.

    Args:
        path: of the store.
        added: what to add.
        drop_leaks: leave out what shows the same as a test or validation image.
        progress: called with what is being done, how many are, and how many there are.

    Raises:
        DataError: there is no such store or it was changed; files cannot be used, all listed; or
            names or masks do not fit what is there.
    """
    place = path.with_name(size_of(path))
    try:
        with hold_place(place):
            remove_stale(place)
            changes = _write(place, added, drop_leaks, progress)
            remove_stale(place)  # the former version, which nobody reads any more
    except OSError as error:
        raise DataError(f"{place}: cannot be written ({error.strerror or error})") from None
    return prepared(load_store(place), True, changes)


def _write(
    place: Path, added: Additions, drop_leaks: bool, progress: Progress
) -> tuple[str, ...]:
    """Write the new version; what it has that the one before had not."""
    store = load_store(place)
    store.check_content()
    samples, count = _read(store, added)

    def arrange(rows: Sequence[IndexRow], images: PixelRows, masks: PixelRows) -> Contents:
        audit = audit_images(rows, images, masks, lambda done, total:
                             progress("pairs compared", done, total),
                             [row.has_mask for row in rows])
        return _arrange(store, rows, audit, drop_leaks)

    info = store.info
    write_store(place, samples, count, About(info.license, info.citation, info.source),
                info.files, arrange, info.coding)
    return tuple(_changes(store, load_store(place)))


def _read(store: Store, added: Additions) -> tuple[Iterator[Sample], int]:
    """All samples of the new version, sorted by stem, and how many they are."""
    images = scan_unlabeled(added.unlabeled)[0] if added.unlabeled else ()
    there = {row.stem for row in store.rows}
    twice = [f"{image.image}: {store.info.name} has an image called {image.stem} already; rename it"
             for image in images if image.stem in there]
    pool = [row.stem for row in store.rows if not row.has_mask]
    masks = scan_labels(added.labels, pool, added.pattern) if added.labels else {}
    reading = _reading(store, added.options, [path for paths in masks.values() for path in paths])
    if twice:
        raise listed_error("images without masks", twice)
    return _samples(store, images, masks, reading), len(there) + len(images)


def _reading(store: Store, options: ReadOptions, masks: Sequence[Path]) -> Reading:
    """How files are read: images as the store's were, and masks by what they say.

    Raises:
        DataError: the store's masks were read in another way.
    """
    record = load_import(store.path)
    window = None if record is None or record.window is None else (
        record.window[0], record.window[1])
    coding = Reading().coding
    if masks:
        seen = Seen()
        for path in masks:
            seen.add_mask(decode_mask(read_bytes(path), path, options.channel))
        decided, unclear = decide(seen, replace(options, window=None, exif=None))
        if unclear:
            raise listed_error("masks", unclear)
        coding = decided.coding
    reading = Reading(coding, options.channel, window, record is not None and record.turned)
    if masks and any(row.has_mask for row in store.rows) and reading.rule != store.info.coding:
        usual = "by the usual rule"
        raise DataError(f"{store.path}: its masks were read {store.info.coding or usual}, these "
                        f"would be read {reading.rule or usual}; say --foreground, "
                        f"--ignore-value, --invert and --mask-channel as when it was prepared")
    return reading


def _samples(
    store: Store, images: Sequence[PairFiles], masks: Mapping[str, tuple[Path, ...]],
    reading: Reading,
) -> Iterator[Sample]:
    """What is there, with the masks that it gets, and what comes new; all problems are raised."""
    problems: list[str] = []
    memory = MemoryBudget(DECODING_BYTES)
    read = partial(read_pair, size=store.info.size, memory=memory, reading=reading)
    with thread_workers() as pool:
        new = zip((image.stem for image in images), in_order(pool, read, images), strict=True)
        old = ((row.stem, _stored(store, position, masks.get(row.stem, ()), reading))
               for position, row in enumerate(store.rows))
        for stem, outcome in heapq.merge(old, new, key=lambda found: found[0]):
            problems += outcome.problems
            if outcome.sample is None and not outcome.problems:
                problems.append(f"{stem}: has 16 bits per channel, other images of "
                                f"{store.info.name} have 8; convert it")
            elif outcome.sample is not None and not problems:
                yield outcome.sample
    if problems:
        raise listed_error("images and masks", problems)


def _stored(
    store: Store, position: int, masks: Sequence[Path], reading: Reading
) -> Outcome:
    """An image of the store as it is, or with the mask that it gets."""
    row = store.rows[position]
    sample = Sample(row, np.asarray(store.images[position]), np.asarray(store.masks[position]),
                    store.original_png(position))
    if not masks:
        return Outcome(sample)
    mask, digest, problems = read_masks(masks, (row.height, row.width), reading)
    return Outcome(None if mask is None else with_mask(sample, mask, digest), problems)


def _arrange(
    store: Store, rows: Sequence[IndexRow], audit: Audit, drop_leaks: bool
) -> Contents:
    """The splits that there are, and what is new among the training images or without a mask."""
    groups = join_groups([row.stem for row in rows], store.given_groups or {},
                         [(pair.first, pair.second) for pair in audit.pairs])
    rows = [replace(row, group=groups[row.stem]) for row in rows]
    without = {row.stem for row in store.rows if not row.has_mask}
    labeled = [item for item in items_of(rows) if item.stem in without]
    known = {row.stem for row in store.rows}
    new = [row.stem for row in rows if row.stem not in known]

    def grown(cut: Splits) -> Splits:
        here = [item for item in labeled if item.stem in cut.pool]
        drawn = build_splits(here, {"train": [item.stem for item in here]},
                             LabelRule(max(cut.label_orders) + 1)).label_orders
        train = {item.stem for item in here}
        return replace(
            cut, train=tuple(sorted({*cut.train, *train})),
            pool=tuple(sorted({*cut.pool, *new} - train)),
            label_orders={seed: (*order, *drawn[seed])
                          for seed, order in cut.label_orders.items()})

    added = [f"{counted(len(stems), 'image')} {how}" for stems, how in (
        (new, "without a mask added"), (labeled, "given a mask")) if stems]
    splits = SplitSet(store.splits, store.folds,
                      "; ".join([store.info.split_rule, *added])).each(grown)
    if drop_leaks:
        splits = without_leaks(splits, audit, items_of(rows), SplitRule())
    return Contents(tuple(rows), splits, audit, load_import(store.path))


def _changes(old: Store, new: Store) -> Iterator[str]:
    """What another version has that the one before had not."""
    masks = [sum(row.has_mask for row in store.rows) for store in (old, new)]
    yield (f"{counted(len(new.rows) - len(old.rows), 'image')} and "
           f"{counted(masks[1] - masks[0], 'mask')} added: digest {old.info.digest[:12]} became "
           f"{new.info.digest[:12]}; runs on the former version are other runs")
