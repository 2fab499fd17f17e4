"""What the recipes of groups do differently, key by key."""

from collections.abc import Sequence

from cclcc_cli.report.gather.details import GroupDetails, flat_keys
from cclcc_cli.report.tables.best import rule_between
from cclcc_cli.report.tables.columns import row_names
from cclcc_cli.report.tables.table import Column, Row, Table
from cclcc_cli.wording import few

_LEFT_OUT = ("name", "seed")
"""What a row is called, and what a group stands for several of."""
_NAMED = 12


def build_differences(groups: Sequence[GroupDetails]) -> Table:
    """A row for each value of each key that differs between groups that have it.

    A key that some groups lack, such as an option of another method, is listed where those that
    have it differ.
    """
    names = row_names([group.group for group in groups])
    found: dict[str, dict[str, list[str]]] = {}
    for group, name in zip(groups, names, strict=True):
        for key, value in flat_keys(group.first.record.recipe).items():
            if key not in _LEFT_OUT:
                found.setdefault(key, {}).setdefault(value, []).append(name)
    rows = [Row({"key": key, "value": value, "groups": len(having), "which": few(having, _NAMED)})
            for key, values in found.items() if len(values) > 1
            for value, having in values.items()]
    return Table("differences", "How recipes differ", [
        Column("key", "key", is_key=True), Column("value", "value", is_key=True),
        Column("groups", "groups"), Column("which", "which")],
        rule_between(rows, [row.values["key"] for row in rows]))
