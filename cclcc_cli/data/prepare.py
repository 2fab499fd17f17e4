"""From folders, or from nothing but a seed, to a store: checked, resized and split."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout

from cclcc_cli.data.folder import EXTENSIONS, PairFiles, check_pair, scan_folders
from cclcc_cli.data.image_file import file_sha256
from cclcc_cli.data.problems import listed_error
from cclcc_cli.data.split_lists import SplitRule, make_splits
from cclcc_cli.data.splits import Splits, num_labeled
from cclcc_cli.data.store import StoreInfo, load_store
from cclcc_cli.data.store_writer import About, Pair, Sample, fit_pair, remove_stale, write_store
from cclcc_cli.data.synthetic import synthetic_scene
from cclcc_cli.data.workers import in_order, process_workers, thread_workers
from cclcc_cli.errors import DataError

SUBSET_SHARES = (0.05, 0.1, 0.2, 0.5)
"""Labelled shares whose sizes a summary shows."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class FolderSource:
    """A folder of images and a folder of their masks, and what the user says about them."""

    images: Path
    masks: Path
    about: About


@dataclass(frozen=True)
class SyntheticSource:
    """So many scenes of ``synthetic_scene``, drawn at the store's size."""

    count: int
    seed: int


@dataclass(frozen=True)
class Prepared:
    """A store that is ready.

    Attributes:
        path: its folder.
        info: what it is.
        changed: False where it was there before, with the same content and splits.
        labeled: how many labels each of SUBSET_SHARES gives.
        notes: what a user should know about the files, one sentence each.
    """

    path: Path
    info: StoreInfo
    changed: bool
    labeled: Mapping[float, int]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Outcome:
    """One task's sample, or its problems; picklable."""

    sample: Sample | None
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Plan:
    """What will be stored.

    Attributes:
        hashes: computes each stem's hashes, of its image and its mask.
        outcomes: computes each stem's sample.
        workers: makes the executor that both need.
    """

    splits: Splits
    about: About
    notes: tuple[str, ...]
    stems: tuple[str, ...]
    hashes: Callable[[Executor], Iterator[tuple[str, str]]]
    outcomes: Callable[[Executor], Iterator[_Outcome]]
    workers: Callable[[], Executor]


def prepare(
    path: Path,
    source: FolderSource | SyntheticSource,
    rule: SplitRule,
    force: bool = False,
    progress: Progress = lambda _done, _total: None,
) -> Prepared:
    """Make the store at ``path`` from a source, whole or not at all.

    The same content again changes nothing. Different content, splits or statements about the
    data are refused, unless ``force`` replaces the store.

    Args:
        path: ``store.store_path(root, name, size)``.
        source: where images and masks come from.
        rule: how they are split.
        force: write even where a store is there.
        progress: called with images done and images in all.

    Raises:
        DataError: files or lists that cannot be used, all listed; a store that differs; a disk
            that cannot be written.
    """
    if isinstance(source, FolderSource):
        plan = _plan_folder(source, rule, int(path.name), progress)
    else:
        plan = _plan_synthetic(source, rule, int(path.name))
    try:
        with _locked(path), plan.workers() as executor:
            remove_stale(path)
            if path.exists() and not force:
                return _prepared(path, _same_store(path, plan, executor), plan, changed=False)
            _refuse_foreign(path)
            notes: Counter[str] = Counter()
            samples = _collect(plan.outcomes(executor), len(plan.stems), notes, progress)
            info = write_store(path, samples, len(plan.stems), plan.splits, plan.about)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror or error})") from None
    counted = tuple(f"{count} {note}" for note, count in sorted(notes.items()))
    return _prepared(path, info, plan, changed=True, notes=counted)


def _plan_folder(source: FolderSource, rule: SplitRule, size: int, progress: Progress) -> _Plan:
    scan = scan_folders(source.images, source.masks)
    decode = partial(_decode, size=size)
    if scan.problems:
        # No store will come of this: say at once what else is wrong.
        with thread_workers() as pool:
            outcomes = in_order(pool, decode, scan.pairs)
            list(_collect(outcomes, len(scan.pairs), Counter(), progress, scan.problems))
    splits = make_splits(rule, scan.image_stems, EXTENSIONS)
    listed = {*splits.train, *splits.val, *splits.test}
    pairs = [pair for pair in scan.pairs if pair.stem in listed]
    return _Plan(
        splits, source.about, _folder_notes(rule, splits, len(scan.pairs), scan.ignored),
        stems=tuple(pair.stem for pair in pairs),
        hashes=lambda pool: in_order(pool, _file_hashes, pairs),
        outcomes=lambda pool: in_order(pool, decode, pairs),
        workers=thread_workers,
    )


