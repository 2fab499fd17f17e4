"""A trial's run in its worker: reports validations to the study, and lets the pruner decide."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, assert_never

import numpy as np
import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial
from scipy.stats import wilcoxon

from cclcc_cli.config import search_rules as config
from cclcc_cli.runs.folder import RunFolder
from cclcc_cli.runs.pruner import Pruned
from cclcc_cli.runs.records import ResultRecord, TrialRecord, ValidationRecord
from cclcc_cli.sweeps.search.storage import open_storage, storage_errors
from cclcc_cli.sweeps.search.study import load_study

_IMAGES = "cclcc:images:"


@dataclass(frozen=True)
class TrialRun:
    """One run of a trial; plain values, so that it can be sent to any machine.

    Attributes:
        address: of the study's storage.
        study: its name.
        number: of the trial.
        index: which of the trial's runs, from 0.
        count: of its runs.
        steps: optimiser steps of each.
        every: steps between validations.
        objective: a score on validation.
        higher: whether a higher one is better.
        pruner: as the file says.
        setting: short key to value.
    """

    address: str
    study: str
    number: int
    index: int
    count: int
    steps: int
    every: int
    objective: str
    higher: bool
    pruner: config.Pruner
    setting: Mapping[str, str]

    @property
    def record(self) -> TrialRecord:
        """The content of search.json."""
        return TrialRecord(search=self.study, number=self.number, setting=dict(self.setting))


def build_pruner(pruner: config.Pruner, steps: int, count: int, every: int) -> BasePruner:
    """A file's pruner as Optuna's; its steps run through all of a trial's runs."""
    match pruner:
        case config.NoPruner() | config.WilcoxonPruner():  # the latter is computed below
            return NopPruner()
        case config.MedianPruner(startup_trials=startup, warmup=warmup):
            return MedianPruner(startup, n_warmup_steps=int(warmup * steps))
        case config.HyperbandPruner(min_steps=first, reduction=reduction):
            return HyperbandPruner(min_resource=first or every, max_resource=steps * count,
                                   reduction_factor=reduction)
        case never:
            assert_never(never)


