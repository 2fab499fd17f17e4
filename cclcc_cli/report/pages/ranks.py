"""Methods over data sets and numbers of labels: a table of mean ranks and what it can say."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cclcc_cli.errors import RunError
from cclcc_cli.metrics.scores import metric_name, metric_title
from cclcc_cli.report.evidence.mean_ranks import (
    LEVEL,
    NUM_DRAWS,
    Block,
    RankTest,
    Stability,
    compare_ranks,
    rank_methods,
    rank_stability,
)
from cclcc_cli.report.evidence.stacks import stack_runs
from cclcc_cli.report.evidence.weigh import Evidence, judged_metric
from cclcc_cli.report.gather.finished import Split
from cclcc_cli.report.gather.images import ImageScores
from cclcc_cli.report.prose import evidence as words
from cclcc_cli.report.tables.details import plain_layout
from cclcc_cli.report.tables.rows import Record
from cclcc_cli.report.tables.sheet import Table
from cclcc_cli.wording import few

FEW_BLOCKS = 10
"""Below it Friedman's p is an approximation (Demsar, JMLR 7, 2006)."""


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
    evidence: Sequence[Evidence], scores: Mapping[Path, ImageScores]
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


def rank_table(
    evidence: Sequence[Evidence], scores: Mapping[Path, ImageScores], split: Split
) -> Table:
    """Mean ranks over blocks, the best first.

    Raises:
        RunError: no two methods were run in every block, or a data set's groups share no image.
    """
    ranking, metric = find_ranking(evidence, scores), judged_metric(evidence)
    if ranking is None:
        raise RunError(f"--layout ranks: no two methods were run on every data set and number of "
                       f"labels; there are {_inventory(evidence)}; give --runs or --ablation with "
                       "the same methods on each")
    blocks = ranking.blocks
    ranks = np.stack([rank_methods(block.values.mean(axis=1), metric) for block in blocks])
    test, stability = compare_ranks(ranks), rank_stability(blocks, metric)
    order = np.argsort(test.mean_ranks, kind="stable").tolist()
    columns = ["method", "mean rank", "first %", "keeps its place %",
               *(f"{block.data} {block.labeled}" for block in blocks)]
    rows = [[ranking.methods[n], f"{test.mean_ranks[n]:.2f}", f"{100 * stability.first[n]:.0f}",
             f"{100 * stability.kept[n]:.0f}", *(f"{rank:g}" for rank in ranks[:, n])]
            for n in order]
    records: list[Record] = [{
        "method": ranking.methods[n], "metric": metric_name(metric), "blocks": len(blocks),
        "mean_rank": float(test.mean_ranks[n]), "first": float(stability.first[n]),
        "keeps_place": float(stability.kept[n]), "friedman_chi_square": test.chi_square,
        "friedman_p": test.p, "critical_difference": test.critical_difference,
        **{f"rank {block.data} {block.labeled}": float(ranks[b, n])
           for b, block in enumerate(blocks)},
    } for n in order]
    return Table("rows", f"ranks by mean {split} {metric_title(metric)}, 1 is the best, over "
                 f"{_count(len(blocks), 'block', 'blocks')} (data set and number of labels)",
                 plain_layout(columns, rows), records,
                 _sentences(ranking, test, stability, order))


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
    scores: Mapping[Path, ImageScores],
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


def _sentences(
    ranking: Ranking, test: RankTest, stability: Stability, order: Sequence[int]
) -> list[str]:
    blocks, best = len(ranking.blocks), order[0]
    sentences = [_test_sentence(test, blocks), _critical_sentence(ranking, test, order)]
    shared = [data for data, count in Counter(b.data for b in ranking.blocks).items() if count > 1]
    if shared:
        sentences.append(f"Numbers of labels on one data set share its test images "
                         f"({few(shared)}): they are less than so many independent data sets, "
                         "which both of these take them for.")
    sentences.append(
        f"With other images drawn ({NUM_DRAWS:,} draws, the same images for all methods, seeds as "
        f"they are) {ranking.methods[best]} is first in {100 * stability.first[best]:.0f} % and "
        f"keeps its place in {100 * stability.kept[best]:.0f} %.")
    if ranking.left_out:
        sentences.append(f"Left out, because not on every data set and number of labels, or not "
                         f"to be told apart on one: {few(list(ranking.left_out), 8)}.")
    return sentences


def _test_sentence(test: RankTest, blocks: int) -> str:
    approximate = f", an approximation with fewer than {FEW_BLOCKS}" if blocks < FEW_BLOCKS else ""
    return (f"Friedman's test over {_count(blocks, 'block', 'blocks')}: chi-square "
            f"{test.chi_square:.2f} with {len(test.mean_ranks) - 1} degrees of freedom, "
            f"p {words.p_text(test.p)}{approximate}.")


def _critical_sentence(ranking: Ranking, test: RankTest, order: Sequence[int]) -> str:
    count, critical = len(ranking.methods), test.critical_difference
    start = (f"Mean ranks of {count} methods must differ by {critical:.2f} to be told apart at "
             f"{100 * LEVEL:g} % (Nemenyi)")
    if critical >= count - 1:
        return (f"{start}, and they cannot differ by more than {count - 1}: "
                f"{_count(len(ranking.blocks), 'block is', 'blocks are')} too few for ranks to "
                f"mean anything; from {test.enough_blocks} on they could.")
    apart = [f"{ranking.methods[a]} and {ranking.methods[b]}"
             for place, a in enumerate(order) for b in order[place + 1:]
             if test.mean_ranks[b] - test.mean_ranks[a] >= critical]
    return f"{start}: {f'{few(apart, 6)} do' if apart else 'no two of them do'}."


def _inventory(evidence: Sequence[Evidence]) -> str:
    places: dict[tuple[str, int], list[str]] = {}
    for found in evidence:
        places.setdefault(found.group.place, []).append(found.group.first.method)
    return few([f"{data} with {labeled} labels ({few(methods)})"
                for (data, labeled), methods in places.items()])


def _count(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
