"""A person's folders: which files are images and masks, which belong together, what is wrong."""

import os
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cclcc_cli.data.annotations import DrawnMask, find_annotations
from cclcc_cli.data.members import BinaryFile, passed_over
from cclcc_cli.data.pairing import (
    IMAGE_FOLDERS,
    FileName,
    Pairing,
    bare_stem,
    find_masks_among,
    how_names_differ,
    pair_names,
)
from cclcc_cli.data.problems import listed_error
from cclcc_cli.errors import DataError

EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".gif", ".webp"})

Folders = Path | Sequence[Path]


@dataclass(frozen=True)
class PairFiles:
    """Where an image and its mask lie: files, or members of an archive.

    Attributes:
        stem: the image's name in the data set.
        image: the file.
        mask: of the object, or of one of several; None for an image without.
        more_masks: of the others; a pixel is the object's where any of them says so.
    """

    stem: str
    image: BinaryFile
    mask: BinaryFile | None
    more_masks: tuple[BinaryFile, ...] = ()

    @property
    def masks(self) -> tuple[BinaryFile, ...]:
        """All masks; none for an image without."""
        return () if self.mask is None else (self.mask, *self.more_masks)


@dataclass(frozen=True)
class FolderScan:
    """What folders hold.

    Attributes:
        pairs: complete pairs, sorted by stem.
        image_stems: of every image, paired or not.
        problems: one line for each file or stem that cannot be used.
        ignored: names of files and folders that were not read, sorted.
        rules: how names were found to belong together, to how many masks by it.
        splits: split to stems, where folders are called train, val or test.
        labels: of masks that are drawn from shapes; the first one has the value 1.
    """

    pairs: tuple[PairFiles, ...]
    image_stems: frozenset[str]
    problems: tuple[str, ...]
    ignored: tuple[str, ...]
    rules: Mapping[str, int] = field(default_factory=dict)
    splits: Mapping[str, Sequence[str]] = field(default_factory=dict)
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class _File:
    """A file of a folder, or a mask that is drawn from one."""

    path: Path
    name: FileName
    drawn: DrawnMask | None = None

    @property
    def content(self) -> BinaryFile:
        return self.drawn or self.path


def scan_folders(
    images: Folders, masks: Folders, pattern: str | None = None, keep_unpaired: bool = False
) -> FolderScan:
    """Pair the files of folders by their names.

    A folder is read with the folders inside it where it holds no image itself. The same folders
    may be given for both: masks are then told apart by their names or folders.

    Args:
        images, masks: one folder, or several that belong to one data set.
        pattern: see ``pairing.pair_names``.
        keep_unpaired: images without a mask are pairs without one, and no problem.

    Raises:
        DataError: a folder is missing or holds no images; or nothing pairs.
    """
    images, masks = ((one,) if isinstance(one, Path) else tuple(one) for one in (images, masks))
    image_files, image_ignored = _list_files(images, "--images", "mask")
    drawn = find_annotations(masks)
    mask_files, mask_ignored = _drawn_files(drawn) if drawn else _list_files(
        masks, "--masks", "image")
    ignored = {*image_ignored, *mask_ignored} - {str(file.path) for file in mask_files}
    if not drawn and {one.resolve() for one in images} == {one.resolve() for one in masks}:
        image_files, mask_files = _tell_apart(image_files, mask_files, images, pattern)
        ignored = {one for one in ignored if one in image_ignored and one in mask_ignored}
        if pattern is not None:  # masks of another kind lie beside those that are meant
            names = {(file.name.place, file.name.stem) for file in image_files}
            others = {file.path for file in image_files if (short := bare_stem(file.name.stem))
                      != file.name.stem and (file.name.place, short) in names}
            image_files = [file for file in image_files if file.path not in others]
            ignored |= {*map(str, others)}
    elif not drawn:  # one may lie inside the other
        both = {file.path for file in image_files} & {file.path for file in mask_files}
        larger = image_files if len(image_files) > len(mask_files) else mask_files
        larger[:] = [file for file in larger if file.path not in both]
    image_names = [file.name for file in image_files]
    mask_names = [file.name for file in mask_files]
    pairing = pair_names(image_names, mask_names, pattern)
    if not pairing.masks and not pairing.rivals:
        raise DataError(f"{_folders(images)} and {_folders(masks)}: no image has a mask by its "
                        f"name: {how_names_differ(image_names, mask_names)}")
    return _report(image_files, mask_files, pairing, images, masks, ignored, pattern is not None,
                   keep_unpaired)


