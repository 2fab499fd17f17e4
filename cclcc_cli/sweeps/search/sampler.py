"""A trial's setting: a function of the search's seed, the trial's number and earlier trials.

No state is kept between two proposals. So a search that was killed proposes what it would have
proposed anyway, and processes that share a study do not repeat each other because of a shared seed.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, assert_never

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.samplers import GPSampler as OptunaGp
from optuna.samplers import RandomSampler as OptunaRandom
from optuna.samplers import TPESampler as OptunaTpe
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial

from cclcc_cli.config.search_load import CheckedSearch
from cclcc_cli.config.search_rules import (
    GpSampler,
    GridSampler,
    RandomSampler,
    Sampler,
    TpeSampler,
)
from cclcc_cli.config.space import Categorical, Dimension, Int, Log, Space, Uniform
from cclcc_cli.sweeps.search.storage import quiet_experiments


def _stored(choice: Any) -> Any:
    """A choice as Optuna stores it: plain values as they are, lists and sections as text."""
    plain = choice is None or isinstance(choice, bool | int | float | str)
    return choice if plain else json.dumps(choice)


def suggest(space: Space, trial: Trial) -> dict[str, Any]:
    """The trial's setting: drawn if the trial is new, read if it has one already."""
    values: dict[str, Any] = {}
    for key, dimension in space.items():
        if not dimension.is_active(values):
            continue
        values[key] = read_value(dimension, _suggest(trial, key, dimension))
    return values


def _suggest(trial: Trial, key: str, dimension: Dimension) -> Any:
    match dimension:
        case Uniform(low=low, high=high, step=step):
            return trial.suggest_float(key, low, high, step=step)
        case Log(low=low, high=high):
            return trial.suggest_float(key, low, high, log=True)
        case Int(low=low, high=high, step=step, log=log):
            return trial.suggest_int(key, low, high, step=step, log=log)
        case Categorical(choices=choices):
            return trial.suggest_categorical(key, [_stored(choice) for choice in choices])
        case never:
            assert_never(never)


def read_value(dimension: Dimension, stored: Any) -> Any:
    """A stored value as a recipe writes it."""
    if isinstance(dimension, Categorical):
        return next(choice for choice in dimension.choices if _stored(choice) == stored)
    return stored


def read_setting(space: Space, params: Mapping[str, Any]) -> dict[str, Any]:
    """A trial's setting from its stored values, in the order of the space."""
    return {key: read_value(dimension, params[key]) for key, dimension in space.items()
            if key in params}


class Proposer(BaseSampler):
    """Proposes the listed settings first, by number, and then those of the search's sampler.

    Args:
        listed: settings of the first trials.
        sampler: proposes the others.
        conditional: whether some dimensions depend on others.
    """

    def __init__(
        self, listed: Sequence[Mapping[str, Any]], sampler: Sampler, conditional: bool
    ) -> None:
        self._listed, self._sampler, self._conditional = listed, sampler, conditional
        self._joint: tuple[int, BaseSampler] | None = None

    @classmethod
    def of(cls, checked: CheckedSearch) -> "Proposer":
        search = checked.search
        conditional = any(dimension.when for dimension in search.space.values())
        return cls(checked.listed, search.sampler, conditional)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        if trial.number < len(self._listed):
            return {}
        sampler = self._seeded(trial.number, "")
        self._joint = (trial.number, sampler)  # it caches how it divided the space
        return sampler.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        if not search_space or self._joint is None:
            return {}
        number, sampler = self._joint
        assert number == trial.number
        return sampler.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        if trial.number < len(self._listed):
            return _stored(self._listed[trial.number][param_name])
        sampler = self._seeded(trial.number, param_name)
        return sampler.sample_independent(study, trial, param_name, param_distribution)

    def _seeded(self, number: int, key: str) -> BaseSampler:
        """The search's sampler, seeded for one draw; the same at every call."""
        sampler = self._sampler
        if isinstance(sampler, GridSampler):
            raise AssertionError("every point of a grid is listed")
        words = [sampler.seed, number, zlib.crc32(key.encode())]
        seed = int(np.random.SeedSequence(words).generate_state(1)[0])
        with quiet_experiments():
            match sampler:
                case TpeSampler(startup_trials=startup):
                    return OptunaTpe(
                        seed=seed, n_startup_trials=startup, multivariate=True,
                        group=self._conditional, constant_liar=True,
                    )
                case GpSampler(startup_trials=startup):
                    return OptunaGp(seed=seed, n_startup_trials=startup,
                                    warn_independent_sampling=False)
                case RandomSampler():
                    return OptunaRandom(seed=seed)
                case never:
                    assert_never(never)
