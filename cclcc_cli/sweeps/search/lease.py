"""Leases on a study's trials: which process works on which, and whose holder is dead.

Trials are created waiting, as many as the search has, and taken one by one under a lock that all
processes of the storage share. A taken trial carries the lease of its process. A running trial
without a live holder is free again, and whoever takes it runs the same setting: its runs continue
from their checkpoints.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import partial

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from cclcc_cli.runs.holder import Holder, heartbeat
from cclcc_cli.sweeps.search.storage import lease_lock

HEARTBEAT = 20.0
"""Seconds between a process's heartbeats in the storage."""
SILENCE = 120.0
"""Seconds without one after which a process on another machine counts as dead."""
_LEASE = "cclcc:claim:"
_BEAT = "cclcc:beat:"
_OPEN = (TrialState.RUNNING, TrialState.WAITING)


class TrialLeases:
    """The trials of a study that this process takes and gives back.

    Args:
        storage: of the study.
        study_id: in the storage.
        total: number of trials of the search; any beyond it are left waiting.
    """

    def __init__(self, storage: BaseStorage, study_id: int, total: int) -> None:
        self._storage, self._study_id, self._total = storage, study_id, total
        self._holder = Holder.this_process()
        self._mine: set[int] = set()

    def make_trials(self) -> None:
        """Create trials until the study has as many as the search."""
        waiting = optuna.trial.create_trial(state=TrialState.WAITING)
        with lease_lock(self._storage):
            while self._storage.get_n_trials(self._study_id) < self._total:
                self._storage.create_new_trial(self._study_id, template_trial=waiting)

    @contextmanager
    def alive(self) -> Iterator[None]:
        """Send heartbeats inside; afterwards, all trials that were taken are given back."""

        def beat() -> None:
            with suppress(Exception):  # the main thread meets the same storage, and reports it
                self._beat()

        self._beat()
        try:
            with heartbeat(beat, HEARTBEAT):
                yield
        finally:
            for trial_id in list(self._mine):
                self.give_back(trial_id)

    def _beat(self) -> None:
        self._storage.set_study_system_attr(
            self._study_id, f"{_BEAT}{self._holder.token}", time.time()
        )

    def open_trials(self) -> list[FrozenTrial]:
        """Trials of the search that are not over, by number."""
        trials = self._storage.get_all_trials(self._study_id, deepcopy=False, states=_OPEN)
        return sorted((t for t in trials if t.number < self._total), key=lambda t: t.number)

    def take(self, on_reclaim: Callable[[FrozenTrial], None]) -> FrozenTrial | None:
        """A trial that no process works on, now running and held; started ones come first.

        Args:
            on_reclaim: receives a trial that was started by a process that is gone.
        """
        with lease_lock(self._storage):
            trials = self.open_trials()
            for trial in trials:
                if trial.state != TrialState.RUNNING or trial._trial_id in self._mine or (
                        self.is_held(trial)):
                    continue
                with suppress(UpdateFinishedTrialError):  # its holder was slow, not dead
                    taken = self._take(trial)
                    on_reclaim(trial)
                    return taken
            for trial in trials:
                if trial.state == TrialState.WAITING:
                    return self._take(trial)
        return None

    def is_held(self, trial: FrozenTrial) -> bool:
        """Whether a live process holds a running trial."""
        return any(holder.lives(partial(self._silent, holder), SILENCE)
                   for holder in _holders(trial))

    def _silent(self, holder: Holder) -> float:
        beats = self._storage.get_study_system_attrs(self._study_id)
        return time.time() - float(beats.get(f"{_BEAT}{holder.token}", 0))

    def _take(self, trial: FrozenTrial) -> FrozenTrial:
        # The lease comes before the state: a running trial without one would be free.
        self._storage.set_trial_system_attr(trial._trial_id, self._key, asdict(self._holder))
        self._mine.add(trial._trial_id)
        if trial.state == TrialState.WAITING:
            self._storage.set_trial_state_values(trial._trial_id, TrialState.RUNNING)
        return self._storage.get_trial(trial._trial_id)

    def give_back(self, trial_id: int) -> None:
        """End the lease on a trial: it is over, or any process may continue it."""
        self._mine.discard(trial_id)
        with suppress(UpdateFinishedTrialError):
            self._storage.set_trial_system_attr(trial_id, self._key, None)

    @property
    def _key(self) -> str:
        return f"{_LEASE}{self._holder.token}"


def _holders(trial: FrozenTrial) -> list[Holder]:
    return [Holder(**value) for key, value in trial.system_attrs.items()
            if key.startswith(_LEASE) and value is not None]


def is_worked_on(storage: BaseStorage, study_id: int) -> bool:
    """Whether a live process holds a trial of the study."""
    leases = TrialLeases(storage, study_id, total=0)
    trials = storage.get_all_trials(study_id, deepcopy=False, states=(TrialState.RUNNING,))
    return any(leases.is_held(trial) for trial in trials)
