"""From a trial's setting to its runs."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial

from cclcc_cli.config.design import short_keys
from cclcc_cli.config.launch import Launch
from cclcc_cli.config.recipes import AnyRecipe
from cclcc_cli.config.search_load import CheckedSearch
from cclcc_cli.config.search_summary import OWN_SETTING
from cclcc_cli.config.space import as_text
from cclcc_cli.data.store import Store
from cclcc_cli.errors import CclccError, DataError
from cclcc_cli.runs.identity import RunSpec
from cclcc_cli.sweeps.search.pruner import TrialRun, build_pruner
from cclcc_cli.sweeps.search.sampler import Proposer, suggest
from cclcc_cli.sweeps.search.study import load_study, unused_name
from cclcc_cli.sweeps.search.trials import TrialImpossible, TrialPlan, folder_name
from cclcc_cli.sweeps.worker import Task
from cclcc_cli.training.runtime import Runtime
from cclcc_cli.training.schedule import build_plan

SHOWN_PROPOSALS = 10


@dataclass(frozen=True)
class OpenSearch:
    """A search, its storage, and what all trials share.

    Attributes:
        checked: the file.
        address: of the storage.
        definition: what must not change during the study.
        begun: trials by state, if the study exists already.
        runtime: device, precision and threads, the same for all.
        steps: optimiser steps of the base.
        every: steps between validations.
        store: the data.
        launch: the machines that train the runs.
        data_root: where stores lie.
        runs_root: where run folders are made.
    """

    checked: CheckedSearch
    address: str
    definition: dict[str, Any]
    begun: dict[str, int]
    runtime: Runtime
    steps: int
    every: int
    store: Store
    launch: Launch
    data_root: Path
    runs_root: Path

    @property
    def name(self) -> str:
        return self.checked.search.name

    @property
    def num_runs(self) -> int:
        """Number of runs, if no trial is pruned."""
        return self.checked.num_trials * len(self.checked.search.repetitions)

    def load_study(self, storage: BaseStorage) -> Study:
        """The study as it is now."""
        search = self.checked.search
        pruner = build_pruner(search.pruner, self.steps, len(search.repetitions), self.every)
        return load_study(storage, self.name, Proposer.of(self.checked), pruner)


def repeated(checked: CheckedSearch, recipe: AnyRecipe) -> Iterator[AnyRecipe]:
    """A recipe with each seed or fold of the search."""
    for changes in checked.search.repetitions:
        values = recipe.model_dump()
        if "data.fold" in changes:
            values["data"]["fold"] = changes["data.fold"]
        if "seed" in changes:
            values["seed"] = changes["seed"]
        yield type(recipe).model_validate(values)


def first_proposals(opened: OpenSearch) -> list[dict[str, Any]]:
    """The settings of the first trials, up to those that depend on results."""
    search, name = opened.checked.search, unused_name()
    startup = getattr(search.sampler, "startup_trials", opened.checked.num_trials)
    count = min(opened.checked.num_trials, max(startup, len(opened.checked.listed)),
                SHOWN_PROPOSALS)
    storage = InMemoryStorage()
    study = optuna.create_study(storage=storage, study_name=name, direction=search.direction,
                                sampler=Proposer.of(opened.checked))
    return [suggest(search.space, study.ask()) for _ in range(count)]


def planner(
    opened: OpenSearch, storage: BaseStorage, tracking_uri: str | None
) -> Callable[[FrozenTrial], TrialPlan]:
    """A function from a taken trial to its runs."""

    def plan(trial: FrozenTrial) -> TrialPlan:
        space = opened.checked.search.space
        study = opened.load_study(storage)
        setting = suggest(space, Trial(study, trial._trial_id))
        return plan_trial(opened, trial.number, setting, tracking_uri)

    return plan


def plan_trial(
    opened: OpenSearch, number: int, setting: Mapping[str, Any], tracking_uri: str | None
) -> TrialPlan:
    """The runs of a setting.

    Raises:
        TrialImpossible: it is not a valid recipe, or its number of steps differs from the others'.
    """
    search = opened.checked.search
    short = short_keys(setting)
    words = {short[key]: as_text(value) for key, value in setting.items()}
    run = TrialRun(
        address=opened.address, study=search.name, number=number, index=0,
        count=len(search.repetitions), steps=opened.steps, every=opened.every,
        objective=search.objective, higher=search.direction == "maximize", pruner=search.pruner,
        setting=words,
    )
    tasks = []
    try:
        recipe = opened.checked.recipe(setting, f"{search.name[:50]}-trial{number}")
        for index, one in enumerate(repeated(opened.checked, recipe)):
            made = RunSpec(one, opened.store, opened.runtime)
            made.check_data()
            steps = _check_steps(opened, made)
            tasks.append(Task(
                one.model_dump(mode="json"), made.folder(opened.runs_root), opened.data_root,
                opened.runs_root, opened.runtime, tracking_uri, None,
                replace(run, index=index, steps=steps),
            ))
    except CclccError as error:
        raise TrialImpossible(" ".join(str(error).split())) from error
    return TrialPlan(
        " ".join(f"{key}={value}" for key, value in words.items()), tuple(tasks), steps,
        {"setting from": _source(opened.checked, number),
         "run folders": [folder_name(task) for task in tasks]},
    )


def _source(checked: CheckedSearch, number: int) -> str:
    """Where a trial's setting comes from."""
    if checked.published and number == 0:
        return OWN_SETTING
    listed = len(checked.search.enqueue) + checked.published
    return "listed" if number < listed else checked.search.sampler.kind


def _check_steps(opened: OpenSearch, run: RunSpec) -> int:
    """The run's optimiser steps, which must be the same for all runs."""
    plan = build_plan(run.recipe, len(run.labeled), run.recipe.batch.labeled)
    if plan.total_steps != opened.steps and not opened.checked.search.unequal_budgets:
        raise DataError(f"has {plan.total_steps} optimiser steps, other trials {opened.steps}")
    return plan.total_steps
