"""Which runs an ablation has: the points of its design, by name, before any recipe is made."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

Design = Literal["full", "one_factor", "leave_one_out"]

REPETITIONS = ("seed", "data.fold", "data.selection.seed")
"""Axes that repeat a group and are no factor of their own: every design crosses them in full."""
WHOLE = "all"
"""The group of ``leave_one_out`` that leaves nothing out."""


@dataclass(frozen=True)
class Point:
    """One place in an ablation.

    Attributes:
        variant: the group's name.
        parts: the variants whose overrides it takes, in their order.
        values: dotted key to value, one for each axis.
    """

    variant: str
    parts: tuple[str, ...]
    values: Mapping[str, Any]

    @property
    def place(self) -> str:
        """What the point is called, such as ``no_contrast labeled=0.1 seed=2``."""
        short = short_keys(self.values)
        return " ".join([self.variant, *(f"{short[k]}={v}" for k, v in self.values.items())])

    def matches(self, condition: Mapping[str, Any]) -> bool:
        """Whether all of the condition's keys have its value, or one of its values."""
        own = {"variant": self.variant, **self.values}
        return all(any(same(own[key], one) for one in as_list(allowed))
                   for key, allowed in condition.items())


def group_names(design: Design, variants: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The groups that variants make, and which variants each takes."""
    if design != "leave_one_out":
        return {name: (name,) for name in variants}
    without = {f"without_{name}": tuple(v for v in variants if v != name) for name in variants}
    return {WHOLE: tuple(variants), **without}


def lay_out(
    design: Design,
    variants: Sequence[str],
    axes: Mapping[str, Sequence[Any]],
    baseline: Mapping[str, Any],
) -> Iterator[Point]:
    """All points of a design, each once, in reading order.

    Args:
        design: ``full``: every variant with every combination of values. ``one_factor``: the
            baseline, and what differs from it in one factor, a variant or an axis; repetitions
            are crossed. ``leave_one_out``: all variants together, and all without each, with
            every combination of values.
        variants: their names.
        axes: dotted key to values.
        baseline: ``variant`` and every axis to the value of the baseline.
    """
    groups = group_names(design, variants)
    for variant, *values in product(groups, *axes.values()):
        point = Point(variant, groups[variant], dict(zip(axes, values, strict=True)))
        if design != "one_factor" or _factors_off(point, baseline) <= 1:
            yield point


def _factors_off(point: Point, baseline: Mapping[str, Any]) -> int:
    values = {key: value for key, value in point.values.items() if key not in REPETITIONS}
    return sum(not same(value, baseline[key])
               for key, value in {"variant": point.variant, **values}.items())


def same(one: Any, other: Any) -> bool:
    """Whether two values of a YAML file are the same one: 1 is neither 1.0 nor true there."""
    return type(one) is type(other) and bool(one == other)


def as_list(value: Any) -> list[Any]:
    """A list as it is, anything else as a list of one."""
    return value if isinstance(value, list) else [value]


def short_keys(keys: Sequence[str] | Mapping[str, Any]) -> dict[str, str]:
    """Each dotted key's last part, or the whole key where two would look alike."""
    last = {key: key.rpartition(".")[2] for key in keys}
    alike = [name for name in last.values() if list(last.values()).count(name) > 1]
    return {key: key if name in alike else name for key, name in last.items()}
