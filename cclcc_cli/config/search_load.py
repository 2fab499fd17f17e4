"""A search file in, a search whose every extreme is a valid recipe out."""

import copy
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from cclcc_cli.config.base import BaseRecipe
from cclcc_cli.config.design import as_list, same
from cclcc_cli.config.library import find_file
from cclcc_cli.config.load import explain, parse_recipe, read_base, read_yaml, set_key, vary
from cclcc_cli.config.recipes import AnyRecipe
from cclcc_cli.config.search import Search
from cclcc_cli.config.search_rules import GridSampler
from cclcc_cli.config.space import Categorical, fulfils, grid_points
from cclcc_cli.errors import RecipeError
from cclcc_cli.wording import instead

MAX_GRID = 10_000


@dataclass(frozen=True)
class CheckedSearch:
    """A search whose every extreme is a valid recipe.

    Attributes:
        search: the file's content.
        raw: the base recipe's plain values.
        base: the base recipe.
        listed: settings to try first, in order; for a grid, all of it.
        published: whether the first of them is the base's own.
        probes: a recipe for each extreme value of each dimension.
    """

    search: Search
    raw: dict[str, Any]
    base: AnyRecipe
    listed: tuple[dict[str, Any], ...]
    published: bool
    probes: tuple[AnyRecipe, ...]

    @property
    def num_trials(self) -> int:
        """Trials in all; a grid has no more than its points."""
        if isinstance(self.search.sampler, GridSampler):
            return min(self.search.trials, len(self.listed))
        return self.search.trials

    def recipe(self, values: Mapping[str, Any], name: str) -> AnyRecipe:
        """The base with a setting of the space laid over it.

        Raises:
            RecipeError: this combination is no valid recipe.
        """
        return _recipe(self.raw, values, name)


def load_search(path: Path, overrides: Sequence[str] = ()) -> CheckedSearch:
    """Read a search file; check the base, every extreme of the space, and what is listed.

    Args:
        path: a YAML file, or the name of one that comes with cclcc.
        overrides: ``a.b=value`` pairs laid over the base recipe.

    Raises:
        RecipeError: one line per problem, each with its key, its value and what is allowed.
    """
    path = find_file(path, "search")
    raw = read_yaml(path, "search", "name", "base")
    try:
        search = Search.model_validate(raw)
    except ValidationError as error:
        lines = [line for text in explain(error, raw, Search) for line in text.split("\n")]
        raise RecipeError("\n".join(f"{path}: {_spoken(line)}" for line in lines)) from None
    base_raw, base = read_base(search.base, search.name, path, overrides)
    if search.variant:
        base_raw = vary(base_raw, search.variant.items(), path.parent)
        base = parse_recipe(base_raw, f"{path}: variant", path.parent)
    probes, problems = _probe(search, base_raw)
    listed: list[dict[str, Any]] = []
    published = False
    if not problems:
        listed, published, problems = _listed(search, base_raw, base)
    if problems:
        raise RecipeError("\n".join(f"{path}: {line}" for line in problems))
    return CheckedSearch(search, base_raw, base, tuple(listed), published, tuple(probes))


def _spoken(line: str) -> str:
    # A dimension's kind is no key on the way to it.
    line = re.sub(r"^(space\.\S+?)\.(uniform|log|int|categorical)(?=[:.]| =)", r"\1", line)
    return line.replace("list should have at least 1 item after validation, not 0",
                        "give one or more").replace(
        "dictionary should have at least 1 item after validation, not 0", "give one or more")


def _recipe(raw: Mapping[str, Any], values: Mapping[str, Any], name: str | None) -> AnyRecipe:
    changed = copy.deepcopy(dict(raw))
    for key, value in values.items():
        set_key(changed, key, copy.deepcopy(value), f"{key} = {value}")
    if name is not None:
        changed["name"] = name
    return parse_recipe(changed, "recipe")


def _probe(search: Search, raw: Mapping[str, Any]) -> tuple[list[AnyRecipe], list[str]]:
    """The recipe of each extreme value, the rest the base's; and what is wrong with them."""
    recipes: list[AnyRecipe] = []
    problems: list[str] = []
    for key, dimension in search.space.items():
        needed = _needed(search, key)
        for value in dimension.extremes:
            try:
                recipes.append(_recipe(raw, {**needed, key: value}, None))
            except RecipeError as error:
                problems += [f"space: {key} = {value}: {line}" for line in str(error).split("\n")]
    return recipes, list(dict.fromkeys(problems))


