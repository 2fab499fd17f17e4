"""When a run is to blame for the death of its workers."""

from cclcc_cli.launchers.remote import MAX_DEATHS, Deaths, WorkerLost

KILLED = WorkerLost("its process was killed")


def test_a_run_that_gets_no_further_is_given_up() -> None:
    deaths = Deaths()
    assert [deaths.add(KILLED, step=0) for _ in range(MAX_DEATHS)] == [True, True, False]


def test_one_that_gets_further_each_time_is_not() -> None:
    deaths = Deaths()
    assert all(deaths.add(KILLED, step) for step in range(10))
    assert [deaths.add(KILLED, step=9) for _ in range(2)] == [True, False]


def test_a_machine_that_others_needed_does_not_count() -> None:
    deaths = Deaths()
    preempted = WorkerLost("its Slurm job was preempted", blame=False)
    assert all(deaths.add(preempted, step=0) for _ in range(10))
