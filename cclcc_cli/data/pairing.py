"""Which mask belongs to which image, by their names and over the whole set.

Pure: names in, pairs out. Each step takes what the steps before left over, and a name that fits
two others is left to the next one.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from cclcc_cli.errors import DataError

_MASK_WORDS = (
    r"segmentations?|seg|masks?|gt|ground[-_ ]?truth|labels?|annotations?|anno|lesion|manual\d*|"
    r"1st[-_]?ho|2nd[-_]?ho|1st[-_]?manual|roi|contour"
)
_SUFFIX = re.compile(rf"[-_ .]({_MASK_WORDS})$", re.IGNORECASE)
_PREFIX = re.compile(rf"^({_MASK_WORDS})[-_ .]", re.IGNORECASE)
_WORD_ALONE = re.compile(rf"({_MASK_WORDS})[-_ ]?\d*", re.IGNORECASE)
_NUMBER = re.compile(r"[-_ ]?\(?\d+\)?$")
_NUMBERED_MASK = re.compile(rf"[-_ .]({_MASK_WORDS})[-_ ]\d+$", re.IGNORECASE)

IMAGE_FOLDERS = frozenset({"image", "images", "img", "imgs", "input", "inputs", "imagestr",
                           "imagests", "original", "originals"})
MASK_FOLDERS = frozenset({"mask", "masks", "label", "labels", "labelstr", "labelsts", "gt",
                          "groundtruth", "ground truth", "ground_truth", "annotation",
                          "annotations", "annots", "segmentation", "segmentations", "manual",
                          "1st_manual"})
SPLIT_FOLDERS: Mapping[str, str] = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val",
    "test": "test", "testing": "test",
}
"""Names of folders that say on which side of the split their files are."""


@dataclass(frozen=True)
class FileName:
    """What a file is called.

    Attributes:
        folders: it lies in, below the folder that was given; for a message and a name.
        stem: without its ending.
        root: which of several folders that were given, from 0.
    """

    folders: tuple[str, ...]
    stem: str
    root: int = 0

    @property
    def place(self) -> tuple[str, ...]:
        """The folders without those that tell images from masks."""
        return tuple(name for name in self.folders
                     if name.lower() not in IMAGE_FOLDERS | MASK_FOLDERS)

    @property
    def split(self) -> str | None:
        """``train``, ``val`` or ``test``, where a folder is called that."""
        found = {SPLIT_FOLDERS[name.lower()] for name in self.folders
                 if name.lower() in SPLIT_FOLDERS}
        return found.pop() if len(found) == 1 else None

    @property
    def kind(self) -> str | None:
        """``image`` or ``mask``, where the innermost folder that says so does."""
        for name in reversed(self.folders):
            if name.lower() in IMAGE_FOLDERS:
                return "image"
            if name.lower() in MASK_FOLDERS:
                return "mask"
        return None


@dataclass(frozen=True)
class Pairing:
    """What belongs together.

    Attributes:
        masks: position of an image to those of its masks, one or several.
        rules: how names were found to belong together, in words, to how many masks by it.
        rivals: position of an image to those of masks that cannot all be its own.
    """

    masks: Mapping[int, Sequence[int]]
    rules: Mapping[str, int] = field(default_factory=dict)
    rivals: Mapping[int, Sequence[int]] = field(default_factory=dict)


def pair_names(images: Sequence[FileName], masks: Sequence[FileName],
               pattern: str | None = None) -> Pairing:
    """Find the masks of each image.

    Args:
        images, masks: names of all files.
        pattern: the stem of a mask, with ``{stem}`` for its image's, such as ``{stem}_manual1``;
            None to find out.

    Raises:
        DataError: the pattern has no ``{stem}``.
    """
    found: defaultdict[int, list[int]] = defaultdict(list)
    counts: Counter[str] = Counter()
    left_images, left_masks = {*range(len(images))}, {*range(len(masks))}
    for rule, image_key, mask_key in _steps(images, masks, pattern):
        of_key: defaultdict[Hashable, list[int]] = defaultdict(list)
        for one in sorted(left_images):
            if (key := image_key(images[one])) is not None:
                of_key[key].append(one)
        mine: defaultdict[int, list[int]] = defaultdict(list)
        for one in sorted(left_masks):
            owners = of_key.get(mask_key(masks[one]), [])
            if len(owners) == 1:
                mine[owners[0]].append(one)
        for image, its in mine.items():
            found[image] += its
            counts[rule] += len(its)
            left_masks -= {*its}
        left_images -= mine.keys()
    of_name = {(image.place, image.stem): place for place, image in enumerate(images)}
    for one in sorted(left_masks if pattern is None else ()):  # a second one by another name
        owner = of_name.get((masks[one].place, bare_stem(masks[one].stem)))
        if owner is not None and owner in found:
            found[owner].append(one)
    return _judge(images, masks, found, counts)


def _judge(images: Sequence[FileName], masks: Sequence[FileName],
           found: Mapping[int, Sequence[int]], counts: "Counter[str]") -> Pairing:
    """Several masks of one image are merged where they are numbered, the image has a folder of its
    own, or each comes from another of the folders that were given, as left and right."""
    places = Counter(image.place for image in images)
    mine, rivals = {}, {}
    for image, its in found.items():
        stems = [masks[one].stem for one in its]
        bare = {_NUMBER.sub("", stem) for stem in stems}
        own_folder = places[images[image].place] == 1 and bool(images[image].place)
        apart = len({masks[one].root for one in its}) == len(its)
        numbered = len(bare) == 1 and len({*stems}) == len(its)
        if len(its) == 1 or own_folder or apart or numbered:
            mine[image] = its
        else:
            rivals[image] = its
    return Pairing(mine, dict(counts.most_common()), rivals)


_Key = Callable[[FileName], Hashable]


def _steps(
    images: Sequence[FileName], masks: Sequence[FileName], pattern: str | None
) -> Iterable[tuple[str, _Key, _Key]]:
    """Rule in words, and what an image and a mask must have in common by it."""
    if pattern is not None:
        parts = pattern.split("{stem}")
        if len(parts) != 2:
            raise DataError(f"--pair {pattern}: write {{stem}} where a mask has its image's name, "
                            f"such as {{stem}}_manual1")
        fits = re.compile(rf"{re.escape(_plain(parts[0]))}(.+){re.escape(_plain(parts[1]))}")

        def stem_in(name: FileName) -> Hashable:
            match = fits.fullmatch(_plain(name.stem))
            return (name.place, match[1]) if match else None

        yield f"--pair {pattern}", lambda name: (name.place, _plain(name.stem)), stem_in
        yield (f"--pair {pattern}", lambda name: _plain(name.stem),
               lambda name: (stem_in(name) or (None, None))[1])  # type: ignore[index]
        return
    yield "equal names", lambda name: (name.place, name.stem), lambda name: (name.place, name.stem)
    yield ("names with a word such as _mask", lambda name: (name.place, name.stem),
           lambda name: (name.place, bare_stem(name.stem)))
    yield ("names but for upper and lower case or forms of a letter",
           lambda name: (name.place, _plain(name.stem)),
           lambda name: (name.place, _plain(bare_stem(name.stem))))
    yield ("one folder an image", _only_one(images), lambda name: name.place or None)
    strip_image, image_words = _stripper(images)
    strip_mask, mask_words = _stripper(masks)
    told = f"names without {image_words} of images and {mask_words} of masks"
    yield (told, lambda name: (name.place, strip_image(name)),
           lambda name: (name.place, strip_mask(name)))
    yield (f"{told}, numbers without leading zeros",
           lambda name: (name.place, _unpadded(strip_image(name))),
           lambda name: (name.place, _unpadded(strip_mask(name))))
    yield ("names, whatever their folders", lambda name: _plain(name.stem),
           lambda name: _plain(bare_stem(name.stem)))
    yield (f"{told}, whatever their folders", lambda name: _unpadded(strip_image(name)),
           lambda name: _unpadded(strip_mask(name)))


def _only_one(images: Sequence[FileName]) -> _Key:
    """The folder of an image that has it for itself, else None."""
    places = Counter(image.place for image in images)
    return lambda name: name.place if name.place and places[name.place] == 1 else None


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def bare_stem(stem: str) -> str:
    """A mask's stem without a word such as ``_mask`` and the number after it."""
    for words in (_NUMBERED_MASK, _SUFFIX, _PREFIX):
        if (shorter := words.sub("", stem)) != stem:
            return shorter
    return stem


