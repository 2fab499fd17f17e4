"""Run a study's trials: several at once, each with its runs one after another."""

import math
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor
from dataclasses import dataclass, field

from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from cclcc_cli.errors import DiskFullError
from cclcc_cli.launchers.remote import Deaths, as_loss, describe_losses
from cclcc_cli.runs.folder import RunFolder
from cclcc_cli.runs.interrupt import StopRequest
from cclcc_cli.sweeps.display import RunProgress, SweepDisplay, SweepProgress
from cclcc_cli.sweeps.search.lease import TrialLeases
from cclcc_cli.sweeps.search.trials import TrialImpossible, TrialPlan
from cclcc_cli.sweeps.worker import Task, TaskOutcome
from cclcc_cli.sweeps.worker_pool import LOOK_EVERY, WorkerPool


@dataclass
class SearchOutcome:
    """How a search ended.

    Attributes:
        total: trials of the search.
        before: trials that were over at the start.
        complete: with a value, in this session.
        pruned: in this session.
        elsewhere: completed, pruned or failed by other processes meanwhile.
        failures: number and reason, in this session.
        stopped: the signal that stopped it, if one did.
    """

    total: int
    before: int = 0
    complete: int = 0
    pruned: int = 0
    elsewhere: int = 0
    failures: list[tuple[int, str]] = field(default_factory=list)
    stopped: int | None = None

    @property
    def over(self) -> int:
        return (self.before + self.complete + self.pruned + self.elsewhere + len(self.failures))


@dataclass
class _Running:
    """A trial that this process holds.

    Attributes:
        trial: in the study.
        plan: its runs.
        values: the objective of each finished run.
        not_before: when the next run may start, on the monotonic clock.
        deaths: of its workers.
    """

    trial: FrozenTrial
    plan: TrialPlan
    values: list[float] = field(default_factory=list)
    not_before: float = 0.0
    deaths: Deaths = field(default_factory=Deaths)

    @property
    def task(self) -> Task:
        return self.plan.tasks[len(self.values)]

    @property
    def name(self) -> str:
        return f"trial {self.trial.number}"

    @property
    def step(self) -> int:
        """Recorded optimiser steps of all its runs."""
        current = RunFolder(self.task.folder).status.step or 0
        return len(self.values) * self.plan.steps + current


