"""Curves are what was recorded: means, lowest and highest seeds, and nothing that is no number."""

import json
import math

import pytest

from cclcc_cli.report.figures.learning import (
    draw_learning,
    plot_dice,
    plot_losses,
    read_history,
)
from cclcc_cli.runs.folder import RunFolder


@pytest.fixture
def record(weighed):
    """Groups of 2 seeds with recorded Dice; returns what was weighed."""

    def write(dice, methods=("supervised", "clcc"), seeds=2, terms=None):
        found = weighed({(method, f"{method}_group", 80): [[0.5, 0.6]] * seeds
                         for method in methods})
        for evidence in found.evidence:
            for seed, run in enumerate(evidence.group.runs):
                folder = RunFolder(run.path)
                lines = [json.dumps({"step": step, "val": {"dice": value},
                                     "train": terms or {"total": 1.0, "supervised": 0.5}})
                         for step, value in dice[seed]]
                folder.write_text("metrics.jsonl", "\n".join(lines) + "\n")
        return found

    return write


TWO = [[(10, 0.2), (20, 0.4)], [(10, 0.4), (20, 0.8)]]


@pytest.mark.usefixtures("styled")
def test_a_curve_is_the_mean_and_its_band_the_lowest_and_highest_seed(record, by_gid):
    found = record(TWO)
    histories = [read_history(e.group, e.group.recipe, e.is_baseline) for e in found.evidence]
    assert histories[0].dice.mean.tolist() == pytest.approx([0.3, 0.6])
    assert histories[0].dice.low.tolist() == [0.2, 0.4]
    assert histories[0].dice.high.tolist() == [0.4, 0.8]
    (axes,) = plot_dice(histories).axes
    lines = by_gid(axes, "curve")
    assert [line.get_label() for line in lines] == ["clcc_group", "supervised_group"]
    assert lines[0].get_xdata().tolist() == [10, 20]
    assert lines[0].get_ydata() == pytest.approx([30, 60])
    assert len(by_gid(axes, "band")) == 2
    looks = {(line.get_color(), str(line.get_linestyle()), line.get_marker()) for line in lines}
    assert len({look[0] for look in looks}) == len({look[2] for look in looks}) == 2


@pytest.mark.usefixtures("styled")
def test_one_seed_has_no_band(record, by_gid):
    found = record(TWO, seeds=1)
    histories = [read_history(e.group, "a", e.is_baseline) for e in found.evidence]
    (axes,) = plot_dice(histories).axes
    assert by_gid(axes, "band") == []
    figures, notes = draw_learning(found.evidence, "", "polyps")
    assert "bands" not in figures[0].caption
    assert "(polyps; 1 seed)" in figures[0].caption
    assert notes == []


def test_steps_that_a_seed_lacks_or_that_are_no_number_are_left_out(record):
    found = record([[(10, 0.2), (20, math.nan), (30, 0.5), (40, 0.5)],
                    [(10, 0.4), (20, 0.8), (30, 0.7)]])
    curve = read_history(found.evidence[0].group, "a", False).dice
    assert curve.steps.tolist() == [10, 30]
    assert curve.mean.tolist() == pytest.approx([0.3, 0.6])


def test_a_torn_line_is_passed_over(record):
    found = record(TWO)
    path = found.evidence[0].group.first.path / "metrics.jsonl"
    path.write_text(path.read_text() + '{"step": 30, "val": {"di')
    assert read_history(found.evidence[0].group, "a", False).dice.steps.tolist() == [10, 20]


@pytest.mark.parametrize("content", [None, "", "[]\n", "17\n", '{"val": {"dice": 1}}\n',
                                     '{"step": 1}\n', '{"step": 1, "val": {"dice": "x"}}\n'])
def test_a_run_without_usable_records_is_a_note_and_the_others_are_drawn(record, content):
    found = record(TWO)
    path = found.evidence[0].group.first.path / "metrics.jsonl"
    path.unlink() if content is None else path.write_text(content)
    figures, notes = draw_learning(found.evidence, "", "polyps")
    assert [figure.name for figure in figures] == ["learning-curves", "losses"]
    assert len(notes) == 1
    assert notes[0].startswith("no learning curve: ")
    assert "metrics.jsonl" in notes[0]


def test_no_records_at_all_draw_nothing(weighed):
    found = weighed({("clcc", "ours", 80): [[0.7, 0.8]]})
    figures, notes = draw_learning(found.evidence, "", "polyps")
    assert figures == []
    assert len(notes) == 1


@pytest.mark.usefixtures("styled")
def test_many_groups_get_panels_with_the_baseline_in_each(record, by_gid, overlapping):
    methods = ["supervised", *(f"a_method_with_a_long_name_{n}" for n in range(16))]
    found = record(TWO, methods)
    histories = [read_history(e.group, e.group.first.method, e.group.first.method == "supervised")
                 for e in found.evidence]
    for drawing in (plot_dice(histories), plot_losses(histories)):
        shown = [axes for axes in drawing.axes if axes.get_visible()]
        assert len(shown) == 17
        assert overlapping(drawing) == []
        assert drawing.get_size_inches().tolist() <= [7, 9]
    assert all(len(by_gid(axes, "baseline")) == 1 for axes in plot_dice(histories).axes[:17])


@pytest.mark.usefixtures("styled")
@pytest.mark.parametrize("count", [1, 2, 7])
def test_few_groups_have_readable_words(record, overlapping, count):
    found = record(TWO, [f"method_number_{n}" for n in range(count)],
                   terms={f"some_long_term_{n}": n + 0.1 for n in range(6)} | {"total": 9.0})
    histories = [read_history(e.group, e.group.recipe, False) for e in found.evidence]
    assert overlapping(plot_dice(histories)) == []
    assert overlapping(plot_losses(histories)) == []


@pytest.mark.usefixtures("styled")
@pytest.mark.parametrize(("terms", "scale"), [({"total": 0.1, "contrast": 0.2}, "log"),
                                              ({"total": 0.0, "contrast": 0.2}, "linear"),
                                              ({"total": -1.0, "contrast": 0.2}, "linear")])
def test_losses_are_logarithmic_where_they_can_be(record, by_gid, terms, scale):
    found = record(TWO, terms=terms)
    drawing = plot_losses([read_history(found.evidence[0].group, "a", False)])
    (axes,) = drawing.axes
    assert axes.get_yscale() == scale
    lines = {line.get_label(): line.get_ydata().tolist() for line in by_gid(axes, "curve")}
    assert lines == {name: [value] * 2 for name, value in terms.items()}