def _unpadded(text: str) -> str:
    return re.sub(r"\d+", lambda number: str(int(number[0])), text)


def _stripper(names: Sequence[FileName]) -> tuple[Callable[[FileName], str], str]:
    """Takes from a name what all names of its folder have in common at both ends; and in words."""
    stems: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for name in names:
        stems[name.folders].append(_plain(name.stem))
    ends: dict[tuple[str, ...], tuple[str, str]] = {}
    for folder, inside in stems.items():
        if len({*inside}) > 1:
            first = re.sub(r"\d+$", "", _beginning(inside))
            rest = [stem[len(first):][::-1] for stem in inside]
            # Not within a number, nor a number alone: that may be what tells names apart.
            last = re.sub(r"^\d+", "", _beginning(rest)[::-1])
            ends[folder] = first, last
        else:
            ends[folder] = "", ""

    def strip(name: FileName) -> str:
        first, last = ends[name.folders]
        plain = _plain(name.stem)
        return plain[len(first):len(plain) - len(last)]

    common = Counter(ends.values()).most_common(1)
    first, last = common[0][0] if common else ("", "")
    shown = " and ".join(f"'{end}'" for end in (f"{first}*" * bool(first), f"*{last}" * bool(last))
                         if end)
    return strip, shown or "whole names"


