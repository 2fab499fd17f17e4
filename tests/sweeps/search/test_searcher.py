"""How trials are handed out, whatever becomes of the workers; with an executor that is told."""

from collections import deque
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from types import SimpleNamespace

import optuna
import pytest
from optuna.trial import TrialState

from cclcc_cli.errors import DiskFullError
from cclcc_cli.launchers.remote import MAX_DEATHS
from cclcc_cli.runs.interrupt import StopRequest
from cclcc_cli.sweeps import worker_pool
from cclcc_cli.sweeps.display import SweepLines
from cclcc_cli.sweeps.search import searcher as module
from cclcc_cli.sweeps.search.lease import TrialLeases
from cclcc_cli.sweeps.search.searcher import Searcher
from cclcc_cli.sweeps.search.storage import open_storage
from cclcc_cli.sweeps.search.trials import TrialImpossible, TrialPlan
from cclcc_cli.sweeps.worker import TaskOutcome


class Scripted(Executor):
    """Answers each training of a trial with the next ending that a script has for it."""

    def __init__(self, script):
        self.script = {number: deque(endings) for number, endings in script.items()}
        self.calls = []

    def submit(self, _fn, task):
        self.calls.append(task.number)
        future, ending = Future(), self.script[task.number].popleft()
        if isinstance(ending, Exception):
            future.set_exception(ending)
        elif isinstance(ending, float):
            future.set_result(TaskOutcome("done", value=ending))
        else:
            future.set_result(TaskOutcome(ending, "why"))
        return future


@pytest.fixture
def run(tmp_path, monkeypatch):
    for user in (worker_pool, module):
        monkeypatch.setattr(user, "LOOK_EVERY", 0.01)
    study = optuna.create_study(direction="maximize",
                                storage=open_storage(str(tmp_path / "journal.log")))

    def go(script, trainings=1, workers=1, impossible=(), stop=None):
        leases = TrialLeases(study._storage, study._study_id, len(script))
        leases.make_trials()
        executor, lines = Scripted(script), []

        def plan(trial):
            if trial.number in impossible:
                raise TrialImpossible("no such thing")
            task = SimpleNamespace(number=trial.number, folder=tmp_path / str(trial.number))
            return TrialPlan(f"x={trial.number}", (task,) * trainings, 12, {"from": "here"})

        searcher = Searcher(
            leases, executor, lambda: None, workers=workers, total=len(script), plan=plan,
            open_study=lambda: study, objective="dice", display=SweepLines(lines.append),
            stop=stop or StopRequest(),
        )
        with leases.alive():
            summary = searcher.run()
        return summary, study.trials, executor.calls, lines

    return go


def states(trials):
    return [trial.state.name for trial in trials]


def test_trials_run_by_number_and_get_their_value(run):
    summary, trials, calls, lines = run({0: [0.5], 1: [0.7], 2: [0.6]})
    assert [trial.value for trial in trials] == [0.5, 0.7, 0.6]
    assert calls == [0, 1, 2]
    assert (summary.complete, summary.over, summary.total) == (3, 3, 3)
    assert trials[0].user_attrs == {"from": "here"}
    assert lines[1:] == ["2/3 | trial 1: dice 0.7000 (the best so far) | x=1",
                         "3/3 | trial 2: dice 0.6000 (best 0.7000, trial 1) | x=2"]


def test_the_value_is_the_mean_over_trainings_one_after_another(run):
    _, trials, calls, _ = run({0: [0.2, 0.4], 1: [0.4, 0.9]}, trainings=2)
    assert [trial.value for trial in trials] == [pytest.approx(0.3), pytest.approx(0.65)]
    assert calls == [0, 0, 1, 1]


def test_a_pruned_trial_ends_with_its_last_value_and_skips_its_other_trainings(run):
    summary, trials, calls, _ = run({0: [0.2, 0.4], 1: [0.5, "pruned"], 2: ["pruned"]},
                                    trainings=2)
    assert states(trials) == ["COMPLETE", "PRUNED", "PRUNED"]
    assert calls == [0, 0, 1, 1, 2]
    assert summary.pruned == 2


def test_one_failure_stops_nothing_and_its_reason_is_kept(run):
    summary, trials, _, lines = run(
        {0: ["failed"], 1: [float("nan")], 2: [OSError("disk")], 3: [], 4: [0.5]}, impossible=[3])
    assert states(trials) == ["FAIL"] * 4 + ["COMPLETE"]
    assert [trial.user_attrs["reason"] for trial in trials[:4]] == [
        "why", "dice is nan", "OSError: disk", "no such thing"]
    assert [number for number, _ in summary.failures] == [0, 1, 2, 3]
    assert lines[0] == "1/5 | trial 0: failed, why"


def test_a_killed_workers_trial_goes_on_but_not_for_ever(run):
    dead = BrokenProcessPool()
    summary, trials, _, _ = run({0: [dead] * (MAX_DEATHS - 1) + [0.5], 1: [dead] * MAX_DEATHS})
    assert states(trials) == ["COMPLETE", "FAIL"]
    assert "killed 3 times" in summary.failures[0][1]


@pytest.mark.parametrize("ending", ["busy", "stopped"])
def test_a_training_that_another_holds_is_waited_for_before_anything_new(run, ending):
    _, trials, calls, _ = run({0: [ending, ending, 0.5], 1: [0.6]})
    assert states(trials) == ["COMPLETE"] * 2
    assert calls == [0, 0, 0, 1]


def test_a_worker_that_lost_the_storage_goes_on_where_it_is_there_again(run):
    _, trials, calls, lines = run({0: ["storage_lost", 0.5], 1: [0.6]})
    assert states(trials) == ["COMPLETE"] * 2
    assert calls == [0, 0, 1]
    assert "trial 0: its worker lost the study's storage" in lines[0]


def test_a_full_disk_ends_the_search_and_the_trial_stays_open(run):
    with pytest.raises(DiskFullError, match="why"):
        run({0: [0.5], 1: ["disk_full"]})
    _, trials, calls, _ = run({0: [], 1: [0.6]})
    assert states(trials) == ["COMPLETE"] * 2
    assert calls == [1]


def test_stopped_the_trial_stays_open_for_the_next(run, monkeypatch):
    stop = StopRequest()

    script = {0: [0.5], 1: ["stopped"], 2: [0.7]}
    submit = Scripted.submit

    def signalled(self, fn, task):
        if task.number == 1:
            stop.signal_number = 15
        return submit(self, fn, task)

    with monkeypatch.context() as patched:
        patched.setattr(Scripted, "submit", signalled)
        summary, trials, _, _ = run(script, stop=stop)
    assert summary.stopped == 15
    assert states(trials) == ["COMPLETE", "RUNNING", "WAITING"]
    summary, trials, calls, lines = run({0: [], 1: [0.6], 2: [0.7]})
    assert lines[0].startswith("trial 1: continuing")
    assert calls == [1, 2]
    assert (summary.before, summary.complete) == (1, 2)
    assert {trial.state for trial in trials} == {TrialState.COMPLETE}
