"""Images that must stay on one side of a split: of one patient, of one video, of one lesion."""

import csv
import io
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from cclcc_cli.data.problems import listed_error
from cclcc_cli.data.splits import stem_of
from cclcc_cli.errors import DataError

_CLOSE = 5
"""Frames whose numbers differ by no more lie next to each other."""
_MIN_CLOSE = 3
"""Fewer pairs say nothing of the set."""


def read_groups(
    path: Path, stems: Collection[str], extensions: Collection[str]
) -> dict[str, str]:
    """Stem to group, from a CSV file with the columns ``stem`` and ``group``.

    Columns may be parted by commas, semicolons or tabs, and be written in capitals or with spaces.
    A stem may be a file's name. Images that it does not name are alone.

    Raises:
        DataError: it cannot be read, lacks a column, names an unknown image or one twice.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        first = text.partition("\n")[0]
        mark = max(",;\t", key=first.count)
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True, delimiter=mark)
        reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
        columns = set(reader.fieldnames)
        rows = [(reader.line_num, row) for row in reader]
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    except (UnicodeDecodeError, csv.Error):
        raise DataError(f"{path}: is not a CSV file in UTF-8; give lines of stem,group") from None
    if not {"stem", "group"} <= columns:
        raise DataError(f"{path}: needs a first line with the columns stem and group")
    groups: dict[str, str] = {}
    problems = []
    for line, row in rows:
        stem = stem_of((row["stem"] or "").strip(), stems, extensions)
        group = (row["group"] or "").strip()
        if stem not in stems:
            problems.append(f"line {line}: {stem or 'an empty stem'} has no image")
        elif stem in groups:
            problems.append(f"line {line}: {stem} stands there twice")
        elif not group:
            problems.append(f"line {line}: {stem} has no group")
        groups[stem] = group
    if problems:
        raise listed_error(str(path), problems)
    return groups


def groups_by_name(stems: Iterable[str]) -> dict[str, str]:
    """Stem to group, by what stands before the last number: ``video3_0017`` is of ``video3``.

    Names that are a number, or hold none, are in no group.
    """
    found = {stem: re.fullmatch(r"(.+?)[-_ .(]*\d+\D*", stem) for stem in stems
             if not stem.isdigit()}
    return {stem: match[1] for stem, match in found.items() if match}


def frames_note(stems: Sequence[str], pairs: Sequence[tuple[str, str]]) -> str | None:
    """What to tell of a data set without groups whose pairs look like neighbouring frames.

    Args:
        stems: of all images.
        pairs: of stems that show the same thing.

    Returns:
        A sentence that proposes groups, where names lend themselves to it; None where most pairs
        have names with numbers that are not close, or there are hardly any pairs.
    """
    close = [(one, other) for one, other in pairs if _are_close(one, other)]
    if len(close) < _MIN_CLOSE or 2 * len(close) < len(pairs):
        return None
    one, other = close[0]
    told = (f"{len(close)} of {len(pairs)} pairs that show the same have numbers in their names "
            f"that are close, such as {one} and {other}: they may be frames of videos, which "
            f"belong on one side of the split")
    groups = groups_by_name(stems)
    names = sorted({*groups.values()})
    if len(groups) == len(stems) and 2 < len(names) <= len(stems) / 2:
        return (f"{told}; --group-names would make {len(names)} groups, such as {names[0]} and "
                f"{names[1]}")
    return f"{told}; name them with --groups CSV"


def _are_close(one: str, other: str) -> bool:
    first, second = re.split(r"(\d+)(?!.*\d)", one), re.split(r"(\d+)(?!.*\d)", other)
    if len(first) != 3 or len(second) != 3 or first[::2] != second[::2]:
        return False
    return abs(int(first[1]) - int(second[1])) <= _CLOSE


def given_groups(
    groups: Mapping[str, str], pairs: Iterable[tuple[str, str]]
) -> Mapping[str, str] | None:
    """A store's groups where patients or videos were given, by the user or by the data set.

    Args:
        groups: stem to group, as a store holds them, for all of its images.
        pairs: of stems that its audit found to show the same thing.

    Returns:
        The groups; None where they are no more than what the audit ties together.
    """
    return None if join_groups(groups, {}, pairs) == groups else groups


def join_groups(
    stems: Iterable[str], given: Mapping[str, str], pairs: Iterable[tuple[str, str]]
) -> dict[str, str]:
    """Stem to group: given groups, and whatever a pair that shows the same thing ties together.

    Args:
        stems: of all images.
        given: groups known beforehand, such as patients or videos; a stem may be missing.
        pairs: of stems.

    Returns:
        Every stem; the name of a group is that of its first given group, or its first stem, with
        an apostrophe where a given group that it is no part of has that name.
    """
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            parent[name] = name = parent[parent[name]]
        return name

    # Given groups sort before stems, so that they name what they are part of.
    keys = {stem: f"0{given[stem]}" if stem in given else f"1{stem}" for stem in stems}
    for one, other in pairs:
        first, second = sorted((root(keys[one]), root(keys[other])))
        parent[second] = first
    taken, mark = set(given.values()), "'"
    while any(f"{name}{mark}" in keys or f"{name}{mark}" in taken for name in taken):
        mark += "'"
    roots = {stem: root(key) for stem, key in keys.items()}
    return {stem: f"{key[1:]}{mark if key[0] == '1' and key[1:] in taken else ''}"
            for stem, key in roots.items()}