def _beginning(texts: Sequence[str]) -> str:
    """What all texts begin with."""
    letters = zip(*texts, strict=False)
    return "".join(first for first, *_ in takewhile(lambda same: len({*same}) == 1, letters))


def find_masks_among(names: Sequence[FileName], pattern: str | None = None) -> set[int]:
    """Positions of the masks in one list of images and masks; empty if nothing tells them apart.

    By folder where folders are called so, else by the names: a mask is called as an image is, with
    a word such as ``_mask`` more, or as the pattern says.
    """
    kinds = [name.kind for name in names]
    if "mask" in kinds and ("image" in kinds or None in kinds) and pattern is None:
        return {place for place, kind in enumerate(kinds) if kind == "mask"}
    known = {(name.place, _plain(name.stem)) for name in names}
    found = set()
    for place, name in enumerate(names):
        stem = name.stem
        if pattern is not None:
            first, _, last = pattern.partition("{stem}")
            is_mask = stem.startswith(first) and stem.endswith(last) and (
                name.place, _plain(stem[len(first):len(stem) - len(last)])) in known
        else:
            short = _plain(bare_stem(stem))
            is_mask = short != _plain(stem) and (name.place, short) in known
            is_mask |= bool(name.place and _WORD_ALONE.fullmatch(stem))
        if is_mask:
            found.add(place)
    return found or _common_suffix(names)


def _common_suffix(names: Sequence[FileName]) -> set[int]:
    """Names that are another's with the same letters added, where that is so for half of all."""
    known = {(name.place, name.stem) for name in names}
    longer: defaultdict[str, set[int]] = defaultdict(set)
    for place, name in enumerate(names):
        for cut in range(1, len(name.stem)):
            if (name.place, name.stem[:cut]) in known and re.search("[^0-9]", name.stem[cut:]):
                longer[name.stem[cut:]].add(place)
    best = max(longer.values(), key=len, default=set())
    return best if 3 * len(best) >= len(names) else set()


def how_names_differ(images: Sequence[FileName], masks: Sequence[FileName]) -> str:
    """In one sentence, of names that do not pair."""
    return (f"images are called {_examples(images)}, masks {_examples(masks)}; if they belong "
            f"together, say how: --pair '{{stem}}_mask' for a mask called as its image with _mask "
            f"added")


def _examples(names: Sequence[FileName]) -> str:
    return ", ".join(name.stem for name in names[:3]) + (" ..." if len(names) > 3 else "")
