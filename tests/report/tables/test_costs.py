"""Costs as columns: means over the runs that know them, the highest peak."""

from pathlib import Path

from cclcc_cli.report.gather.finished import Costs, FinishedRun
from cclcc_cli.report.gather.groups import Group
from cclcc_cli.report.tables.costs import COLUMNS, cost_cells, cost_record


def group(*costs):
    return Group(tuple(
        FinishedRun(Path(str(seed)), "a", "d-64", "uamt", "n", 8, 80, seed, 100, {}, {}, {}, 1, {},
                    each)
        for seed, each in enumerate(costs)
    ))


def test_by_hand():
    first = Costs(2_465_329, 4_930_658, 8.0, 36.0, 10.0, 2**30)
    second = Costs(2_465_329, 4_930_658, 8.0, 36.0, 20.0, 3 * 2**30)
    assert cost_cells(group(first, None, second)) == ["2.47", "4.93", "8", "36", "15.0", "3.00"]
    assert cost_record(group(first, second))["images_per_second"] == 15.0


def test_runs_from_before_costs_were_kept_say_so():
    assert cost_cells(group(None)) == ["none"] * len(COLUMNS)
    assert set(cost_record(group(None)).values()) == {None}