class Searcher:
    """Takes trials until all are over, or until asked to stop.

    Args:
        leases: takes trials of the study and gives them back.
        executor: runs tasks.
        terminate: asks all its running tasks to save and leave.
        workers: how many trials it runs at once.
        total: trials of the search.
        plan: the runs of a taken trial; proposes its setting if it has none.
        open_study: loads the study as it is now.
        objective: a score's name.
        display: shows progress.
        stop: becomes true when a signal arrives.
    """

    def __init__(
        self,
        leases: TrialLeases,
        executor: Executor,
        terminate: Callable[[], None],
        *,
        workers: int,
        total: int,
        plan: Callable[[FrozenTrial], TrialPlan],
        open_study: Callable[[], Study],
        objective: str,
        display: SweepDisplay,
        stop: StopRequest,
    ) -> None:
        self._pool: WorkerPool[_Running] = WorkerPool(executor, terminate, display.say)
        self._leases = leases
        self._num_workers, self._plan, self._open_study = workers, plan, open_study
        self._objective, self._display, self._stop = objective, display, stop
        self._waiting: list[_Running] = []
        self._seconds: list[float] = []
        self._began = time.monotonic()
        self._looked = -math.inf
        self._open_elsewhere = 0
        self.summary = SearchOutcome(total)

    def run(self) -> SearchOutcome:
        """Run to the end, or until stopped: then all workers have saved."""
        self.summary.before = self._over()
        while not self._stop():
            self._fill()
            if not self._pool.running and not self._waiting and not self._open_elsewhere:
                break
            for one, end in self._pool.ended():
                self._settle(one, end)
            self._display.show(self._progress())
        if self._stop():
            self._leave()
        known = self.summary
        known.elsewhere = max(0, self._over() - known.before - known.complete - known.pruned
                              - len(known.failures))
        return known

    def _over(self) -> int:
        trials = self._open_study().get_trials(deepcopy=False)
        return sum(trial.state.is_finished() and trial.number < self.summary.total
                   for trial in trials)

    def _fill(self) -> None:
        now = time.monotonic()
        for one in [one for one in self._waiting if one.not_before <= now]:
            self._waiting.remove(one)
            self._submit(one)
        if not self._stop() and self._has_room and now - self._looked >= self._patience:
            self._looked = now
            while self._has_room and self._start_one():
                pass
            self._open_elsewhere = 0
            if self._has_room:  # nothing was left to take: others hold what is open now
                own = len(self._pool.running) + len(self._waiting)
                self._open_elsewhere = len(self._leases.open_trials()) - own

    @property
    def _has_room(self) -> bool:
        return len(self._pool.running) + len(self._waiting) < self._num_workers

    @property
    def _patience(self) -> float:
        """Seconds between two looks at the study while only others hold trials."""
        return 4 * LOOK_EVERY if self._open_elsewhere else 0.0

    def _start_one(self) -> bool:
        """Take a trial and start its first run; False if there is none."""
        trial = self._leases.take(
            lambda t: self._display.say(f"trial {t.number}: continuing it from an earlier start"))
        if trial is None:
            return False
        try:
            plan = self._plan(trial)
        except TrialImpossible as error:
            self._fail(trial, str(error))
            return True
        study = self._open_study()
        for key, value in plan.attributes.items():
            study._storage.set_trial_user_attr(trial._trial_id, key, value)
        self._submit(_Running(trial, plan))
        return True

    def _submit(self, one: _Running) -> None:
        self._pool.start(one.task, one)

    def _settle(self, one: _Running, end: TaskOutcome | BrokenExecutor) -> None:
        if isinstance(end, BrokenExecutor):
            self._after_death(one, end)
            return
        match end.ending:
            case "done" | "found":
                assert end.value is not None
                self._went_well(one, end.value)
            case "pruned":
                self._tell(one.trial, TrialState.PRUNED)
                self.summary.pruned += 1
                self._say(one, end.reason)
            case "failed":
                self._fail(one.trial, end.reason)
            case "disk_full":  # the trial stays open, and the next start continues it
                raise DiskFullError(end.reason)
            case "storage_lost" if not self._stop():
                self._leases.open_trials()  # if it is still gone, this ends the search
                self._display.say(f"{one.name}: its worker lost the study's storage; continuing it")
                self._wait_with(one)
            case "busy" | "stopped" if not self._stop():
                self._wait_with(one)
            case _:
                self._leases.give_back(one.trial._trial_id)

    def _wait_with(self, one: _Running) -> None:
        one.not_before = time.monotonic() + LOOK_EVERY
        self._waiting.append(one)

    def _went_well(self, one: _Running, value: float) -> None:
        if not math.isfinite(value):
            self._fail(one.trial, f"{self._objective} is {value}")
            return
        one.values.append(value)
        if len(one.values) < len(one.plan.tasks):
            if self._stop():
                self._leases.give_back(one.trial._trial_id)
            else:
                self._submit(one)
            return
        mean = math.fsum(one.values) / len(one.values)
        self._tell(one.trial, TrialState.COMPLETE, mean)
        self.summary.complete += 1
        best = self._open_study().best_trial
        better = "the best so far" if best.number == one.trial.number else (
            f"best {best.value:.4f}, trial {best.number}")
        self._say(one, f"{self._objective} {mean:.4f} ({better})")

    def _after_death(self, one: _Running, death: BrokenExecutor) -> None:
        if self._stop():
            self._leases.give_back(one.trial._trial_id)
            return
        lost = as_loss(death)
        if one.deaths.add(lost, one.step):
            self._display.say(f"{one.name}: {lost}; continuing it")
            self._submit(one)
            return
        self._fail(one.trial, describe_losses(death))

    def _fail(self, trial: FrozenTrial, reason: str) -> None:
        self._open_study()._storage.set_trial_user_attr(trial._trial_id, "reason", reason)
        self._tell(trial, TrialState.FAIL)
        self.summary.failures.append((trial.number, reason))
        self._display.say(f"{self._count()} | trial {trial.number}: failed, {reason}")

    def _tell(self, trial: FrozenTrial, state: TrialState, value: float | None = None) -> None:
        self._open_study().tell(trial.number, value, state=state, skip_if_finished=True)
        self._leases.give_back(trial._trial_id)
        self._seconds.append(time.monotonic())

    def _say(self, one: _Running, news: str) -> None:
        self._display.say(f"{self._count()} | {one.name}: {news} | {one.plan.setting}")

    def _count(self) -> str:
        return f"{self.summary.over}/{self.summary.total}"

    def _leave(self) -> None:
        self._display.say("stopping: waiting for running trials to save")
        for one in self._waiting:
            self._leases.give_back(one.trial._trial_id)
        self._pool.leave(self._settle)
        self.summary.stopped = self._stop.signal_number

    def _progress(self) -> SweepProgress:
        running = [RunProgress(f"{one.name} {one.plan.setting}", one.step,
                                one.plan.steps * len(one.plan.tasks))
                   for one in self._pool.running]
        counts = {
            "done": self.summary.before + self.summary.complete, "pruned": self.summary.pruned,
            "failed": len(self.summary.failures), "running": len(running),
            "running elsewhere": max(0, self._open_elsewhere),
        }
        return SweepProgress(tuple(running), counts, self.summary.total, self._seconds_left())

    def _seconds_left(self) -> float | None:
        if not self._seconds:
            return None
        pace = (self._seconds[-1] - self._began) / len(self._seconds)
        since = time.monotonic() - self._seconds[-1]
        return max(0.0, pace * (self.summary.total - self.summary.over) - since)
