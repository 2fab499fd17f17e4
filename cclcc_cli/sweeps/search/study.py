"""A study and those who work on it: what defines it, which trial is whose, and whose owner died.

Trials are made waiting, as many as the search has, and taken one by one, below a lock that all who
use the storage share. A taken trial bears the claim of its process. Where no claim on a running
trial is that of a living process, the trial is free again, and whoever takes it runs the same
setting: its runs go on from their checkpoints.
"""

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Any, Literal

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from cclcc_cli.errors import RunError
from cclcc_cli.runs.lease import Owner
from cclcc_cli.sweeps.search.storage import claim_lock, quiet_experiments

HEARTBEAT = 20.0
"""Seconds between a process's signs of life in the storage."""
SILENCE = 120.0
"""Seconds without one after which a process on another machine counts as dead."""
_DEFINITION = "cclcc"
_CLAIM = "cclcc:claim:"
_BEAT = "cclcc:beat:"
OPEN = (TrialState.RUNNING, TrialState.WAITING)


def read_definition(storage: BaseStorage, name: str) -> dict[str, Any] | None:
    """What a study of this name searches; None where there is none.

    Raises:
        RunError: there is one, and it is not of this program's making.
    """
    try:
        study_id = storage.get_study_id_from_name(name)
    except KeyError:
        return None
    definition: dict[str, Any] | None = storage.get_study_user_attrs(study_id).get(_DEFINITION)
    if definition is None:
        if storage.get_n_trials(study_id) == 0:
            return None  # killed between the two steps of making it
        raise RunError(f"the storage has a study {name} that cclcc search did not make; give the "
                       "search another name")
    return definition


def open_study(
    storage: BaseStorage, name: str, direction: Literal["maximize", "minimize"],
    definition: Mapping[str, Any]
) -> int:
    """The id of the study, made where there is none; any number of processes may ask.

    Raises:
        RunError: there is one of this name that searches something else; names what differs.
    """
    former = read_definition(storage, name)
    if former is None:
        made = optuna.create_study(storage=storage, study_name=name, direction=direction,
                                   load_if_exists=True)
        with quiet_experiments():
            made.set_metric_names([f"validation {definition.get('objective', 'score')}"])
        made.set_user_attr(_DEFINITION, dict(definition))
        former = read_definition(storage, name)
    assert former is not None
    check_same(name, former, definition)
    return storage.get_study_id_from_name(name)


def check_same(name: str, former: Mapping[str, Any], definition: Mapping[str, Any]) -> None:
    """Refuse to go on with a study that searches something else.

    Raises:
        RunError: names every difference.
    """
    old, new = _flat(former), _flat(json.loads(json.dumps(definition)))
    differing = [f"{key} {_short(old.get(key))} -> {_short(new.get(key))}"
                 for key in dict.fromkeys([*old, *new]) if old.get(key) != new.get(key)]
    if differing:
        raise RunError(
            f"the study {name} has begun with another definition: {', '.join(differing)}; give "
            "this search another name, or begin anew with --fresh (trained runs are found again)"
        )


