"""A search file: a base recipe, which keys of it to vary and how, and what is to be best."""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, Field, ValidationError, model_validator

from cclcc_cli.config.base import BaseRecipe
from cclcc_cli.config.design import as_list, same
from cclcc_cli.config.load import explain, parse_recipe, read_yaml, set_key
from cclcc_cli.config.recipes import AnyRecipe
from cclcc_cli.config.schema import Count, Name, Section, Seed, Share, default_tag
from cclcc_cli.config.space import Categorical, Int, Space, fulfils, grid_points, grid_values
from cclcc_cli.errors import RecipeError

OBJECTIVES: dict[str, Literal["maximize", "minimize"]] = {
    "dice": "maximize", "iou": "maximize", "precision": "maximize", "recall": "maximize",
    "specificity": "maximize", "accuracy": "maximize",
    "mae": "minimize", "hd95": "minimize", "assd": "minimize",
}
"""Scores on the validation split, and which way is better."""
_AT_THE_END = ("hd95", "assd")
"""Not computed while training goes on."""
_FIXED = {
    "name": "it determines nothing",
    "method": "it brings keys of its own; search each method with a file of its own",
    "seed": "the luckiest seed is no better setting; average over seeds: [0, 1, 2]",
    "data.fold": "the easiest fold is no better setting; average over folds: [0, 1, 2]",
    "data.name": "scores on other images cannot be compared",
    "data.size": "scores at another size cannot be compared",
    "validation.every": "trials are compared at the same steps",
}
_RULES = ("evaluation.test_on", "evaluation.validation_on", "evaluation.total_miss",
          "evaluation.mae_on")
_BUDGET = ("budget", "validation.patience")
MAX_GRID = 10_000


class TpeSampler(Section):
    """Tree-structured Parzen estimator: draws where good trials lie dense."""

    kind: Literal["tpe"] = "tpe"
    seed: Seed = 0
    """Of all draws."""
    startup_trials: Annotated[int, Field(ge=0)] = 10
    """Trials drawn at random before it begins."""


class GpSampler(Section):
    """Gaussian process: models the objective; slower, good for few trials of few numbers."""

    kind: Literal["gp"]
    seed: Seed = 0
    """Of all draws."""
    startup_trials: Annotated[int, Field(ge=0)] = 10
    """Trials drawn at random before it begins."""


class RandomSampler(Section):
    """Each trial by itself."""

    kind: Literal["random"]
    seed: Seed = 0
    """Of all draws."""


class GridSampler(Section):
    """Every combination once, in reading order; needs choices, whole numbers or steps."""

    kind: Literal["grid"]


class NoPruner(Section):
    """Every trial is trained to its end."""

    kind: Literal["none"] = "none"


class MedianPruner(Section):
    """Ends a trial whose best score so far is worse than the others' median at the same step."""

    kind: Literal["median"]
    startup_trials: Count = 5
    """Finished trials before it begins."""
    warmup: Share = Fraction(0)
    """Share of a trial's steps in which it is left alone."""


class HyperbandPruner(Section):
    """Ends all but the best of each bracket at steps that grow by a factor."""

    kind: Literal["hyperband"]
    min_steps: Count | None = None
    """The first of these steps; null: the first validation."""
    reduction: Annotated[int, Field(ge=2)] = 3
    """The factor, and the share that goes on is one in so many."""


