"""How runs are handed out, whatever becomes of the workers; with an executor that is told."""

from collections import deque
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool

import pytest

from cclcc_cli.config import parse_recipe
from cclcc_cli.errors import LauncherError
from cclcc_cli.launchers.remote import MAX_DEATHS, CallFailed, WorkerLost
from cclcc_cli.runs.folder import RunFolder
from cclcc_cli.runs.interrupt import StopRequest
from cclcc_cli.sweeps import ablate as module
from cclcc_cli.sweeps import worker_pool
from cclcc_cli.sweeps.ablate import Ablater
from cclcc_cli.sweeps.display import SweepLines
from cclcc_cli.sweeps.plan import PlannedRun
from cclcc_cli.sweeps.worker import TaskOutcome


class Scripted(Executor):
    """Answers each call with the next ending that a script has for the run."""

    def __init__(self, script):
        self.script = {place: deque(endings) for place, endings in script.items()}
        self.calls = []

    def submit(self, _fn, run):
        self.calls.append(run.point)
        future, ending = Future(), self.script[run.point].popleft()
        if isinstance(ending, Exception):
            future.set_exception(ending)
            return future
        if ending in ("done", "found"):
            run.folder.update_status(state="finished", step=12, elapsed=1.0)
        if ending == "failed":
            run.folder.update_status(state="failed", error="why")
        future.set_result(TaskOutcome(ending, "why" if ending in ("failed", "disk_full") else ""))
        return future


@pytest.fixture
def run(tmp_path, tiny_recipe, monkeypatch):
    monkeypatch.setattr(worker_pool, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(module, "BUSY_PAUSE", 0.05)
    recipe = parse_recipe(tiny_recipe(), "test")

    def go(script, before=None, retry=False, seeds=()):
        recipes = {place: recipe.model_copy(update={"seed": seed}) for place, seed in seeds}
        runs = [PlannedRun([place], place, recipes.get(place, recipe),
                             RunFolder(tmp_path / "d" / place), place, place, 12)
                 for place in script]
        for run in runs:
            if before and run.point in before:
                run.folder.update_status(state=before[run.point], error="before")
        executor, lines = Scripted(script), []
        summary = Ablater(
            runs, executor, lambda: None, workers=2, make_task=lambda run: run, retry=retry,
            display=SweepLines(lines.append), stop=StopRequest(),
        ).run()
        return summary, executor.calls, lines

    return go


def test_one_failure_stops_nothing(run):
    summary, calls, lines = run({"a": ["done"], "b": ["failed"], "c": ["done"]})
    assert (summary.trained, summary.done) == (2, 2)
    assert [(f.point, f.reason) for f in summary.failures] == [("b", "why")]
    assert calls == ["a", "b", "c"]
    assert any(line.endswith("b: failed, why") for line in lines)


def test_groups_are_trained_seed_by_seed(run):
    places = [("a seed=0", 0), ("a seed=1", 1), ("b seed=0", 0), ("b seed=1", 1)]
    _, calls, _ = run({place: ["done"] for place, _ in places}, seeds=places)
    assert calls == ["a seed=0", "b seed=0", "a seed=1", "b seed=1"]


def test_what_was_done_or_failed_before_is_not_run(run):
    summary, calls, _ = run({"a": [], "b": [], "c": ["done"]}, {"a": "finished", "b": "failed"})
    assert calls == ["c"]
    assert (summary.before, summary.trained) == (1, 1)
    assert [f.reason for f in summary.failures] == ["before"]


def test_failed_runs_are_retried_once_when_asked(run):
    summary, calls, _ = run({"a": ["failed"], "b": ["done"]}, dict.fromkeys("ab", "failed"), True)
    assert calls == ["a", "b"]
    assert [f.point for f in summary.failures] == ["a"]


@pytest.mark.parametrize("state", ["stopped", "running"])
def test_what_was_stopped_or_killed_goes_on(run, state):
    assert run({"a": ["done"]}, {"a": state})[0].trained == 1


def test_a_killed_workers_run_goes_on_but_not_for_ever(run):
    dead = BrokenProcessPool()
    assert run({"a": [dead] * (MAX_DEATHS - 1) + ["done"], "b": ["done"]})[0].trained == 2
    summary, calls, _ = run({"c": [dead] * MAX_DEATHS, "d": ["done"]})
    assert calls.count("c") == MAX_DEATHS
    assert "killed 3 times" in summary.failures[0].reason
    assert summary.trained == 1


def test_a_lost_machines_run_continues_and_its_loss_is_reported(run):
    lost = WorkerLost("its Slurm job 7 ended (out of memory)")
    summary, _, lines = run({"a": [lost, "done"]})
    assert summary.trained == 1
    assert "its Slurm job 7 ended (out of memory)" in lines[0]
    summary, calls, _ = run({"b": [lost] * MAX_DEATHS})
    assert len(calls) == MAX_DEATHS
    assert "3 times" in summary.failures[0].reason
    assert "its Slurm job 7 ended (out of memory)" in summary.failures[0].reason


def test_a_machine_that_others_needed_is_not_held_against_the_run(run):
    taken = WorkerLost("its job was preempted", blame=False)
    assert run({"a": [taken] * 5 + ["done"]})[0].trained == 1


def test_a_call_that_failed_elsewhere_is_told_as_it_was(run):
    summary, _, _ = run({"a": [CallFailed("OSError: disk full")], "b": ["done"]})
    assert summary.failures[0].reason == "OSError: disk full"


def test_a_cluster_that_is_gone_ends_it(run):
    with pytest.raises(LauncherError, match="gone"):
        run({"a": [LauncherError("gone")]})


def test_a_worker_that_was_asked_to_stop_alone_takes_the_run_again(run):
    assert run({"a": ["stopped", "done"]})[0].trained == 1


def test_a_busy_run_is_taken_back_when_its_holder_is_gone(run):
    summary, calls, _ = run({"a": ["busy", "done"], "b": ["busy", "found"]})
    assert calls.count("a") == 2
    assert (summary.trained, summary.elsewhere) == (1, 1)


def test_a_busy_run_that_nobody_seems_to_run_is_not_asked_for_all_the_time(run, monkeypatch):
    naps = []
    monkeypatch.setattr(module.time, "sleep", naps.append)  # while there is nothing else to do
    clock = iter(range(10_000))
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock) / 1000)
    _, calls, _ = run({"a": ["busy", "busy", "done"]})
    assert calls == ["a"] * 3
    assert len(naps) > 10


def test_a_full_disk_stops_all_and_fails_no_run(run):
    summary, calls, lines = run({"a": ["done"], "b": ["disk_full"], "c": [], "d": []})
    assert calls == ["a", "b"]
    assert (summary.trained, summary.failures, summary.disk_full) == (1, [], "why")
    assert not any("failed" in line for line in lines)


def test_a_failure_that_could_not_be_put_down_is_still_one_runs(run):
    summary, _, _ = run({"a": [OSError(28, "No space left on device")], "b": ["done"]})
    assert summary.failures[0].reason == "OSError: [Errno 28] No space left on device"
    assert summary.trained == 1
