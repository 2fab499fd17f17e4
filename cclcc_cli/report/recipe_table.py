"""What the recipes of arms do differently, key by key."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from cclcc_cli.report.detail_tables import plain_layout
from cclcc_cli.report.layouts import Layout
from cclcc_cli.report.run_details import ArmDetails
from cclcc_cli.report.tables import look_alike, row_name
from cclcc_cli.wording import few

COLUMNS = ("key", "value", "arms", "which")
_LEFT_OUT = ("name", "seed")
"""What a row is called, and what an arm stands for several of."""
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


def lay_out_differences(arms: Sequence[ArmDetails]) -> Layout:
    """A row for each value of each key that differs between arms that have it.

    A key that some arms lack, such as an option of another method, is told where those that have
    it differ.
    """
    alike = look_alike([arm.arm for arm in arms])
    found: dict[str, dict[str, list[str]]] = {}
    for arm in arms:
        recipe = arm.first.cell.get("recipe", {})
        for key, value in flat_keys(recipe).items():
            if key not in _LEFT_OUT:
                found.setdefault(key, {}).setdefault(value, []).append(row_name(arm.arm, alike))
    rows: list[list[str]] = []
    rules = []
    for key, values in found.items():
        if len(values) > 1:
            rules.append(len(rows))
            rows += [[key, value, str(len(names)), few(names, _NAMED)]
                     for value, names in values.items()]
    return replace(plain_layout(COLUMNS, rows, num_keys=2), rules=rules[1:])