def scan_unlabeled(folders: Folders) -> tuple[tuple[PairFiles, ...], tuple[str, ...]]:
    """Images without masks, sorted by stem, and the names of files that were not read.

    Raises:
        DataError: a folder is missing or holds no images, or names cannot be used.
    """
    roots = (folders,) if isinstance(folders, Path) else tuple(folders)
    files, ignored = _list_files(roots, "--unlabeled", "mask")
    stems = _stems([file.name for file in files])
    count = Counter(stems)
    problems = []
    for stem, file in zip(stems, files, strict=True):
        if flaw := _stem_flaw(stem):
            problems.append(f"{file.path.parent}: the name {stem!a} {flaw}; rename it")
        elif count[stem] > 1:
            problems.append(f"{file.path}: several images are called {stem}; keep one")
    if problems:
        raise listed_error("images without masks", problems)
    pairs = (PairFiles(stem, file.path, None) for stem, file in zip(stems, files, strict=True))
    return tuple(sorted(pairs, key=lambda pair: pair.stem)), tuple(sorted(ignored))


def scan_labels(
    folders: Folders, stems: Sequence[str], pattern: str | None = None
) -> dict[str, tuple[Path, ...]]:
    """Stem to its masks, for images of a data set that have none.

    Raises:
        DataError: a folder is missing or holds no images, or a mask belongs to no such image.
    """
    roots = (folders,) if isinstance(folders, Path) else tuple(folders)
    files, _ = _list_files(roots, "--add-labels", "image")
    pairing = pair_names([FileName((), stem) for stem in stems], [file.name for file in files],
                         pattern)
    used = {place for places in pairing.masks.values() for place in places}
    problems = [f"{file.path}: no image without a mask is called like this mask"
                for place, file in enumerate(files) if place not in used]
    if problems:
        raise listed_error("masks", problems)
    return {stems[image]: tuple(files[place].path for place in places)
            for image, places in pairing.masks.items()}


def _report(
    images: Sequence[_File], masks: Sequence[_File], pairing: Pairing,
    image_roots: Sequence[Path], mask_roots: Sequence[Path], ignored: set[str], by_pattern: bool,
    keep_unpaired: bool,
) -> FolderScan:
    """Pairs, and a line for each file that makes none."""
    stems = _stems([file.name for file in images])
    count = Counter(stems)
    problems: list[tuple[str, str]] = []
    way_out = _way_out(images, masks, pairing)
    hint = "; --unpaired unlabeled keeps such images without labels"  # said once
    pairs, splits = [], defaultdict(list)
    for place, (stem, image) in enumerate(zip(stems, images, strict=True)):
        where = image.path.parent
        flaw = _stem_flaw(stem)
        if flaw:
            problems.append((stem, f"{where}: the name {stem!a} {flaw}; rename it and its mask"))
        elif count[stem] > 1:
            names = ", ".join(sorted(other.path.name for name, other in
                                     zip(stems, images, strict=True) if name == stem))
            problems.append((stem, f"{where}: several images for {stem} ({names}); keep one"))
        elif place in pairing.rivals:
            theirs = [masks[one].path for one in pairing.rivals[place]]
            home = os.path.commonpath([path.parent for path in theirs])
            names = ", ".join(str(path.relative_to(home)) for path in theirs)
            problems.append((stem, f"{home}: several masks for {stem} ({names}); keep "
                                   f"one{way_out}"))
            way_out = ""
        elif place not in pairing.masks and keep_unpaired:
            pairs.append(PairFiles(stem, image.path, None))
        elif place not in pairing.masks:
            problems.append((stem, f"{image.path}: this image has no mask in "
                                   f"{_folders(mask_roots)}{hint}"))
            hint = ""
        else:
            first, *more = (masks[one].content for one in pairing.masks[place])
            pairs.append(PairFiles(stem, image.path, first, tuple(more)))
            splits[image.name.split].append(stem)
    used = {one for its in (*pairing.masks.values(), *pairing.rivals.values()) for one in its}
    for place, mask in enumerate(masks):
        if place not in used and by_pattern:
            ignored.add(str(mask.path))
        elif place not in used and count[bare_stem(mask.name.stem)] < 2:
            problems.append((mask.name.stem, f"{mask.path}: this mask has no image in "
                                             f"{_folders(image_roots)}"))
    lines = tuple(dict.fromkeys(line for _, line in sorted(problems)))
    known = {str(split): found for split, found in splits.items() if split is not None}
    whole = None not in splits and "train" in known and len(known) > 1
    return FolderScan(
        tuple(sorted(pairs, key=lambda pair: pair.stem)), frozenset(stems), lines,
        tuple(sorted(ignored)), pairing.rules, known if whole else {},
        next((file.drawn.labels for file in masks if file.drawn), ()),
    )


def _way_out(
    images: Sequence[_File], masks: Sequence[_File], pairing: Pairing
) -> str:
    """How to say which of several masks is meant, after the first image that has several."""
    for image, its in pairing.rivals.items():
        stem = images[image].name.stem
        ways = [f"--pair '{masks[one].name.stem.replace(stem, '{stem}')}'" for one in its
                if stem in masks[one].name.stem and stem != masks[one].name.stem]
        said = f", say which with {' or '.join(ways)}" if ways else ""
        return f"{said}, or give each folder of masks with --masks to merge them"
    return ""


def _drawn_files(drawn: Sequence[DrawnMask]) -> tuple[list[_File], list[str]]:
    return [_File(mask.source, FileName(mask.image.parent.parts, mask.image.stem), mask)
            for mask in drawn], []


