"""Costs as columns: means over the runs that know them, the highest peak."""

from pathlib import Path

from cclcc_cli.report.gather.finished import Costs, FinishedRun
from cclcc_cli.report.gather.groups import Group
from cclcc_cli.report.tables.costs import cost_values


def group(*costs):
    return Group(tuple(
        FinishedRun(Path(str(seed)), "a", "d-64", "uamt", "n", 8, 80, seed, 100, {}, {}, {}, 1, {},
                    each)
        for seed, each in enumerate(costs)
    ))


def test_by_hand():
    first = Costs(2_465_329, 4_930_658, 8.0, 36.0, 10.0, 2**30)
    second = Costs(2_465_329, 4_930_658, 8.0, 36.0, 20.0, 3 * 2**30)
    assert cost_values(group(first, None, second)) == {
        "predictor_parameters": 2_465_329, "training_parameters": 4_930_658,
        "learning_images": 8.0, "forward_images": 36.0, "images_per_second": 15.0,
        "peak_memory_bytes": 3 * 2**30}


def test_runs_from_before_costs_were_kept_say_so():
    assert set(cost_values(group(None)).values()) == {None}
