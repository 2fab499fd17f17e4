"""A search in pictures: what there is to see is on them, and they are whole."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cclcc_cli.config.search_summary import OWN_SETTING, SearchSummary, TrialSummary
from cclcc_cli.report.figures.search import best_so_far, draw_search, plot_history


def trial(number, state="complete", value=0.5, source="tpe"):
    return TrialSummary(number=number, state=state, value=value, setting={"clcc.grid": 4},
                        words={"grid": "4"}, source=source)


def result(trials, higher=True, importances=None):
    counts = {state: sum(t.state == state for t in trials) for state in ("complete", "pruned")}
    return SearchSummary(name="small", objective="dice" if higher else "mae", trials=trials,
                         counts=counts, importances=importances or {})


MIXED = [trial(0, value=0.4, source=OWN_SETTING), trial(1, value=0.3), trial(2, "pruned", 0.1),
         trial(3, "failed", None), trial(4, value=0.6), trial(5, "pruned", None)]


def test_both_pictures_are_drawn_as_png_and_pdf_and_the_same_for_the_same_result():
    found = result(MIXED, importances={"grid": 0.7, "contrast_weight": 0.3})
    drawn = draw_search(found)
    assert [figure.name for figure in drawn.figures] == ["history", "parameter-importance"]
    assert all(figure.png.startswith(b"\x89PNG") for figure in drawn.figures)
    assert all(figure.pdf.startswith(b"%PDF") for figure in drawn.figures)
    assert draw_search(found) == drawn


def test_without_importances_there_is_the_history_alone_and_the_notes_say_why():
    (history,) = draw_search(result(MIXED)).figures
    assert history.caption == (
        "The validation Dice of 6 trials in their order, and the best so far.")


def test_history_shows_every_kind_of_trial_and_the_best_so_far():
    axes = plot_history(result(MIXED)).axes[0]
    labels = axes.get_legend_handles_labels()[1]
    assert labels == ["complete", "pruned, last value", "the base's own setting", "best so far",
                      "failed"]
    steps = next(line for line in axes.lines if line.get_label() == "best so far")
    assert list(steps.get_xdata()) == [0, 1, 4, 5]
    assert list(steps.get_ydata()) == [0.4, 0.4, 0.6, 0.6]
    assert axes.get_ylabel() == "validation Dice"


@pytest.mark.usefixtures("styled")
@pytest.mark.parametrize("kinds", [{"complete"}, {"complete", "pruned"},
                                   {"complete", "pruned", "failed"}])
def test_nothing_lies_over_another_or_leaves_the_picture(overlapping, kinds):
    assert overlapping(plot_history(result([t for t in MIXED if t.state in kinds]))) == []


@settings(deadline=None, max_examples=20)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.booleans())
def test_the_best_so_far_never_gets_worse_and_ends_with_the_best(values, higher):
    found = result([trial(n, value=v) for n, v in enumerate(values)], higher)
    _, best = best_so_far(found)
    assert best[-1] == (max if higher else min)(values)
    assert best == sorted(best, reverse=not higher)
    assert found.ranked[0].value == best[-1]
    assert found.ranked[0].number == values.index(best[-1])


@pytest.mark.parametrize(("complete", "said"), [(5, True), (20, False)])
def test_importances_from_few_trials_are_called_a_guess(complete, said):
    found = result([trial(n) for n in range(complete)], importances={"grid": 1.0})
    caption = draw_search(found).figures[1].caption
    assert ("a first guess" in caption) == said
