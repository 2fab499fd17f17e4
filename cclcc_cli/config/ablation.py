"""An ablation file: one base recipe, named variants of it, axes, and how they are combined."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from cclcc_cli.config.design import (
    REPETITIONS,
    Design,
    Point,
    as_list,
    group_names,
    lay_out,
    same,
    short_keys,
)
from cclcc_cli.config.library import find_file
from cclcc_cli.config.load import (
    explain,
    parse_recipe,
    read_base,
    read_yaml,
    split_override,
    vary,
)
from cclcc_cli.config.recipes import AnyRecipe
from cclcc_cli.config.schema import Count, Name, Section
from cclcc_cli.errors import RecipeError
from cclcc_cli.wording import instead

_KEY = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_PLAIN = "base"
"""The only group of a file without variants."""
_UNNAMED = {*REPETITIONS, "data.labeled", "data.name", "data.size"}
"""Axes that a report has columns for; the others become part of the recipe's name."""


def _parse_overrides(value: Any) -> Any:
    if value is None:
        value = {}
    if isinstance(value, list):
        pairs = [_split(item) for item in value]
        twice = [key for key, count in Counter(k for k, _ in pairs).items() if count > 1]
        if twice:
            raise ValueError(f"{', '.join(twice)} is set twice")
        value = dict(pairs)
    if not isinstance(value, dict):
        raise ValueError("give a mapping such as {clcc.grid: 4}, or a list such as [clcc.grid=4]")
    for key in value:
        _check_key(key)
    return value


def _split(item: Any) -> tuple[str, Any]:
    if not isinstance(item, str):
        raise ValueError(f"{item!r}: write it as key.subkey=value")
    try:
        return split_override(item, item)
    except RecipeError as error:
        raise ValueError(str(error)) from None


def _check_key(key: Any) -> str:
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise ValueError(f"{key!r} is no key of a recipe; write it as section.key")
    if key == "name":
        raise ValueError("'name' is made from the variant's name; leave it out")
    return key


def _parse_axes(value: Any) -> Any:
    if not isinstance(value, dict):
        raise ValueError("give a mapping of keys to lists, such as {seed: [0, 1, 2]}")
    for key, values in value.items():
        _check_key(key)
        if key == "method":
            raise ValueError("'method' brings keys of its own; make each method a variant")
        if not isinstance(values, list) or not values:
            raise ValueError(f"{key} = {values!r}: give a list of one or more values")
        for index, one in enumerate(values):
            if any(same(one, previous) for previous in values[:index]):
                raise ValueError(f"{key} has {one!r} twice")
        if key == "data.selection.seed" and len({type(one) for one in values}) > 1:
            raise ValueError(f"{key} = {values!r}: numbers repeat a group with other labelled "
                             "subsets, which another kind of value does not; give numbers alone")
    return value


def _parse_base(value: Any) -> Any:
    if not isinstance(value, str | dict):
        raise ValueError("give a recipe file, or the recipe's keys")
    return value


def _parse_baseline(value: Any) -> Any:
    if not isinstance(value, str | dict):
        raise ValueError("give a variant's name, or keys and values")
    return {"variant": value} if isinstance(value, str) else value


Overrides = Annotated[dict[str, Any], BeforeValidator(_parse_overrides)]


