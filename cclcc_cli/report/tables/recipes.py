"""What the recipes of groups do differently, key by key."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from cclcc_cli.report.gather.details import GroupDetails
from cclcc_cli.report.gather.groups import look_alike, row_name
from cclcc_cli.report.tables.details import plain_layout
from cclcc_cli.report.tables.layouts import Layout
from cclcc_cli.wording import few

COLUMNS = ("key", "value", "groups", "which")
_LEFT_OUT = ("name", "seed")
"""What a row is called, and what a group stands for several of."""
_NAMED = 12


def flat_keys(nested: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """A recipe's keys dotted, its values as text."""
    flat = {}
    for key, value in nested.items():
        if isinstance(value, Mapping):
            flat.update(flat_keys(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = "null" if value is None else str(value)
    return flat


def lay_out_differences(groups: Sequence[GroupDetails]) -> Layout:
    """A row for each value of each key that differs between groups that have it.

    A key that some groups lack, such as an option of another method, is told where those that have
    it differ.
    """
    alike = look_alike([group.group for group in groups])
    found: dict[str, dict[str, list[str]]] = {}
    for group in groups:
        recipe = group.first.cell.get("recipe", {})
        for key, value in flat_keys(recipe).items():
            if key not in _LEFT_OUT:
                found.setdefault(key, {}).setdefault(value, []).append(row_name(group.group, alike))
    rows: list[list[str]] = []
    rules = []
    for key, values in found.items():
        if len(values) > 1:
            rules.append(len(rows))
            rows += [[key, value, str(len(names)), few(names, _NAMED)]
                     for value, names in values.items()]
    return replace(plain_layout(COLUMNS, rows, num_keys=2), rules=rules[1:])
