"""Cells that sort by the number they begin with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cclcc_cli.report.render.html import build_table, leading_number
from cclcc_cli.report.tables.details import plain_layout


@pytest.mark.parametrize(("text", "number"), [
    ("40.50 ± 1.20", 40.5), ("40.50 (1 seed)", 40.5), ("-0.09 (-5.51 to 5.83)", -0.09),
    ("+4.60 (2.68 to 6.59)", 4.6), ("32 (10 %)", 32), ("0.976", 0.976), ("400/500", 400),
    ("1e-05", 1e-5), ("12 to 15", 12), ("none", None), ("baseline", None), ("", None),
    ("2stage", None), ("3f2a", None), ("better (1 seed)", None), ("8.5.1", None),
])
def test_the_number_that_a_cell_begins_with(text: str, number: float | None) -> None:
    assert leading_number(text) == number


def test_below_a_bound_is_less_than_the_bound() -> None:
    below, bound = leading_number("<0.001"), leading_number("0.001")
    assert below is not None
    assert bound is not None
    assert 0 < below < bound


@given(st.lists(st.floats(-1000, 1000).map(lambda x: round(x, 2)), min_size=2, unique=True),
       st.floats(0, 99))
def test_cells_sort_as_their_means_do(means: list[float], spread: float) -> None:
    cells = [f"{mean:.2f} ± {spread:.2f}" for mean in means]
    assert sorted(cells, key=lambda cell: leading_number(cell) or 0.0) == [
        f"{mean:.2f} ± {spread:.2f}" for mean in sorted(means)]


def test_a_key_column_is_numeric_only_if_all_of_it_is_and_others_if_some_is() -> None:
    layout = plain_layout(["recipe", "labels", "difference from baseline", "verdict"], [
        ["2", "8 (10 %)", "+1.00 (0.2 to 1.8)", "better"],
        ["plain", "16 (20 %)", "baseline", ""]], num_keys=2)
    table = build_table("t", layout)
    assert [column.numeric for column in table.columns] == [False, True, True, False]
    assert [[cell.value for cell in row.cells] for row in table.rows] == [
        [None, 8, 1, None], [None, 16, None, None]]