class WilcoxonPruner(Section):
    """Ends a trial that is worse than the best one on the same images, by a signed-rank test."""

    kind: Literal["wilcoxon"]
    p: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Below it a trial ends."""
    startup_images: Annotated[int, Field(ge=2)] = 6
    """Images (times seeds or folds) that it needs."""


def _kind_of(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


Sampler = Annotated[
    Annotated[TpeSampler | GpSampler | RandomSampler | GridSampler, Field(discriminator="kind")],
    default_tag("kind", "tpe"), BeforeValidator(_kind_of),
]
Pruner = Annotated[
    Annotated[NoPruner | MedianPruner | HyperbandPruner | WilcoxonPruner,
              Field(discriminator="kind")],
    default_tag("kind", "none"), BeforeValidator(_kind_of),
]


def _parse_objective(value: Any) -> Any:
    allowed = f"allowed: {', '.join(OBJECTIVES)}"
    if isinstance(value, str) and "test" in value.lower():
        raise ValueError("a search never reads the test split: whoever chooses by it has nothing "
                         f"left to test on; give a score on validation; {allowed}")
    name = value.removeprefix("val.").removeprefix("val/") if isinstance(value, str) else value
    if name not in OBJECTIVES:
        raise ValueError(f"unknown; {allowed}")
    return name


def _parse_base(value: Any) -> Any:
    if not isinstance(value, str | dict):
        raise ValueError("give a recipe file, or the recipe's keys")
    return value


class Search(Section):
    """What a search file may hold."""

    name: Name
    """What to call it; the study bears this name."""
    base: Annotated[str | dict[str, Any], BeforeValidator(_parse_base)]
    """A recipe file, from this file's folder, or the recipe's keys themselves."""
    space: Annotated[Space, Field(min_length=1)]
    """Dotted key to what to try: a list, or {kind: uniform | log | int | categorical, ...}."""
    objective: Annotated[str, BeforeValidator(_parse_objective)] = "dice"
    """A score on validation at the best checkpoint; its name says which way is better."""
    trials: Count
    """In all, those of former starts included."""
    seeds: Annotated[list[Seed], Field(min_length=1)] | None = None
    """The objective is the mean over trainings with these."""
    folds: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)] | None = None
    """The objective is the mean over these folds of the store."""
    sampler: Sampler = TpeSampler()
    """How settings are proposed."""
    pruner: Pruner = NoPruner()
    """How hopeless trials are ended."""
    enqueue_base: bool = True
    """Whether the base's own setting is the first trial."""
    enqueue: list[dict[str, Any]] = Field(default_factory=list)
    """Settings to try next; keys left out are the base's."""
    unequal_budgets: bool = False
    """Whether trials may differ in their number of optimiser steps."""
    threads: Count | None = None
    """CPU threads of every training; null: the machine's, divided among the workers of the first
    start, and kept."""

    @property
    def direction(self) -> Literal["maximize", "minimize"]:
        return OBJECTIVES[self.objective]

    @property
    def repetitions(self) -> list[dict[str, int]]:
        """What each training of a trial changes besides the trial's own values."""
        if self.seeds is not None:
            return [{"seed": seed} for seed in self.seeds]
        return [{"data.fold": fold} for fold in self.folds] if self.folds is not None else [{}]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        problems = [*self._space_problems(), *self._condition_problems()]
        if self.seeds is not None and self.folds is not None:
            problems.append("seeds, folds: give one of the two")
        for name in ("seeds", "folds"):
            given = getattr(self, name) or []
            if len(set(given)) < len(given):
                problems.append(f"{name} = {given}: has a number twice")
        if self.objective in _AT_THE_END and not isinstance(self.pruner, NoPruner):
            problems.append(f"pruner.kind = {self.pruner.kind}: {self.objective} is computed at "
                            "the end of a training only; allowed: none")
        if self.unequal_budgets and not isinstance(self.pruner, NoPruner):
            problems.append(f"pruner.kind = {self.pruner.kind}: trials of unequal budgets cannot "
                            "be compared step by step; allowed: none")
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _space_problems(self) -> Iterator[str]:
        for key, dimension in self.space.items():
            fixed = next((f for f in _FIXED if key == f or f.startswith(f"{key}.")), None)
            if fixed is not None:
                yield f"space: {key} cannot be searched: {_FIXED[fixed]}"
            elif key in _RULES or key == "evaluation":
                yield f"space: {key} cannot be searched: it is how the objective is measured"
            elif not self.unequal_budgets and key.startswith(_BUDGET):
                yield (f"space: {key} gives trials unequal budgets; leave it out, or write "
                       "unequal_budgets: true into the file")
            if isinstance(self.sampler, GridSampler) and grid_values(dimension) is None:
                yield (f"space: {key}: sampler.kind = grid needs values that can be counted; "
                       "give a list, kind: int, or a step")

    def _condition_problems(self) -> Iterator[str]:
        above: dict[str, Any] = {}
        for key, dimension in self.space.items():
            for other, allowed in dimension.when.items():
                if other not in above:
                    there = ", ".join(above) or "none"
                    yield f"space: {key}: when: {other} is no key above it; allowed: {there}"
                    continue
                if not isinstance(above[other], Categorical | Int):
                    yield f"space: {key}: when: {other} must be a choice or a whole number"
                    continue
                yield from (f"space: {key}: when: {other} = {value!r} {problem}"
                            for value in as_list(allowed)
                            if (problem := _never(above[other], value)))
            above[key] = dimension


def _never(dimension: Categorical | Int, wanted: Any) -> str | None:
    """Why a dimension never has a wanted value."""
    if isinstance(dimension, Categorical):
        found = any(fulfils(one, wanted) for one in dimension.choices)
        return None if found else dimension.problem(wanted)
    return dimension.problem(wanted)


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


def load_search(path: Path) -> CheckedSearch:
    """Read a search file; check the base, every extreme of the space, and what is listed.

    Raises:
        RecipeError: one line per problem, each with its key, its value and what is allowed.
    """
    raw = read_yaml(path, "search", "name", "base")
    try:
        search = Search.model_validate(raw)
    except ValidationError as error:
        lines = [line for text in explain(error, raw, Search) for line in text.split("\n")]
        raise RecipeError("\n".join(f"{path}: {_spoken(line)}" for line in lines)) from None
    base_raw, base = _base(search, path)
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


def _base(search: Search, path: Path) -> tuple[dict[str, Any], AnyRecipe]:
    if isinstance(search.base, str):
        file = path.parent / search.base
        raw, where = read_yaml(file, "recipe", "name", "method"), str(file)
    else:
        raw, where = {"name": search.name, **search.base}, f"{path}: base"
    return raw, parse_recipe(raw, where)


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
        if any(_alike(point, former) for former in points[:index]):
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
    problems = [f"{key}: is no key of the space; allowed: {', '.join(search.space)}"
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
