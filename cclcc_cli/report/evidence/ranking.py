"""Which methods were run on every data set and number of labels, and their scores there."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cclcc_cli.errors import RunError
from cclcc_cli.report.evidence.mean_ranks import Block
from cclcc_cli.report.evidence.stacks import stack_runs
from cclcc_cli.report.evidence.weigh import Evidence
from cclcc_cli.report.gather.images import RunScores


@dataclass(frozen=True)
class Ranking:
    """Methods that were run in every block.

    Attributes:
        methods: their names, in the order of the blocks' values.
        left_out: names of what was run in some blocks alone.
    """

    methods: Sequence[str]
    blocks: Sequence[Block]
    left_out: Sequence[str]


def find_ranking(
    evidence: Sequence[Evidence], scores: RunScores
) -> Ranking | None:
    """Blocks and the methods that all of them have; None where no two methods are in all.

    A block with one group ranks nothing and does not count. A method goes by its name where no
    block has it twice, else by name and recipe; what even so stands twice in a block is left out.
    """
    scored = [found for found in evidence if found.estimate]
    names = _name_groups(scored)
    by_place: dict[tuple[str, int], dict[str, Evidence]] = {}
    for found in scored:
        name = names.get(found.group.first.group)
        if name is not None:
            by_place.setdefault(found.group.place, {})[name] = found
    by_place = {place: found for place, found in by_place.items() if len(found) > 1}
    if not by_place:
        return None
    common = set.intersection(*(set(found) for found in by_place.values()))
    if len(common) < 2:
        return None
    methods = sorted(common)
    left_out = {names.get(group.first.group) or f"{group.first.method} {group.recipe}"
                for group in (found.group for found in scored)} - common
    return Ranking(methods, _build_blocks(by_place, methods, scores), sorted(left_out))


def _name_groups(evidence: Sequence[Evidence]) -> dict[str, str]:
    """Each group's name, by its digest; without those that no name tells apart in a block."""
    names: dict[str, str] = {}
    twice = {method for (_, method), count in Counter(
        (found.group.place, found.group.first.method) for found in evidence).items() if count > 1}
    full = Counter((found.group.place, found.group.first.method, found.group.recipe)
                   for found in evidence)
    for found in evidence:
        method, recipe = found.group.first.method, found.group.recipe
        if method not in twice:
            names[found.group.first.group] = method
        elif full[found.group.place, method, recipe] == 1:
            names[found.group.first.group] = f"{method} {recipe}"
    return names


def _build_blocks(
    by_place: Mapping[tuple[str, int], Mapping[str, Evidence]], methods: Sequence[str],
    scores: RunScores,
) -> list[Block]:
    """Every block's scores on the images that all groups of its data set have."""
    means = {place: [stack.mean_over_runs() for name in methods
                     if (stack := stack_runs(found[name].group.runs, scores))]
             for place, found in by_place.items()}
    blocks = []
    for (data, labeled), own in means.items():
        everyone = [each for place, found in means.items() if place[0] == data for each in found]
        common = set.intersection(*map(set, everyone))
        stems = [stem for stem in everyone[0] if stem in common]
        if not stems:
            raise RunError(f"--layout ranks: groups on {data} share no image; give --runs with "
                           "comparable runs alone")
        blocks.append(Block(data, labeled, np.stack(
            [np.array([each[stem] for stem in stems]) for each in own])))
    return blocks
