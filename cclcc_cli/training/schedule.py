"""Budget and learning rate as functions of the step."""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from cclcc_cli.config.base import BaseRecipe


@dataclass(frozen=True)
class Plan:
    """A recipe's budget in steps.

    Attributes:
        total_steps: optimiser steps in all.
        steps_per_epoch: one pass over the labelled images.
        validate_every: steps between validations.
    """

    total_steps: int
    steps_per_epoch: int
    validate_every: int

    def validates_after(self, steps_done: int) -> bool:
        """Whether a validation follows this many steps; the last step always has one."""
        return steps_done % self.validate_every == 0 or steps_done == self.total_steps


def build_plan(recipe: BaseRecipe, num_labeled: int, batch_labeled: int) -> Plan:
    """Turn epochs over ``num_labeled`` images, or steps as given, into a plan."""
    whole, rest = divmod(num_labeled, batch_labeled)
    # Fewer labels than a batch holds are one step all the same.
    steps_per_epoch = max(whole, 1) if recipe.budget.last_batch == "drop" else whole + (rest > 0)
    if recipe.budget.steps is not None:
        return Plan(recipe.budget.steps, steps_per_epoch, recipe.validation.every)
    assert recipe.budget.epochs is not None
    return Plan(
        recipe.budget.epochs * steps_per_epoch,
        steps_per_epoch,
        recipe.validation.every * steps_per_epoch,
    )


def learning_rate(
    base: float,
    step: int,
    plan: Plan,
    *,
    warmup: Fraction,
    decay: Literal["cosine", "constant"] = "cosine",
    moves: Literal["step", "epoch"] = "step",
    epoch_step: int = 0,
) -> float:
    """The rate for a step: linear warm-up multiplied into half a cosine.

    Args:
        base: the rate at the end of the warm-up.
        step: steps done before, from 0.
        plan: the budget.
        warmup: share of the budget that warms up; the first step's rate is then 0.
        decay: ``constant`` leaves the cosine out.
        moves: ``epoch`` keeps the rate of one of an epoch's steps.
        epoch_step: which, from 0.
    """
    if moves == "epoch":
        step += epoch_step - step % plan.steps_per_epoch
    warm = float(warmup * plan.total_steps)
    rise = min(1.0, step / warm) if warm else 1.0
    if decay == "constant":
        return base * rise
    phase = (step - warm) / max(plan.total_steps - warm, 1)
    return base * rise * 0.5 * (1 + math.cos(math.pi * phase))
