"""What two groups' recipes do differently, key by key."""


from cclcc_cli.report.gather.details import flat_keys, read_record
from cclcc_cli.report.gather.groups import Group

ABSENT = "-"
"""Stands for a key that a recipe does not have."""


def differing_keys(one: Group, other: Group) -> dict[str, tuple[str, str]]:
    """Recipe keys whose values differ, dotted, with both values as text.

    Seed, fold and label seed are left out where a group stands for several of them.
    """
    first, second = (flat_keys(read_record(group.first).recipe) for group in (one, other))
    for key, several in (("seed", max(len(one.seeds), len(other.seeds)) > 1),
                         ("data.fold", one.folds or other.folds),
                         ("data.selection.seed", one.subsets or other.subsets)):
        if several:
            first.pop(key, None)
            second.pop(key, None)
    return {
        key: (first.get(key, ABSENT), second.get(key, ABSENT))
        for key in dict.fromkeys([*first, *second])
        if first.get(key, ABSENT) != second.get(key, ABSENT)
    }