def _needed(search: Search, key: str) -> dict[str, Any]:
    """Values above a dimension with which it is there, in the order of the space."""
    needed: dict[str, Any] = {}
    for other, allowed in search.space[key].when.items():
        wanted = as_list(allowed)[0]
        dimension = search.space[other]
        if isinstance(dimension, Categorical):
            wanted = next(one for one in dimension.choices if fulfils(one, wanted))
        needed |= {**_needed(search, other), other: wanted}
    return {one: needed[one] for one in search.space if one in needed}


def _listed(
    search: Search, raw: Mapping[str, Any], base: BaseRecipe
) -> tuple[list[dict[str, Any]], bool, list[str]]:
    own, problems = _own_setting(search, raw, base)
    points = []
    if search.enqueue_base:
        if problems:
            lines = [f"{line}; widen the space, or write enqueue_base: false"
                     for line in problems]
            return [], False, lines
        points.append(own)
    problems = []
    for place, given in enumerate(search.enqueue):
        point, wrong = _complete(search, given, own)
        problems += [f"enqueue.{place}: {line}" for line in wrong]
        if not wrong:
            points.append(point)
    for index, point in enumerate(points):
        if any(_alike(point, previous) for previous in points[:index]):
            problems.append(f"enqueue: {json.dumps(point)} is listed twice, or is the base's own")
    if isinstance(search.sampler, GridSampler):
        every = grid_points(search.space)
        if len(every) > MAX_GRID:
            problems.append(f"space: has {len(every)} points; a grid may have {MAX_GRID}")
        points += [one for one in every if not any(_alike(one, known) for known in points)]
    return points, search.enqueue_base, problems


def _alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return one.keys() == other.keys() and all(same(one[key], other[key]) or one[key] == other[key]
                                              for key in one)


def _own_setting(
    search: Search, raw: Mapping[str, Any], base: BaseRecipe
) -> tuple[dict[str, Any], list[str]]:
    """The base as a point of the space, and why it is none."""
    point: dict[str, Any] = {}
    problems: list[str] = []
    for key, dimension in search.space.items():
        if not dimension.is_active(point):
            continue
        value = _value_at(base, key)
        if isinstance(dimension, Categorical):
            found = [one for one in dimension.choices if _is_base(search, raw, base, key, one)]
            problem = None if found else dimension.problem(value) or "is another"
            value = found[0] if found else value
        else:
            problem = dimension.problem(value)
        if problem:
            problems.append(f"enqueue_base: the base's own {key} = {_plain(value)} {problem}")
        point[key] = value
    return point, problems


def _is_base(
    search: Search, raw: Mapping[str, Any], base: BaseRecipe, key: str, choice: Any
) -> bool:
    """Whether the base has a choice, searched keys inside of it left aside."""
    inside = {k: _value_at(base, k) for k in search.space if k.startswith(f"{key}.")}
    kept = {k: value for k, value in inside.items() if value is not None}
    try:
        return _recipe(raw, {key: choice, **kept}, None) == base
    except RecipeError:
        return False


def _value_at(recipe: BaseRecipe, key: str) -> Any:
    node: Any = recipe
    for part in key.split("."):
        node = getattr(node, part, None)
    if isinstance(node, BaseModel):
        return node.model_dump(mode="json")
    return float(node) if isinstance(node, Fraction) else node


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _complete(
    search: Search, given: Mapping[str, Any], own: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """A listed setting with the base's values where it is silent, and what is wrong with it."""
    problems = [f"{key}: is no key of the space; {instead(key, search.space, 'allowed')}"
                for key in given if key not in search.space]
    point: dict[str, Any] = {}
    for key, dimension in search.space.items():
        if not dimension.is_active(point):
            if key in given:
                problems.append(f"{key}: is not there with these values; see its when")
            continue
        if key not in given and key not in own:
            problems.append(f"{key}: is missing, and the base has none; add it")
            continue
        value = given.get(key, own.get(key))
        if problem := dimension.problem(value):
            problems.append(f"{key} = {_plain(value)} {problem}")
        point[key] = value
    return point, problems
