"""The table of costs: sums and means by hand, and what makes them doubtful."""

import json

import pytest

from cclcc_cli.report.gather.finished import Costs, Spent
from cclcc_cli.report.gather.groups import group_runs
from cclcc_cli.report.gather.runs import Gathered
from cclcc_cli.report.pages.costs import lay_out_costs, write_cost_page


@pytest.fixture
def runs(make_run):
    costs = Costs(2_000_000, 4_000_000, 8.0, 4.0, 50.0, 2**30)
    return [
        make_run(group="a", seed=0, costs=costs, spent=Spent(3200, 60.0, 90.0, "one")),
        make_run(group="a", seed=1, costs=costs, spent=Spent(3200, 70.0, 150.0, "one")),
        make_run(group="b", method="supervised", name="old"),
    ]


def test_a_run_of_an_group_costs_the_mean_over_its_seeds(runs):
    layout = lay_out_costs(group_runs(runs))
    assert layout.columns[4:9] == ["steps", "images", "time in steps", "time in all",
                                   "M weights kept"]
    assert layout.rows[0] == ["clcc", "plain", "80 (10 %)", "2", "400", "3200", "1:05", "2:00",
                              "2.00", "4.00", "8", "4", "50.0", "1.00"]
    assert layout.rows[1][5:] == ["none"] * 9
    assert {rank for row in layout.ranks for rank in row} == {0}


def test_totals_and_doubts_are_said(runs):
    sheet = write_cost_page(Gathered(tuple(runs), ("left out: x",)))
    assert sheet.sentences == [
        "2 runs took 4:00 one after another.",
        "Peak memory on a CPU is the whole process's, Python and torch included.",
        "Times depend on what else the machine was doing."]
    assert sheet.notes == ["left out: x"]
    first, second = json.loads(sheet.json())["rows"]
    assert (first["images"], first["wall_seconds"], first["wall_seconds_all_seeds"]) == (
        3200, 120, 240)
    assert (second["images"], second["wall_seconds"], second["memory_of"]) == (None, None, None)


def test_several_machines_and_unequal_steps_are_said(make_run):
    runs = (make_run(group="a", spent=Spent(host="one")),
            make_run(group="b", spent=Spent(host="two"), steps=900))
    sheet = write_cost_page(Gathered(runs, ()))
    assert "They ran on 2 machines (one, two)" in sheet.sentences[0]
    assert "differ in optimiser steps" in sheet.notes[0]


def test_data_sets_and_groups_that_look_alike_are_told_apart(make_run):
    layout = lay_out_costs(group_runs([make_run(group="a"), make_run(group="b"),
                                       make_run(group="c", data="skin-64")]))
    assert (layout.columns[0], layout.columns[-1], layout.rules) == ("data", "group", [2])
