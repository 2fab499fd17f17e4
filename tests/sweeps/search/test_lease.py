"""Which process holds which trial: one at a time, and a dead holder's trial is free."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from optuna.storages import RDBStorage
from optuna.trial import TrialState

from cclcc_cli.sweeps.search import lease
from cclcc_cli.sweeps.search.lease import SILENCE, TrialLeases, is_worked_on
from cclcc_cli.sweeps.search.storage import open_storage
from cclcc_cli.sweeps.search.study import open_study
from tests import warm
from tests.services import ROOT

JOIN = """
import sys, time
from cclcc_cli.sweeps.search.storage import open_storage
from cclcc_cli.sweeps.search.lease import TrialLeases
from cclcc_cli.sweeps.search.study import open_study
storage = open_storage(sys.argv[1])
one = TrialLeases(storage, open_study(storage, "s", "maximize", {"a": 1}), int(sys.argv[2]))
one.make_trials()
"""
TAKE_ONE = JOIN + """
with one.alive():
    print(one.take(print).number, flush=True)
    time.sleep(100)
"""
TAKE_ALL_AND_LEAVE = JOIN + """
while trial := one.take(print):
    print(trial.number)
"""


@pytest.fixture(params=["journal", "sqlite", pytest.param("postgres",
                                                          marks=pytest.mark.postgres)])
def address(request, tmp_path):
    match request.param:
        case "journal":
            return str(tmp_path / "journal.log")
        case "sqlite":
            return f"sqlite:///{tmp_path}/s.db"
    return request.getfixturevalue("postgres_url")


@pytest.fixture
def opened(address):
    """Open the storage, any number of times."""
    storages = []

    def make():
        storages.append(open_storage(address))
        return storages[-1]

    yield make
    for storage in storages:
        if isinstance(storage, RDBStorage):
            storage.remove_session()
            storage.engine.dispose()


@pytest.fixture
def join(opened):
    def make(total=4):
        storage = opened()
        study_id = open_study(storage, "s", "maximize", {"a": 1})
        one = TrialLeases(storage, study_id, total)
        one.make_trials()
        return one

    return make


@pytest.fixture
def other(address):
    """Another process that has taken a trial."""
    process = warm.Popen(
        [sys.executable, "-c", TAKE_ONE, address, "4"], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout.readline() == "0\n"
    yield process
    process.kill()
    process.communicate()


def numbers(one, count):
    return [trial and trial.number for trial in (one.take(lambda _t: None) for _ in range(count))]


def test_trials_are_taken_by_number_once_each_and_no_more_than_there_are(join):
    assert numbers(join(3), 5) == [0, 1, 2, None, None]


def test_more_trials_are_made_when_the_search_grows_and_left_waiting_when_it_shrinks(join):
    assert numbers(join(2), 3) == [0, 1, None]
    assert numbers(join(4), 3) == [2, 3, None]
    assert numbers(join(5), 0) == []
    assert numbers(join(4), 1) == [None]


def test_a_trial_of_a_living_process_is_left_to_it_and_a_dead_ones_is_taken_back(join, other):
    one, heard = join(), []
    assert one.take(heard.append).number == 1
    other.kill()
    other.wait()
    assert one.take(heard.append).number == 0  # before anything new
    assert [trial.number for trial in heard] == [0]
    assert numbers(one, 3) == [2, 3, None]


def test_what_is_given_back_is_free(join):
    first, second = join(), join()
    with first.alive():
        trial = first.take(lambda _t: None)
        assert trial.number == 0
        assert numbers(second, 1) == [1]
    assert numbers(second, 1) == [0]


@pytest.mark.parametrize(("silent", "alive"), [(0, True), (SILENCE + 5, False)])
def test_a_process_on_another_machine_is_alive_while_its_heart_beats(
    join, monkeypatch, silent, alive
):
    one = join()
    monkeypatch.setattr("cclcc_cli.runs.holder._machine", lambda: "elsewhere")
    there = join()
    monkeypatch.undo()
    trial = there.take(lambda _t: None)
    now = time.time()
    monkeypatch.setattr(lease.time, "time", lambda: now - silent)
    there._beat()
    monkeypatch.undo()
    assert trial.number == 0
    assert numbers(one, 1) == [1 if alive else 0]


def test_many_at_once_take_each_trial_once(join):
    total = 24
    join(total)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: numbers(join(total), total), range(4)))
    assert sorted(n for taken in found for n in taken if n is not None) == list(range(total))


def test_many_at_once_take_back_each_trial_of_a_dead_one_once(join, address):
    left = warm.run(
        [sys.executable, "-c", TAKE_ALL_AND_LEAVE, address, "12"], check=True,
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert left.stdout.split() == [str(number) for number in range(12)]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: numbers(join(12), 12), range(4)))
    assert sorted(n for taken in found for n in taken if n is not None) == list(range(12))


def test_many_who_make_the_trials_at_once_make_no_more_than_there_are(join, opened):
    join(0)
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda _: join(6), range(4)))
    assert opened().get_n_trials(made[0]._study_id) == 6


def test_a_trial_that_was_ended_meanwhile_is_nobodys(join, opened):
    one = join(1)
    trial = one.take(lambda _t: None)
    storage = opened()
    storage.set_trial_state_values(trial._trial_id, TrialState.COMPLETE, [1.0])
    one.give_back(trial._trial_id)
    assert one.open_trials() == []
    assert numbers(join(1), 1) == [None]


def test_a_study_is_worked_on_while_a_live_process_holds_a_trial(opened, other):
    storage = opened()
    study_id = storage.get_study_id_from_name("s")
    assert is_worked_on(storage, study_id)
    other.kill()
    other.wait()
    assert not is_worked_on(storage, study_id)
