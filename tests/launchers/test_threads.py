"""One CPU thread a run, unless the file says otherwise and the cores allow it."""

import pytest

from cclcc_cli.errors import RunError
from cclcc_cli.launchers import threads as module
from cclcc_cli.launchers.threads import choose_threads


@pytest.fixture
def threads(monkeypatch):
    monkeypatch.setattr(module, "available_cores", lambda: 8)

    return lambda workers, fixed=None: choose_threads(fixed, workers)


def test_a_run_has_one_thread_unless_others_are_fixed(threads):
    assert [threads(n) for n in (1, 8, 20)] == [1, 1, 1]
    assert threads(1, fixed=2) == 2
    assert threads(4, fixed=2) == 2


def test_more_threads_than_cores_are_refused(threads):
    with pytest.raises(RunError, match=r"--workers 3: each run of this plan has 4 .* give 2"):
        threads(3, fixed=4)
