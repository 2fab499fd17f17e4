"""Cells that sort by their values, and columns of numbers."""

from cclcc_cli.report.gather.groups import ScoreSummary
from cclcc_cli.report.render.text import sort_value
from cclcc_cli.report.tables.table import (
    Change,
    Column,
    Interval,
    Repeats,
    Row,
    Several,
    Share,
    Table,
)


def test_a_cell_sorts_by_its_main_number_and_words_by_none():
    column = Column("x")
    values = {ScoreSummary(0.405, 0.01, 3): 0.405, Change(-0.0009, -0.05, 0.06): -0.0009,
              Share(32, 320): 32, Several((400, 500)): 400, Repeats(3, 5, None): 3,
              Interval(0.12, 0.15): 0.12, 0.0004: 0.0004, "8.5.1": None, None: None}
    assert {value: sort_value(column, Row({"x": value})) for value in values} == values
    assert sort_value(column, Row({})) is None


def test_a_column_is_numeric_if_some_value_is_a_number_whatever_words_look_like():
    columns = [Column(key) for key in ("recipe", "labels", "change", "verdict")]
    table = Table("rows", "t", columns, [
        Row({"recipe": "2", "labels": Share(8, 80), "change": Change(1.0, 0.2, 1.8),
             "verdict": "better"}),
        Row({"recipe": "plain", "labels": Share(16, 80), "change": None, "verdict": None},
            {"change": "baseline"})])
    assert [table.is_numeric(column) for column in columns] == [False, True, True, False]