def _flat(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        if isinstance(value, Mapping) and value:
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def _short(value: Any) -> str:
    text = "none" if value is None else value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def load_study(
    storage: BaseStorage, name: str, sampler: BaseSampler, pruner: BasePruner
) -> Study:
    """The study as it is now: a Study keeps what it read, so a new one is made for each look."""
    study = optuna.load_study(study_name=name, storage=storage, sampler=sampler, pruner=pruner)
    study.get_trials(deepcopy=False)  # a database's cache takes no value of a trial it never read
    return study


class Participant:
    """One process that takes trials of a study and gives them back.

    Args:
        storage: of the study.
        study_id: in it.
        total: trials in all; those beyond it are left waiting.
    """

    def __init__(self, storage: BaseStorage, study_id: int, total: int) -> None:
        self._storage, self._study_id, self._total = storage, study_id, total
        self._me = Owner.this_process()
        self._mine: set[int] = set()

    def make_trials(self) -> None:
        """Have as many trials as the search has."""
        waiting = optuna.trial.create_trial(state=TrialState.WAITING)
        with claim_lock(self._storage):
            while self._storage.get_n_trials(self._study_id) < self._total:
                self._storage.create_new_trial(self._study_id, template_trial=waiting)

    @contextmanager
    def alive(self) -> Iterator[None]:
        """Give signs of life inside; afterwards all that was taken is given back."""
        over = threading.Event()
        heart = threading.Thread(target=self._beat, args=(over,), daemon=True)
        self._sign()
        heart.start()
        try:
            yield
        finally:
            over.set()
            heart.join()
            for trial_id in list(self._mine):
                self.give_back(trial_id)

    def _sign(self) -> None:
        self._storage.set_study_system_attr(
            self._study_id, f"{_BEAT}{self._me.token}", time.time()
        )

    def _beat(self, over: threading.Event) -> None:
        while not over.wait(HEARTBEAT):
            with suppress(Exception):  # the main thread meets the same storage, and says so
                self._sign()

    def open_trials(self) -> list[FrozenTrial]:
        """Trials of the search that are not over, by number."""
        trials = self._storage.get_all_trials(self._study_id, deepcopy=False, states=OPEN)
        return sorted((t for t in trials if t.number < self._total), key=lambda t: t.number)

    def take(self, on_reclaim: Callable[[FrozenTrial], None]) -> FrozenTrial | None:
        """A trial nobody works on, now running and ours; one that was begun before a new one.

        Args:
            on_reclaim: hears of a trial that was begun by somebody who is gone.
        """
        with claim_lock(self._storage):
            trials = self.open_trials()
            for trial in trials:
                if trial.state != TrialState.RUNNING or trial._trial_id in self._mine or (
                        self.is_held(trial)):
                    continue
                with suppress(UpdateFinishedTrialError):  # its owner was slow, not dead
                    claimed = self._claim(trial)
                    on_reclaim(trial)
                    return claimed
            for trial in trials:
                if trial.state == TrialState.WAITING:
                    return self._claim(trial)
        return None

    def is_held(self, trial: FrozenTrial) -> bool:
        """Whether a living process has a claim on a running trial."""
        return any(self._lives(owner) for owner in _claims(trial))

    def _lives(self, owner: Owner) -> bool:
        if owner.is_here:
            return owner.runs_here
        beats = self._storage.get_study_system_attrs(self._study_id)
        return time.time() - float(beats.get(f"{_BEAT}{owner.token}", 0)) < SILENCE

    def _claim(self, trial: FrozenTrial) -> FrozenTrial:
        # Before it runs: without a claim it would be nobody's.
        self._storage.set_trial_system_attr(trial._trial_id, self._claim_key, asdict(self._me))
        self._mine.add(trial._trial_id)
        if trial.state == TrialState.WAITING:
            self._storage.set_trial_state_values(trial._trial_id, TrialState.RUNNING)
        return self._storage.get_trial(trial._trial_id)

    def give_back(self, trial_id: int) -> None:
        """Withdraw the claim on a trial: it is over, or anybody may go on with it."""
        self._mine.discard(trial_id)
        with suppress(UpdateFinishedTrialError):
            self._storage.set_trial_system_attr(trial_id, self._claim_key, None)

    @property
    def _claim_key(self) -> str:
        return f"{_CLAIM}{self._me.token}"


def _claims(trial: FrozenTrial) -> list[Owner]:
    return [Owner(**value) for key, value in trial.system_attrs.items()
            if key.startswith(_CLAIM) and value is not None]


def somebody_works(storage: BaseStorage, study_id: int) -> bool:
    """Whether a living process has a trial of the study."""
    looking = Participant(storage, study_id, total=0)
    trials = storage.get_all_trials(study_id, deepcopy=False, states=(TrialState.RUNNING,))
    return any(looking.is_held(trial) for trial in trials)


def unused_name() -> str:
    """A study name that no file has."""
    return f"dry-run-{uuid.uuid4().hex}"
