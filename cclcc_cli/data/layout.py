"""Finding the pairs of a public data set in its archives or folders, and what is wrong there."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cclcc_cli.data.catalog import CatalogEntry, Part, Split
from cclcc_cli.data.members import BinaryFile, Member, Root
from cclcc_cli.data.problems import listed_error
from cclcc_cli.errors import DataError

_Found = Mapping[str, Sequence[Member]]
"""Stem to the files of that stem; more than one is a problem."""


@dataclass(frozen=True)
class FoundPair:
    """Where an image and its mask lie, and the official split that they belong to, if any."""

    stem: str
    image: BinaryFile
    mask: BinaryFile
    split: Split | None


@dataclass(frozen=True)
class FoundPairs:
    """All pairs of a data set.

    Attributes:
        pairs: sorted by stem.
        ignored: one line for each file of a folder that was left out, with the reason.
    """

    pairs: tuple[FoundPair, ...]
    ignored: tuple[str, ...]


@dataclass(frozen=True)
class _PartFiles:
    """What was found of a part."""

    part: Part
    images: _Found
    masks: _Found

    @property
    def stems(self) -> frozenset[str]:
        """Of complete pairs."""
        return frozenset(self.images.keys() & self.masks.keys())


def find_pairs(entry: CatalogEntry, roots: Sequence[Root]) -> FoundPairs:
    """All pairs of a data set, searched over all archives and folders together.

    A pattern, which no catalogue ties to the start, is searched in the path inside an archive or
    folder below the archive's or folder's own name: people pack again what they found inside.

    Raises:
        DataError: nothing of the data set is there; or files are missing, too many or of an
            unclear place, all of them listed.
    """
    parts = [_PartFiles(part, _search(part.image, roots), _search(part.mask, roots))
             for part in entry.parts]
    if not any(files.images or files.masks for files in parts):
        raise _nothing_found(entry, roots)
    problems = [*_wrong_counts(entry, parts), *_several(parts), *_in_two_splits(parts),
                *_lonely(parts)]
    if problems:
        raise listed_error(f"{entry.name} in {_names(roots)}", problems)
    pairs = [FoundPair(stem, files.images[stem][0], files.masks[stem][0], files.part.split)
             for files in parts for stem in files.stems]
    ignored = tuple(line for root in roots for line in root.ignored)
    return FoundPairs(tuple(sorted(pairs, key=lambda pair: pair.stem)), ignored)


def _search(pattern: str, roots: Sequence[Root]) -> _Found:
    search = re.compile(pattern, re.IGNORECASE).search
    found: dict[str, list[Member]] = defaultdict(list)
    for root in roots:
        for member in root.members:
            match = search(f"/{root.title}/{member.path}")
            if match:
                found[match["stem"]].append(member)
    return dict(found)


def _wrong_counts(entry: CatalogEntry, parts: Iterable[_PartFiles]) -> Iterator[str]:
    for files in parts:
        wanted, count = files.part.count, len(files.stems)
        if count != wanted:
            split = f" for {files.part.split}" if files.part.split else ""
            yield (f"{entry.name} has {wanted} pairs{split}, {count or 'none'} were found; get the "
                   f"whole archive ({_in_words(files.part)}), or import what you have under your "
                   f"own name with --images and --masks")


def _several(parts: Iterable[_PartFiles]) -> Iterator[str]:
    """One line for all images, and one for all masks, that are there more than once.

    Which of them is the right one is not guessed: packages that hold the same frames as PNG and as
    TIFF exist, and whoever converted them may have changed them.
    """
    for files in parts:
        for kind, found in (("images", files.images), ("masks", files.masks)):
            stems = sorted(stem for stem, members in found.items() if len(members) > 1)
            if stems:
                places = ", ".join(str(member) for member in found[stems[0]])
                yield (f"several {kind} for one name ({len(stems)} times), such as {places}; keep "
                       f"one of them: unpack the archive and give only the folder you want")


def _in_two_splits(parts: Iterable[_PartFiles]) -> Iterator[str]:
    splits: dict[str, list[str]] = defaultdict(list)
    for files in parts:
        for stem in sorted(files.stems):
            splits[stem].append(str(files.part.split))
    for stem, names in splits.items():
        if len(names) > 1:
            yield f"{stem}: belongs to {' and '.join(names)}; each image has one split"


def _lonely(parts: Iterable[_PartFiles]) -> Iterator[str]:
    for files in parts:
        for member in _without(files.images, files.masks):
            yield f"{member}: this image has no mask"
        for member in _without(files.masks, files.images):
            yield f"{member}: this mask has no image"


def _without(found: _Found, others: _Found) -> Iterator[Member]:
    for stem in sorted(found.keys() - others.keys()):
        yield from found[stem]


def _nothing_found(entry: CatalogEntry, roots: Sequence[Root]) -> DataError:
    wanted = ", ".join(_in_words(part) for part in entry.parts)
    tops = sorted({_top(member.path) for root in roots for member in root.members})
    shown = ", ".join(tops[:8]) + (f" and {len(tops) - 8} more" if len(tops) > 8 else "")
    return DataError(f"{_names(roots)}: nothing of {entry.name} was found; looked for {wanted}, "
                     f"and there are {shown}")


def _top(path: str) -> str:
    first, slash, _ = path.partition("/")
    return first + slash


def _names(roots: Sequence[Root]) -> str:
    return ", ".join(str(root.path) for root in roots)


_WORDS: Sequence[tuple[str, str | Callable[[re.Match[str]], str]]] = (
    (r"\(\?P<stem>[^)]*\)|\(\?P=stem\)", "*"),
    (r"\[(.)[^]]*\]\?", r"\1"),  # a space that may be something else or nothing
    (r"\w\?", ""),
    (r"\((\w+)\|[^)]*\)", r"\1"),  # the first of several extensions
    (r"\\(.)", r"\1"),
)
"""From a catalogue's patterns to what a person calls them, in this order."""


def _in_words(part: Part) -> str:
    """Such as ``images/*.jpg and masks/*.jpg``."""
    patterns = []
    for words in (part.image, part.mask):
        words = words.removeprefix("/").removesuffix("$")
        for old, new in _WORDS:
            words = re.sub(old, new, words)
        patterns.append(words)
    return " and ".join(patterns)
