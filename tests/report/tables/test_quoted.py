"""Quoted figures in a table: shown, marked, and without any influence on the rest."""

import json

import pytest

from cclcc_cli.config.quoted import Quoted
from cclcc_cli.report.evidence.weigh import Evidence
from cclcc_cli.report.gather.groups import Group
from cclcc_cli.report.render.records import to_json
from cclcc_cli.report.tables.columns import MAIN_METRICS
from cclcc_cli.report.tables.grid import build_grid
from cclcc_cli.report.tables.quoted import (
    add_to_grid,
    add_to_rows,
    fitting,
    quoted_sentences,
)
from cclcc_cli.report.tables.rows import build_rows
from cclcc_cli.report.tables.table import Sheet
from tests.report.shown import marks, ranks, rows, rules


def quote(data="polyps", train_images=800, **labels):
    """A method for each keyword, with the Dice of 90 and so many labels."""
    return Quoted.model_validate({
        "source": "A et al. 2024, Table 2", "data": data, "train_images": train_images,
        "results": [{"name": name, "labels": value,
                     "scores": {"dice": 90.0, "iou": {"mean": 80.0, "std": 1.5}}}
                    for name, value in labels.items()]})


@pytest.fixture
def evidence(make_run):
    return [Evidence(Group((make_run(dice, group=group, method=method),)), None, None, False)
            for group, method, dice in (("a", "clcc", 0.6), ("b", "cps", 0.5))]


def test_they_stand_below_a_line_marked_and_unranked(evidence):
    plain = build_rows(evidence, "test", MAIN_METRICS, "x")
    table = add_to_rows(plain, [quote(theirs=80, other=0.5)])
    assert (table.rows, rows(table)[:2]) == (plain.rows, rows(plain))
    assert rules(table) == [2]
    assert rows(table)[2][:8] == ["theirs", "quoted", "80 (10 %)", "", "", "90.00",
                                  "80.00 ± 1.50", ""]
    assert rows(table)[3][2] == "400 (50 %)"
    assert ranks(table, "dice") == [1, 2, 0, 0]
    assert marks(table, "method") == ["", "", "‡", "‡"]


def test_a_share_of_an_unknown_number_stays_a_share(evidence):
    table = add_to_rows(build_rows(evidence, "test", MAIN_METRICS, "x"),
                        [quote(train_images=None, theirs=0.1, other=80)])
    assert [row[2] for row in rows(table)[2:]] == ["10 %", "80"]


def test_in_a_grid_they_fill_the_columns_of_their_labels(evidence):
    groups = [found.group for found in evidence]
    table = add_to_grid(build_grid(evidence, "test", "x"), [quote(theirs=80, other=160)], groups)
    assert rows(table)[2:] == [["theirs", "quoted", "90.00"]]
    assert table.quoted[0].ranks == {}


def test_only_those_about_the_same_data_set_fit(evidence, make_run):
    groups = [found.group for found in evidence]
    own, other, longer = quote(theirs=8), quote(data="skin", a=8), quote(data="polyps-64", a=8)
    assert fitting([own, other, longer], groups) == [own]
    fold = Group((make_run(data="polyps-64 fold 3"),))
    assert fitting([own], [fold]) == [own]


def test_they_are_said_to_be_quoted_and_from_where():
    (said,) = quoted_sentences([quote(theirs=80)])
    assert said == ("‡ quoted, not run here: A et al. 2024, Table 2; other split, size, budget or "
                    "protocol, so neither ranked nor tested.")


def test_records_are_shares_of_one_with_their_source_and_all_their_scores(evidence):
    table = add_to_rows(build_rows(evidence, "test", [("working", "dice")], "x"),
                        [quote(theirs=80)])
    (record,) = json.loads(to_json(Sheet([table], [])))["quoted"]
    assert (record["dice_mean"], record["iou_std"], record["quoted"]) == (0.9, 0.015, True)
    assert record["source"] == "A et al. 2024, Table 2"
