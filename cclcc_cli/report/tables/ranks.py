"""Methods over data sets and numbers of labels: a table of mean ranks and what it can say."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from cclcc_cli.errors import RunError
from cclcc_cli.metrics.scores import metric_name, metric_title
from cclcc_cli.report.evidence.mean_ranks import (
    LEVEL,
    NUM_DRAWS,
    RankTest,
    Stability,
    compare_ranks,
    rank_methods,
    rank_stability,
)
from cclcc_cli.report.evidence.ranking import Ranking, find_ranking
from cclcc_cli.report.evidence.weigh import Evidence, primary_metric
from cclcc_cli.report.gather.finished import Split
from cclcc_cli.report.gather.images import RunScores
from cclcc_cli.report.prose.numbers import p_text
from cclcc_cli.report.tables.table import Column, Row, Table, stored_columns, two_places
from cclcc_cli.wording import counted, few

FEW_BLOCKS = 10
"""Below it Friedman's p is an approximation (Demsar, JMLR 7, 2006)."""


def build_ranks(
    evidence: Sequence[Evidence], scores: RunScores, split: Split
) -> Table:
    """Mean ranks over blocks, the best first.

    Raises:
        RunError: no two methods were run in every block, or a data set's groups share no image.
    """
    ranking, metric = find_ranking(evidence, scores), primary_metric(evidence)
    if ranking is None:
        raise RunError(f"--layout ranks: no two methods were run on every data set and number of "
                       f"labels; there are {_inventory(evidence)}; give --runs or --ablation with "
                       "the same methods on each")
    blocks = ranking.blocks
    ranks = np.stack([rank_methods(block.values.mean(axis=1), metric) for block in blocks])
    test, stability = compare_ranks(ranks), rank_stability(blocks, metric)
    order = np.argsort(test.mean_ranks, kind="stable").tolist()
    columns = [
        Column("method", "method", is_key=True), *stored_columns(["metric", "blocks"]),
        Column("mean_rank", "mean rank", form=two_places),
        Column("first", "first %", "%", form="{:.0f}".format),
        Column("keeps_place", "keeps its place %", "%", form="{:.0f}".format),
        *stored_columns(["friedman_chi_square", "friedman_p", "critical_difference"]),
        *(Column(f"rank {block.data} {block.labeled}", f"{block.data} {block.labeled}",
                 form="{:g}".format) for block in blocks)]
    rows = [Row({
        "method": ranking.methods[n], "metric": metric_name(metric), "blocks": len(blocks),
        "mean_rank": float(test.mean_ranks[n]), "first": float(stability.first[n]),
        "keeps_place": float(stability.kept[n]), "friedman_chi_square": test.chi_square,
        "friedman_p": test.p, "critical_difference": test.critical_difference,
        **{f"rank {block.data} {block.labeled}": float(ranks[b, n])
           for b, block in enumerate(blocks)},
    }) for n in order]
    return Table("rows", f"ranks by mean {split} {metric_title(metric)}, 1 is the best, over "
                 f"{counted(len(blocks), 'block')} (data set and number of labels)",
                 columns, rows, _sentences(ranking, test, stability, order))


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
    return (f"Friedman's test over {counted(blocks, 'block')}: chi-square "
            f"{test.chi_square:.2f} with {counted(len(test.mean_ranks) - 1, 'degree')} of freedom, "
            f"p {p_text(test.p)}{approximate}.")


def _critical_sentence(ranking: Ranking, test: RankTest, order: Sequence[int]) -> str:
    count, critical = len(ranking.methods), test.critical_difference
    start = (f"Mean ranks of {count} methods must differ by {critical:.2f} to be told apart at "
             f"{100 * LEVEL:g} % (Nemenyi)")
    if critical >= count - 1:
        return (f"{start}, and they cannot differ by more than {count - 1}: "
                f"{counted(len(ranking.blocks), 'block is', 'blocks are')} too few for ranks to "
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
