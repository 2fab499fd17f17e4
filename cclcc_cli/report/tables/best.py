"""Which cells of a table stand out."""

from collections import defaultdict
from collections.abc import Hashable, Sequence

from cclcc_cli.metrics.scores import Metric, score_of

BEST, SECOND = 1, 2


def rank(
    values: Sequence[float | None], groups: Sequence[Hashable], metric: Metric
) -> list[int]:
    """``BEST`` or ``SECOND`` of its group for each value, 0 for the rest.

    Equal values share their rank. Where all are equal none stands out, and a group of one is
    compared with nothing.

    Args:
        values: a mean for each row; None where there is none.
        groups: what each row is compared within.
        metric: tells whether more or less is better.
    """
    members: defaultdict[Hashable, list[float]] = defaultdict(list)
    for value, group in zip(values, groups, strict=True):
        if value is not None:
            members[group].append(value)
    places: dict[Hashable, list[float]] = {
        group: sorted(set(found), reverse=score_of(metric).more_is_better)[:2]
        for group, found in members.items() if len(set(found)) > 1
    }
    return [
        1 + places[group].index(value) if value is not None and value in places.get(group, [])
        else 0
        for value, group in zip(values, groups, strict=True)
    ]
