"""Work over cores: in order, bounded, and within a memory budget that threads share."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from cclcc_cli.data.workers import MemoryBudget, in_order, thread_workers


def test_results_come_in_the_order_of_the_items() -> None:
    with thread_workers() as pool:
        late_first = list(in_order(pool, lambda n: time.sleep((20 - n) / 2000) or n, range(20)))
    assert late_first == list(range(20))


def test_no_more_is_begun_than_a_few_items_ahead_of_what_was_taken() -> None:
    begun: list[int] = []
    with ThreadPoolExecutor(1) as pool:
        results = in_order(pool, begun.append, range(10_000))
        next(results)
        results.close()
    assert len(begun) < 1000


def test_an_error_comes_out_where_its_result_would() -> None:
    def work(number: int) -> int:
        if number == 3:
            raise ValueError("three")
        return number

    with thread_workers() as pool:
        results = in_order(pool, work, range(10))
        assert [next(results) for _ in range(3)] == [0, 1, 2]
        with pytest.raises(ValueError, match="three"):
            next(results)


def test_threads_never_hold_more_than_the_budget_together() -> None:
    budget = MemoryBudget(100)
    held: list[int] = []
    most: list[int] = []
    lock = threading.Lock()

    def work(size: int) -> None:
        with budget.hold(size):
            with lock:
                held.append(size)
                most.append(sum(held))
            time.sleep(0.001)
            with lock:
                held.remove(size)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, [30, 60, 10, 90, 50, 40] * 10))
    assert max(most) <= 100
    assert any(total > 90 for total in most)  # and it does let several in at once


def test_who_wants_more_than_all_of_it_gets_it_alone() -> None:
    budget = MemoryBudget(100)
    alone: list[bool] = []
    inside = 0

    def work(size: int) -> None:
        nonlocal inside
        with budget.hold(size):
            inside += 1
            time.sleep(0.002)
            if size > 100:
                alone.append(inside == 1)
            inside -= 1

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, [20, 1000, 30, 1000, 20]))
    assert alone == [True, True]


def test_what_was_held_is_given_back_after_an_error() -> None:
    budget = MemoryBudget(10)
    with pytest.raises(ValueError, match="broken"), budget.hold(10):
        raise ValueError("broken")
    with budget.hold(10):
        pass
