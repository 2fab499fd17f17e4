"""Short words for figures: groups apart from each other, counts of seeds and images."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from cclcc_cli.report.evidence.weigh import Evidence
from cclcc_cli.report.gather.groups import Group
from cclcc_cli.wording import counted

_LONGEST = 40


def group_names(groups: Sequence[Group]) -> Mapping[str, str]:
    """For each group's digest the shortest of what tells all groups of one plot apart.

    Method, or recipe, or both; and the digest, where even these are alike.
    """
    ways: Sequence[Callable[[Group], str]] = (
        lambda group: group.first.method,
        lambda group: group.recipe,
        lambda group: f"{group.first.method} {group.recipe}",
        lambda group: f"{group.first.method} {group.recipe} {group.digest}",
    )
    found: dict[str, str] = {}
    for way in ways:  # a group keeps the first name that it alone has
        counts = Counter(way(group) for group in groups)
        for group in groups:
            if counts[way(group)] == 1 and way(group) not in found.values():
                found.setdefault(group.first.group, way(group))
    return {group.first.group: _shorten(found.get(group.first.group, group.digest), group)
            for group in groups}


def wrap(name: str, width: int) -> str:
    """Broken behind spaces, dashes and underscores into lines of ``width`` where it can be."""
    lines = [""]
    for piece in filter(None, re.findall(r"[^\s_-]*[\s_-]?", name)):
        if lines[-1] and len(lines[-1] + piece.rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return "\n".join(line.rstrip() for line in lines)


def seeds_text(groups: Sequence[Group]) -> str:
    """As ``3 seeds``, or ``1 to 3 seeds`` where groups have unequal ones."""
    counts = sorted({len(group.seeds) for group in groups})
    if len(counts) > 1:
        return f"{counts[0]} to {counts[-1]} seeds"
    return counted(counts[0], "seed")


def images_text(evidence: Sequence[Evidence], split: str) -> str:
    """As ``100 test images``, or ``90 to 100 test images``."""
    counts = sorted({found.estimate.num_images for found in evidence if found.estimate})
    if not counts:
        return f"no {split} images"
    if len(counts) > 1:
        return f"{counts[0]} to {counts[-1]} {split} images"
    return counted(counts[0], f"{split} image")


def place_text(place: tuple[str, int]) -> str:
    """As ``kvasir-seg-320, 80 labels``."""
    return f"{place[0]}, {counted(place[1], 'label')}"


def _shorten(name: str, group: Group) -> str:
    if len(name) <= _LONGEST:
        return name
    return f"{name[: _LONGEST - len(group.digest) - 2]}… {group.digest}"
