"""A search file: a base recipe, which keys of it to vary and how, and what is to be best."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from cclcc_cli.config.design import as_list
from cclcc_cli.config.schema import Count, Name, Section, Seed
from cclcc_cli.config.search_rules import GridSampler, NoPruner, Pruner, Sampler, TpeSampler
from cclcc_cli.config.space import Categorical, Int, Space, fulfils, grid_values
from cclcc_cli.metrics.scores import TABLE, score
from cclcc_cli.wording import instead

OBJECTIVES: dict[str, Literal["maximize", "minimize"]] = {
    row.key: "maximize" if row.more_is_better else "minimize" for row in TABLE}
"""Scores on the validation split, and which way is better."""
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

def _parse_objective(value: Any) -> Any:
    if isinstance(value, str) and "test" in value.lower():
        raise ValueError("a search never reads the test split: whoever chooses by it has nothing "
                         f"left to test on; give a score on validation: {', '.join(OBJECTIVES)}")
    name = value.removeprefix("val.").removeprefix("val/") if isinstance(value, str) else value
    if name not in OBJECTIVES:
        raise ValueError(f"unknown; {instead(name, OBJECTIVES, 'allowed')}")
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
    variant: dict[str, Any] = Field(default_factory=dict)
    """Dotted keys laid over the base; another method drops the keys of the base's own method,
    as in an ablation."""
    space: Annotated[Space, Field(min_length=1)]
    """Dotted key to what to try: a list, or {kind: uniform | log | int | categorical, ...}."""
    objective: Annotated[str, BeforeValidator(_parse_objective)] = "dice"
    """A score on validation at the best checkpoint; its name says which way is better."""
    trials: Count
    """In all, those of earlier starts included."""
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
    """CPU threads of every training, and part of what it is; null: one."""

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
        if score(self.objective).from_outlines and not isinstance(self.pruner, NoPruner):
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
                    yield (f"space: {key}: when: {other} is no key above it; "
                           f"{instead(other, above, 'allowed')}")
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