def _plan_synthetic(source: SyntheticSource, rule: SplitRule, size: int) -> _Plan:
    stems = tuple(f"synthetic_{index:06d}" for index in range(source.count))
    indices = range(source.count)
    return _Plan(
        make_splits(rule, stems, ()),
        About("Apache-2.0, as cclcc itself", "",
              f"drawn by cclcc: {source.count} scenes of seed {source.seed}"),
        (), stems,
        hashes=lambda pool: in_order(
            pool, partial(_scene_hashes, seed=source.seed, size=size), indices),
        outcomes=lambda pool: in_order(
            pool, partial(_draw, seed=source.seed, size=size), indices),
        # Drawing holds the interpreter's lock most of the time: processes, not threads.
        workers=process_workers,
    )


def _folder_notes(
    rule: SplitRule, splits: Splits, num_pairs: int, ignored: Sequence[str]
) -> tuple[str, ...]:
    notes = []
    left_out = num_pairs - sum(splits.counts.values())
    if left_out:
        notes.append(f"{left_out} images are in no list and were left out")
    if not splits.test:
        notes.append("there is no test split: no test.txt and no --test-share was given"
                     if rule.lists else "there is no test split: --test-share is 0")
    if ignored:
        shown = ", ".join(ignored[:5]) + (" ..." if len(ignored) > 5 else "")
        notes.append(f"{len(ignored)} files that are no images were ignored: {shown}")
    return tuple(notes)


def _decode(files: PairFiles, size: int) -> _Outcome:
    checked = check_pair(files)
    if checked.pair is None:
        return _Outcome(None, checked.problems)
    return _Outcome(fit_pair(checked.pair, size), notes=checked.notes)


def _file_hashes(files: PairFiles) -> tuple[str, str]:
    return file_sha256(files.image), file_sha256(files.mask)


def _scene(index: int, seed: int, size: int) -> Pair:
    image, mask = synthetic_scene(seed, index, size)
    return Pair(f"synthetic_{index:06d}", image, mask,
                hashlib.sha256(image.tobytes()).hexdigest(),
                hashlib.sha256(mask.tobytes()).hexdigest())


def _scene_hashes(index: int, seed: int, size: int) -> tuple[str, str]:
    pair = _scene(index, seed, size)
    return pair.image_sha256, pair.mask_sha256


def _draw(index: int, seed: int, size: int) -> _Outcome:
    return _Outcome(fit_pair(_scene(index, seed, size), size))


def _collect(
    outcomes: Iterator[_Outcome],
    total: int,
    notes: "Counter[str]",
    progress: Progress,
    problems: Sequence[str] = (),
) -> Iterator[Sample]:
    """Samples until the first problem; then the rest is only checked, and all problems raised."""
    found = list(problems)
    for done, outcome in enumerate(outcomes, start=1):
        found += outcome.problems
        notes.update(outcome.notes)
        if outcome.sample is not None and not found:
            yield outcome.sample
        progress(done, total)
    if found:
        raise listed_error("images and masks", found)


def _same_store(path: Path, plan: _Plan, executor: Executor) -> StoreInfo:
    """The store that is there, if it holds what the plan would write.

    Raises:
        DataError: it differs, or is damaged.
    """
    store = load_store(path)
    old = {row.stem: (row.image_sha256, row.mask_sha256) for row in store.rows}
    new = dict(zip(plan.stems, plan.hashes(executor), strict=True))
    counts = {
        "added": len(new.keys() - old.keys()),
        "removed": len(old.keys() - new.keys()),
        "changed": sum(old[stem] != new[stem] for stem in old.keys() & new.keys()),
    }
    differs = [f"{count} images {what}" for what, count in counts.items() if count]
    if plan.splits.digest() != store.info.split_digest:
        differs.append("other splits")
    # An option that was not given says nothing about what is stored.
    differs += [f"another {key}" for key, value in asdict(plan.about).items()
                if value and value != getattr(store.info, key)]
    if differs:
        raise DataError(f"{path}: a store is there and differs: {', '.join(differs)}; "
                        f"--force replaces it, or take another name")
    return store.info


def _refuse_foreign(path: Path) -> None:
    """Never replace a folder that this program did not make."""
    if path.exists() and not (path / "dataset.json").is_file():
        raise DataError(f"{path}: is not a store (it has no dataset.json) and is left alone; "
                        f"move it away")


def _prepared(
    path: Path, info: StoreInfo, plan: _Plan, changed: bool, notes: tuple[str, ...] = ()
) -> Prepared:
    labeled = {share: num_labeled(share, info.counts["train"]) for share in SUBSET_SHARES}
    return Prepared(path, info, changed, labeled, (*plan.notes, *notes))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the store's place for this process, and leave no trace of that."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.parent / f".{path.name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise DataError(
            f"{path}: another process is preparing this store; wait for it or stop it"
        ) from None
    try:
        yield
    finally:
        # While it is held: whoever opened it before cannot have it, whoever comes now makes anew.
        Path(lock.lock_file).unlink()
        lock.release()
        with suppress(OSError):
            path.parent.rmdir()  # only succeeds where nothing was written
