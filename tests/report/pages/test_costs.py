"""The table of costs: sums and means by hand, and what makes them doubtful."""

import json

import pytest

from cclcc_cli.report.gather.finished import Costs, RunUsage
from cclcc_cli.report.gather.runs import Gathered
from cclcc_cli.report.pages.costs import write_cost_page
from cclcc_cli.report.render.records import to_json
from cclcc_cli.report.render.text import titles
from cclcc_cli.report.tables.costs import build_costs
from tests.report.shown import rows, rules


@pytest.fixture
def runs(make_run):
    costs = Costs(2_000_000, 4_000_000, 8.0, 4.0, 50.0, 2**30)
    return [
        make_run(group="a", seed=0, costs=costs, spent=RunUsage(3200, 60.0, 90.0, "one")),
        make_run(group="a", seed=1, costs=costs, spent=RunUsage(3200, 70.0, 150.0, "one")),
        make_run(group="b", method="supervised", name="old"),
    ]


def test_a_run_of_a_group_costs_the_mean_over_its_seeds(runs):
    table = build_costs(runs)
    assert titles(table)[4:9] == ["steps", "images", "time in steps", "time in all",
                                   "M weights kept"]
    assert rows(table)[0] == ["clcc", "plain", "80 (10 %)", "2", "400", "3200", "1:05", "2:00",
                              "2.00", "4.00", "8", "4", "50.0", "1.00"]
    assert rows(table)[1][5:] == ["none"] * 9
    assert not any(row.ranks for row in table.rows)


def test_totals_and_doubts_are_said(runs):
    sheet = write_cost_page(Gathered(tuple(runs), ("left out: x",)))
    assert sheet.sentences == [
        "2 runs took 4:00 one after another.",
        "Peak memory on a CPU is the whole process's, Python and torch included.",
        "Times depend on what else the machine was doing."]
    assert sheet.notes == ["left out: x"]
    first, second = json.loads(to_json(sheet))["rows"]
    assert (first["images"], first["wall_seconds"], first["wall_seconds_all_seeds"]) == (
        3200, 120, 240)
    assert (second["images"], second["wall_seconds"], second["memory_of"]) == (None, None, None)


def test_several_machines_and_unequal_steps_are_said(make_run):
    runs = (make_run(group="a", spent=RunUsage(host="one")),
            make_run(group="b", spent=RunUsage(host="two"), steps=900))
    sheet = write_cost_page(Gathered(runs, ()))
    assert "They ran on 2 machines (one, two)" in sheet.sentences[0]
    assert "differ in optimiser steps" in sheet.notes[0]


def test_data_sets_and_groups_that_look_alike_are_told_apart(make_run):
    table = build_costs([make_run(group="a"), make_run(group="b"),
                         make_run(group="c", data="skin-64")])
    assert (titles(table)[0], titles(table)[-1], rules(table)) == ("data", "group", [2])
