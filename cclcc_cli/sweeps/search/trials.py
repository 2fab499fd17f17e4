"""A trial's runs, and trials by state."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from cclcc_cli.sweeps.worker import Task


@dataclass(frozen=True)
class TrialPlan:
    """The runs of a trial.

    Attributes:
        setting: in a line.
        tasks: its runs, in order.
        steps: optimiser steps of each.
        attributes: the trial's user attributes in the study.
    """

    setting: str
    tasks: tuple[Task, ...]
    steps: int
    attributes: Mapping[str, Any]


class TrialImpossible(Exception):
    """A setting that cannot be trained; the message says why."""


def state_counts(trials: Sequence[FrozenTrial]) -> dict[str, int]:
    """Number of trials by state."""
    names = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned",
             TrialState.FAIL: "failed", TrialState.RUNNING: "running",
             TrialState.WAITING: "to do"}
    return dict(Counter(names[trial.state] for trial in trials))


def folder_name(task: Task) -> str:
    """A task's run folder as ``<data set>/<run>``."""
    return f"{task.folder.parent.name}/{task.folder.name}"