def _tell_apart(
    images: Sequence[_File], masks: Sequence[_File], roots: Sequence[Path], pattern: str | None
) -> tuple[list[_File], list[_File]]:
    """Images and masks out of the same folders."""
    both = {file.path: file for file in (*images, *masks)}
    files = [both[path] for path in sorted(both)]
    found = {files[place].path for place in find_masks_among([one.name for one in files], pattern)}
    if not found or len(found) == len(files):
        found = _by_extension(files)
    if not found:
        raise DataError(f"{_folders(roots)}: --images and --masks are the same folder, and names "
                        f"do not tell masks from images; give --pair '{{stem}}_mask' for masks "
                        f"called as their images with _mask added, or give two folders")
    return ([file for file in files if file.path not in found],
            [file for file in files if file.path in found])


def _by_extension(files: Sequence[_File]) -> set[Path]:
    """Masks beside JPEG images of the same names; empty if some are alone."""
    jpegs = {file.name for file in files if file.path.suffix.lower() in (".jpg", ".jpeg")}
    others = {file.name: file.path for file in files
              if file.path.suffix.lower() not in (".jpg", ".jpeg")}
    return {*others.values()} if jpegs == others.keys() and 2 * len(jpegs) == len(files) else set()


def _list_files(
    roots: Sequence[Path], option: str, other: str
) -> tuple[list[_File], list[str]]:
    """Image files of folders, and what lies in them and is not read; hidden files are neither.

    Folders inside that are called as those of the other kind are not read.
    """
    found: list[_File] = []
    ignored: list[str] = []
    resolved = [root.absolute() for root in roots]
    top = Path(os.path.commonpath(resolved)) if len(resolved) > 1 else None
    for place, root in enumerate(roots):
        base = root.absolute().relative_to(top).parts if top else ()
        files, left = _list_folder(root, option)
        inside = [path.parent.relative_to(root).parts for path in files]
        mine = [FileName(folders, "").kind != other for folders in inside]
        whole = not any(mine)
        found += [_File(path, FileName((*base, *folders), path.stem, place))
                  for path, folders, is_mine in zip(files, inside, mine, strict=True)
                  if is_mine or whole]
        ignored += left
        ignored += {f"{path.parent}/": None for path, is_mine in zip(files, mine, strict=True)
                    if not (is_mine or whole)}
    return found, ignored


def _list_folder(root: Path, option: str) -> tuple[list[Path], list[str]]:
    """Image files of a folder, or else of the folders inside it; and what is not read."""
    if not root.is_dir():
        state = "is not a folder" if root.exists() else "no such folder"
        raise DataError(f"{root}: {state}; give {option} a folder of image files")
    try:
        entries = sorted(path for path in root.iterdir() if not path.name.startswith("."))
        files = [path for path in entries if not path.is_dir()]
        inside = [path for path in entries if path.is_dir() and not passed_over(path.name)]
        deep = not any(path.suffix.lower() in EXTENSIONS for path in files)
        if deep:
            files += [path for folder in inside for path in _walk(folder)]
        left = [f"{folder}/" for folder in inside if not deep and any(folder.iterdir())]
    except OSError as error:
        raise DataError(f"{error.filename or root}: cannot be read ({error.strerror})") from None
    found = [path for path in files if path.suffix.lower() in EXTENSIONS]
    if not found:
        raise DataError(f"{root}: holds no jpg, png, bmp, tif, gif or webp files")
    return found, [*left, *(str(path) for path in files if path.suffix.lower() not in EXTENSIONS)]


def _walk(folder: Path) -> list[Path]:
    """Every file inside, sorted; hidden ones and what systems leave are passed over."""
    files = []
    for home, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not passed_over(name))
        files += [Path(home, name) for name in sorted(names) if not passed_over(name)]
    return files


def _stems(names: Sequence[FileName]) -> list[str]:
    """What images are called in the data set: as their file, with folders where two are alike."""
    apart = len({(name.folders, name.stem) for name in names})
    if len({name.stem for name in names}) == apart:
        return [name.stem for name in names]
    if all(name.stem.lower() in IMAGE_FOLDERS for name in names):
        return ["_".join(name.place) for name in names]  # each has a folder, and no other name
    return ["_".join((*name.place, name.stem)) for name in names]


def _folders(roots: Sequence[Path]) -> str:
    return " and ".join(map(str, roots))


def _stem_flaw(stem: str) -> str | None:
    """Why a stem could not stand on a line of its own in a list, where it could not."""
    if stem.startswith("#"):
        return "starts with #, which marks a comment in lists"
    if stem != stem.strip():
        return "starts or ends with a space"
    if any(unicodedata.category(letter) in ("Cc", "Zl", "Zp") for letter in stem):
        return "holds a line break or another control character"
    if any(unicodedata.category(letter) == "Cs" for letter in stem):
        return "is not valid UTF-8"
    return None
