"""Quoted figures in a table: shown, marked, and without any influence on the rest."""

import pytest

from cclcc_cli.config.quoted import Quoted
from cclcc_cli.report.evidence.weigh import Evidence
from cclcc_cli.report.gather.groups import Group
from cclcc_cli.report.tables.layouts import lay_out_grid, lay_out_rows
from cclcc_cli.report.tables.quoted import (
    add_to_grid,
    add_to_rows,
    fitting,
    quoted_records,
    quoted_sentences,
)
from cclcc_cli.report.tables.rows import MAIN_METRICS


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
    plain = lay_out_rows(evidence, "test", MAIN_METRICS, costs=True)
    layout = add_to_rows(plain, [quote(theirs=80, other=0.5)], MAIN_METRICS)
    assert layout.rows[:2] == plain.rows
    assert layout.ranks[:2] == plain.ranks
    assert layout.rules == [2]
    dice = layout.columns.index("Dice %")
    assert layout.rows[2][:8] == ["theirs", "quoted", "80 (10 %)", "", "", "90.00",
                                  "80.00 ± 1.50", ""]
    assert layout.rows[3][2] == "400 (50 %)"
    assert [row[dice] for row in layout.ranks] == [1, 2, 0, 0]
    assert [row[0] for row in layout.marks] == ["", "", "‡", "‡"]
    assert {len(row) for table in (layout.rows, layout.ranks, layout.marks)
            for row in table} == {len(layout.columns)}


def test_a_share_of_an_unknown_number_stays_a_share(evidence):
    layout = add_to_rows(lay_out_rows(evidence, "test", MAIN_METRICS, costs=False),
                         [quote(train_images=None, theirs=0.1, other=80)], MAIN_METRICS)
    assert [row[2] for row in layout.rows[2:]] == ["10 %", "80"]


def test_in_a_grid_they_fill_the_columns_of_their_labels(evidence):
    groups = [found.group for found in evidence]
    layout = add_to_grid(lay_out_grid(evidence, "test"), [quote(theirs=80, other=160)], groups)
    assert layout.rows[2:] == [["theirs", "quoted", "90.00"]]
    assert layout.ranks[2] == [0, 0, 0]


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


def test_records_are_shares_of_one_with_their_source():
    (record,) = quoted_records([quote(theirs=80)])
    assert (record["dice_mean"], record["iou_std"], record["quoted"]) == (0.9, 0.015, True)
    assert record["source"] == "A et al. 2024, Table 2"
