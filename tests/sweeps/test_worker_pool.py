"""How each task's end reaches whoever started it."""

from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool

import pytest

from cclcc_cli.errors import LauncherError
from cclcc_cli.sweeps import worker_pool as module
from cclcc_cli.sweeps.worker import TaskOutcome
from cclcc_cli.sweeps.worker_pool import WorkerPool


class Scripted:
    """Its tasks are what becomes of them; None: it goes on until it is asked to leave."""

    def __init__(self):
        self.open, self.asked = [], 0

    def submit(self, _fn, end):
        future = Future()
        if end is None:
            self.open.append(future)
        elif isinstance(end, Exception):
            future.set_exception(end)
        else:
            future.set_result(end)
        return future

    def terminate(self):
        self.asked += 1
        while self.open:
            self.open.pop().set_result(TaskOutcome("stopped"))


@pytest.fixture
def pool(monkeypatch):
    monkeypatch.setattr(module, "LOOK_EVERY", 0.01)
    executor, lines = Scripted(), []
    made = WorkerPool(executor, executor.terminate, lines.append)
    return made, executor, lines


def test_each_end_comes_with_its_work_and_a_warning_once(pool):
    made, _, lines = pool
    for work in "ab":
        made.start(TaskOutcome("done", warnings=("full",)), work)
    made.start(None, "c")
    assert {work: end.ending for work, end in made.ended()} == {"a": "done", "b": "done"}
    assert made.running == ["c"]
    assert lines == ["warning: full"]


def test_a_dead_worker_is_told_as_such_and_what_was_not_foreseen_as_a_failure(pool):
    made, _, _ = pool
    dead = BrokenProcessPool()
    made.start(dead, "a")
    made.start(ValueError("odd"), "b")
    ends = dict(made.ended())
    assert ends["a"] is dead
    assert (ends["b"].ending, ends["b"].reason) == ("failed", "ValueError: odd")


def test_machines_that_are_gone_end_it(pool):
    made, _, _ = pool
    made.start(LauncherError("gone"), "a")
    with pytest.raises(LauncherError, match="gone"):
        list(made.ended())


def test_all_leave_and_asked_twice_at_once(pool):
    made, executor, _ = pool
    made.start(None, "a")
    heard = []
    made.leave(lambda work, end: heard.append((work, end.ending)))
    assert (heard, executor.asked, made.running) == ([("a", "stopped")], 1, [])

    def interrupt(_work, _end):
        raise KeyboardInterrupt

    made.start(None, "b")
    with pytest.raises(KeyboardInterrupt):
        made.leave(interrupt)
    assert executor.asked == 3