class TrialPruner:
    """Reports a run's validations as the trial's, and lets the search's pruner decide.

    Step ``s`` of the trial's run ``i`` is step ``i * steps + s`` of the trial, so a seed or fold is
    compared with the same one of other trials.
    """

    def __init__(self, trial: TrialRun) -> None:
        self._trial = trial
        with storage_errors(trial.address):
            self._storage = _storage(trial.address)
            study_id = self._storage.get_study_id_from_name(trial.study)
            self._study_id = study_id
            self._id = self._storage.get_trial_id_from_study_id_trial_number(
                study_id, trial.number
            )

    def resumed(self, records: Sequence[ValidationRecord]) -> str | None:
        self._report(records)
        # A run that was killed between its report and the pruner's decision must still end.
        return self._ask(records[-1].step) if records else None

    def validated(
        self, record: ValidationRecord, images: Sequence[Mapping[str, float]]
    ) -> str | None:
        if isinstance(self._trial.pruner, config.WilcoxonPruner):
            self._keep_images(record.step, [image[self._trial.objective] for image in images])
        self._report([record])
        return self._ask(record.step)

    def completed(self, records: Sequence[ValidationRecord]) -> None:
        self._report(records)

    def settle(self, folder: RunFolder, result: ResultRecord) -> float:
        """The objective of a finished run; each image's score is kept for later trials."""
        if isinstance(self._trial.pruner, config.WilcoxonPruner):
            with folder.images_table("val").open(encoding="utf-8", newline="") as file:
                scores = [float(row[self._trial.objective]) for row in csv.DictReader(file)]
            self._keep_images(None, scores)
        value = None if result.val is None else result.val.working[self._trial.objective]
        assert value is not None  # the run has just been evaluated
        return value

    def _report(self, records: Sequence[ValidationRecord]) -> None:
        trial, objective = self._trial, self._trial.objective
        with storage_errors(trial.address):
            known = self._storage.get_trial(self._id).intermediate_values
            for record in records:
                step, value = trial.index * trial.steps + record.step, record.val.get(objective)
                if value is not None and known.get(step) != value:
                    with _still_running():
                        self._storage.set_trial_intermediate_value(self._id, step, value)

    def _ask(self, step: int) -> str | None:
        trial = self._trial
        if isinstance(trial.pruner, config.NoPruner):
            return None
        with storage_errors(trial.address):
            if isinstance(trial.pruner, config.WilcoxonPruner):
                return self._ask_wilcoxon(step, trial.pruner)
            pruner = build_pruner(trial.pruner, trial.steps, trial.count, trial.every)
            study = load_study(self._storage, trial.study, optuna.samplers.RandomSampler(), pruner)
            asked = self._storage.get_trial(self._id)
            if not asked.intermediate_values or not pruner.prune(study, asked):
                return None
            value = asked.intermediate_values[trial.index * trial.steps + step]
        return f"{trial.pruner.kind}, {trial.objective} {value:.4f}"

    def _ask_wilcoxon(self, step: int, pruner: config.WilcoxonPruner) -> str | None:
        try:
            best = self._storage.get_best_trial(self._study_id)
        except ValueError:
            return None  # no trial is complete
        own = self._storage.get_trial(self._id)
        mine, others = [], []
        for key in self._comparable(step):
            ours, theirs = _images(own, key), _images(best, key)
            if ours is not None and theirs is not None:
                mine += ours
                others += theirs
        if len(mine) < pruner.startup_images:
            return None
        p = worse_than(mine, others, higher=self._trial.higher)
        if p >= pruner.p:
            return None
        return (f"wilcoxon, {self._trial.objective} {np.mean(mine):.4f} against "
                f"{np.mean(others):.4f} of trial {best.number} on {len(mine)} images, p = {p:.2g}")

    def _comparable(self, step: int) -> list[str]:
        """Keys of the images' scores: earlier runs at their end, this one at this step."""
        done = [f"{_IMAGES}{index}" for index in range(self._trial.index)]
        return [*done, f"{_IMAGES}{self._trial.index}:{step}"]

    def _keep_images(self, step: int | None, scores: Sequence[float]) -> None:
        key = f"{_IMAGES}{self._trial.index}" + ("" if step is None else f":{step}")
        with storage_errors(self._trial.address), _still_running():
            self._storage.set_trial_system_attr(self._id, key, list(scores))


@contextmanager
def _still_running() -> Iterator[None]:
    """A trial that others have ended meanwhile is over for its worker too."""
    try:
        yield
    except UpdateFinishedTrialError as error:
        raise Pruned("the trial is over") from error


def worse_than(mine: Sequence[float], others: Sequence[float], *, higher: bool) -> float:
    """How likely such differences are if one setting is no worse than the other: a p-value.

    The rule of Optuna's WilcoxonPruner: one-sided signed-rank test over pairs, zeros split, and 1
    where the mean is no worse. Pairs are images at one step of training, so that no image counts
    twice. Because it is repeated at each validation, it is a stopping rule and not evidence for a
    paper.

    Args:
        mine: an image's scores each.
        others: scores of the same images by the other setting.
        higher: whether higher scores are better.
    """
    difference = np.asarray(mine) - np.asarray(others)
    if (difference.mean() >= 0) if higher else (difference.mean() <= 0):
        return 1.0
    worse: Literal["less", "greater"] = "less" if higher else "greater"
    return float(wilcoxon(difference, alternative=worse, zero_method="zsplit").pvalue)


def _images(trial: FrozenTrial, key: str) -> list[float] | None:
    scores: list[float] | None = trial.system_attrs.get(key)
    return scores


@lru_cache(maxsize=4)
def _storage(address: str) -> BaseStorage:
    """Kept between the runs of a worker: opening a journal reads all of it."""
    return open_storage(address)