class Ablation(Section):
    """What an ablation file may hold."""

    name: Name
    """What to call it; a file of its own keeps its plan under this name."""
    base: Annotated[str | dict[str, Any], BeforeValidator(_parse_base)]
    """A recipe file, from this file's folder, or the recipe's keys themselves."""
    variants: dict[Name, Overrides] = Field(default_factory=dict)
    """Name to overrides: ``{clcc.grid: 4}`` or ``[clcc.grid=4]``; may replace the method."""
    axes: Annotated[dict[str, list[Any]], BeforeValidator(_parse_axes)] = Field(
        default_factory=dict
    )
    """Dotted key to its values."""
    design: Design = "full"
    """How variants and axes are combined."""
    exclude: list[dict[str, Any]] = Field(default_factory=list)
    """Points to leave out, where all keys of one item match."""
    baseline: Annotated[dict[str, Any], BeforeValidator(_parse_baseline)] = Field(
        default_factory=dict
    )
    """The group that others are compared with: a variant, or keys and values; else the first."""
    unequal_budgets: bool = False
    """Whether groups may differ in their number of optimiser steps."""
    margin: Annotated[float, Field(gt=0, le=100, strict=False)] = 2.0
    """Points of the score within which a difference counts as none: 'equivalent' in reports."""
    threads: Count | None = None
    """CPU threads of every run, and part of what it is; null: one."""

    @property
    def variant_names(self) -> list[str]:
        return list(self.variants) or [_PLAIN]

    @property
    def choices(self) -> dict[str, list[Any]]:
        """What a condition can name: ``variant`` and every axis, with their values."""
        return {"variant": list(group_names(self.design, self.variant_names)), **self.axes}

    @property
    def baseline_values(self) -> dict[str, Any]:
        """The baseline's variant and value on each axis."""
        return {**{key: values[0] for key, values in self.choices.items()}, **self.baseline}

    @model_validator(mode="after")
    def _conditions_name_what_there_is(self) -> Self:
        if self.design == "leave_one_out" and not self.variants:
            raise ValueError("design = leave_one_out: needs variants, the parts to leave out")
        for item in self.exclude:
            self._check_condition("exclude", item)
            if not item:
                raise ValueError("exclude: an item without keys would leave out everything")
        baseline = self.baseline_values
        self._check_condition("baseline", baseline)
        if any(isinstance(value, list) for value in baseline.values()):
            raise ValueError("baseline: give one value for each key")
        return self

    def _check_condition(self, where: str, condition: Mapping[str, Any]) -> None:
        for key, allowed in condition.items():
            if key not in self.choices:
                raise ValueError(f"{where}: {key} is neither 'variant' nor an axis; "
                                 f"{instead(key, self.choices, 'allowed')}")
            for value in as_list(allowed):
                if not any(same(value, one) for one in self.choices[key]):
                    raise ValueError(f"{where}: {key} = {value!r}: not in this ablation; "
                                     f"{instead(value, self.choices[key], 'allowed')}")


@dataclass(frozen=True)
class Arrangement:
    """A checked ablation and the recipe of each of its points.

    Attributes:
        ablation: the file's content.
        points: in reading order.
        recipes: one for each.
    """

    ablation: Ablation
    points: tuple[Point, ...]
    recipes: tuple[AnyRecipe, ...]


def load_ablation(path: Path, overrides: Sequence[str] = ()) -> Arrangement:
    """Read an ablation file, and make and check the recipe of each point.

    Args:
        path: a YAML file, or the name of one that comes with cclcc.
        overrides: ``a.b=value`` pairs laid over the base recipe.

    Raises:
        RecipeError: one line per problem, each with its key, its value and what is allowed.
    """
    path = find_file(path, "ablation")
    raw = read_yaml(path, "ablation", "name", "base")
    try:
        ablation = Ablation.model_validate(raw)
    except ValidationError as error:
        lines = [f"{path}: {line}" for line in explain(error, raw, Ablation)]
        raise RecipeError("\n".join(lines)) from None
    base, _ = read_base(ablation.base, ablation.name, path, overrides)
    points = _lay_out(ablation, path)
    recipes: list[AnyRecipe] = []
    problems: dict[str, list[str]] = {}
    for point in points:
        try:
            recipes.append(_recipe(ablation, point, base, path.parent))
        except RecipeError as error:
            for line in str(error).split("\n"):
                problems.setdefault(line, []).append(point.place)
    if problems:
        raise RecipeError("\n".join(f"{path}: {places[0]}{_more(places)}: {line}"
                                    for line, places in problems.items()))
    return Arrangement(ablation, tuple(points), tuple(recipes))


def _more(places: list[str]) -> str:
    return f" and {len(places) - 1} more" if len(places) > 1 else ""


def _lay_out(ablation: Ablation, path: Path) -> list[Point]:
    points = list(lay_out(ablation.design, ablation.variant_names, ablation.axes,
                          ablation.baseline_values))
    lines = [f"{path}: exclude: {item} matches nothing of this design; leave it out"
             for item in ablation.exclude if not any(point.matches(item) for point in points)]
    left = [p for p in points if not any(p.matches(item) for item in ablation.exclude)]
    if not left:
        lines.append(f"{path}: exclude: leaves nothing to run")
    if lines:
        raise RecipeError("\n".join(lines))
    return left


def _recipe(
    ablation: Ablation, point: Point, base: dict[str, Any], folder: Path
) -> AnyRecipe:
    overrides = [item for part in point.parts
                 for item in ablation.variants.get(part, {}).items()]
    overrides += list(point.values.items())
    raw = vary(base, overrides, folder)
    raw["name"] = _name(point)
    return parse_recipe(raw, "recipe", folder)


def _name(point: Point) -> str:
    """The recipe's name: the variant, and the values that no column of a report shows."""
    short = short_keys(point.values)
    parts = [f"{short[key]}{value}" for key, value in point.values.items() if key not in _UNNAMED]
    return re.sub(r"[^A-Za-z0-9._-]+", "_", "-".join([point.variant, *parts]))[:64]


