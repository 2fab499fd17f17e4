"""Bars are the numbers that a search hands over, the largest first."""

import math

import pytest

from cclcc_cli.report.figures.importance import draw_importance, plot_importance

GIVEN = {"optimizer.lr": 0.2, "clcc.contrast_weight": 0.7, "clcc.grid": 0.1}


@pytest.mark.usefixtures("styled")
def test_bars_are_the_numbers(overlapping):
    drawing = plot_importance(GIVEN)
    (axes,) = drawing.axes
    assert [bar.get_width() for bar in axes.patches] == [0.2, 0.7, 0.1]
    assert [label.get_text() for label in axes.get_yticklabels()] == list(GIVEN)
    assert overlapping(drawing) == []


def test_the_caption_says_how_importance_was_told():
    figure, notes = draw_importance(GIVEN, "mean validation Dice", 40, "PED-ANOVA")
    assert figure.name == "parameter-importance"
    assert "mean validation Dice" in figure.caption
    assert "(PED-ANOVA, 40 finished trials)" in figure.caption
    assert notes == []


def test_what_is_no_number_is_left_out_and_said():
    figure, notes = draw_importance({"a": math.nan, "b": 1.0}, "Dice", 3, "fANOVA")
    assert figure is not None
    assert notes == ["importance of a is not a finite number"]
    assert draw_importance({"a": math.nan}, "Dice", 3, "fANOVA")[0] is None
    assert draw_importance({}, "Dice", 0, "fANOVA") == (
        None, ["no parameter importance: no parameter has one"])


@pytest.mark.usefixtures("styled")
def test_many_parameters_with_long_names_are_readable_and_zero_is_drawn(overlapping):
    given = {f"clcc.some_section.a_parameter_{n}": 0.0 for n in range(20)}
    assert overlapping(plot_importance(given)) == []
    figure, _ = draw_importance(given | {"more": 0.5}, "Dice", 9, "fANOVA")
    assert figure.caption.endswith("The 20 largest of 21 are shown.")
