"""The curve over label ratios shows the table's estimates and claims only what it can."""

import numpy as np
import pytest

from cclcc_cli.report.figures.efficiency import (
    build_series,
    draw_efficiency,
    plot_efficiency,
    statements,
)


def rows(mean, images=20):
    spread = np.linspace(-0.1, 0.1, images)
    return [mean + spread, mean + 0.01 - spread[::-1], mean - 0.01 + spread]


@pytest.fixture
def found(weighed):
    """Supervised from 40 % to 80 % Dice on 10 to 800 of 800 labels; clcc at 60 % with 10."""
    return weighed({
        ("supervised", "base", 10): rows(0.4), ("supervised", "base", 80): rows(0.6),
        ("supervised", "base", 800): rows(0.8),
        ("clcc", "ours", 10): rows(0.5), ("clcc", "ours", 80): rows(0.75),
    })


@pytest.mark.usefixtures("styled")
def test_points_and_intervals_are_the_estimates(found):
    series = build_series(found.evidence, found.scores)
    assert [(each.name, each.is_supervised) for each in series] == [
        ("supervised", True), ("clcc", False)]
    (axes,) = plot_efficiency(series).axes
    for each, container in zip(series, axes.containers, strict=True):
        line, _, (bars,) = container.lines
        assert line.get_ydata() == pytest.approx([100 * p.estimate.mean for p in each.points])
        assert line.get_xdata() == pytest.approx(each.shares, rel=0.02)
        ends = [segment[:, 1] for segment in bars.get_segments()]
        assert ends == [pytest.approx([100 * p.estimate.low, 100 * p.estimate.high])
                        for p in each.points]
    assert axes.get_xscale() == "log"
    assert axes.xaxis.get_majorticklocs().tolist() == [100, 10, 1.25]


@pytest.mark.usefixtures("styled")
def test_a_level_line_leads_from_each_point_to_the_supervised_curve(found, by_gid):
    series = build_series(found.evidence, found.scores)
    (axes,) = plot_efficiency(series).axes
    first, second = by_gid(axes, "equals")
    assert first.get_xdata() == pytest.approx([1.25, 100 * np.sqrt(10 * 80) / 800])
    assert first.get_ydata() == pytest.approx([50, 50])
    assert second.get_ydata() == pytest.approx([75, 75])


def test_what_supervised_would_need_is_said_with_its_interval(found):
    first, _ = statements(build_series(found.evidence, found.scores))
    assert first.startswith("clcc with 1.25 % of the labels equals supervised with 3.54 % "
                            "(95 % interval ")
    figure, notes = draw_efficiency(found.evidence, found.scores, "test", "")
    assert first in figure.caption
    assert "(3 seeds, 20 test images)" in figure.caption
    assert "Interpolated" in figure.caption
    assert notes == []


def test_beyond_the_curve_nothing_is_claimed(weighed):
    found = weighed({
        ("supervised", "base", 10): rows(0.4), ("supervised", "base", 80): rows(0.6),
        ("clcc", "ours", 10): rows(0.3), ("clcc", "ours", 80): rows(0.7),
    })
    figure, _ = draw_efficiency(found.evidence, found.scores, "test", "")
    assert "equals" not in figure.caption
    assert "For 2 of 2 groups there is no such number" in figure.caption


def test_one_number_of_labels_is_a_note(weighed):
    found = weighed({("supervised", "base", 80): rows(0.4), ("clcc", "ours", 80): rows(0.6)})
    assert draw_efficiency(found.evidence, found.scores, "test", "") == (None, [
        "no label-efficiency curve: polyps-64 has no method with two numbers of labels"])


def test_without_a_supervised_curve_the_others_are_drawn_and_nothing_is_claimed(weighed):
    found = weighed({("clcc", "ours", 10): rows(0.4), ("clcc", "ours", 80): rows(0.6)})
    figure, notes = draw_efficiency(found.evidence, found.scores, "test", "-x")
    assert figure.name == "label-efficiency-x"
    assert "equals" not in figure.caption
    assert "how many labels supervised would need is not said" in notes[0]


def test_two_recipes_of_a_method_are_two_lines_and_two_supervised_ones_no_curve(weighed):
    table = {(method, recipe, labeled): rows(0.4 + labeled / 400)
             for method, recipe in [("supervised", "long"), ("supervised", "short"),
                                    ("clcc", "a"), ("clcc", "b")] for labeled in (10, 80)}
    series = build_series(*vars(weighed(table)).values())
    assert sorted(each.name for each in series) == [
        "clcc a", "clcc b", "supervised long", "supervised short"]
    assert all(not each.equals for each in series)


@pytest.mark.usefixtures("styled")
def test_one_image_has_no_interval(weighed):
    found = weighed({("supervised", "base", 10): [[0.4]], ("supervised", "base", 80): [[0.6]],
                     ("clcc", "ours", 10): [[0.5]]})
    series = build_series(found.evidence, found.scores)
    (axes,) = plot_efficiency(series).axes
    _, _, (bars,) = axes.containers[0].lines
    assert all(np.ptp(segment[:, 1]) == 0 for segment in bars.get_segments())
    assert "no interval from one image" in statements(series)[0]


@pytest.mark.usefixtures("styled")
@pytest.mark.parametrize("count", [1, 6, 16])
def test_any_number_of_methods_has_readable_words(weighed, overlapping, count):
    labels = (10, 20, 80, 400, 500, 800)
    table = {("supervised", "base", labeled): rows(0.3 + labeled / 2000) for labeled in labels}
    table |= {(f"a_method_with_a_name_{n}", "ours", labeled): rows(0.35 + labeled / 2000)
              for n in range(count) for labeled in labels[:-1]}
    drawing = plot_efficiency(build_series(*vars(weighed(table)).values()))
    assert overlapping(drawing) == []
    assert len(drawing.axes) == (1 if count < 7 else 16)


@pytest.mark.usefixtures("styled")
def test_a_distance_is_drawn_in_pixels_and_its_equivalence_is_found(weighed):
    """As far with 10 labels as supervised, which falls from 30 to 10 px, with 10 * sqrt(80)."""
    def pixels(mean):
        return 100 * np.array(rows(mean))

    found = weighed({
        ("supervised", "base", 10): pixels(0.3), ("supervised", "base", 80): pixels(0.1),
        ("clcc", "ours", 10): pixels(0.2), ("clcc", "ours", 80): pixels(0.05),
    }, metric=("working", "hd95"))
    series = build_series(found.evidence, found.scores)
    assert series[1].equals[10].labels == pytest.approx((10 * 80) ** 0.5)
    assert series[1].equals[80].obstacle == "it scores better than all of the supervised curve"
    (axes,) = plot_efficiency(series).axes
    assert axes.get_ylabel() == "HD95 px"
    low, high = axes.get_ylim()
    assert low < 5 < 30 < high < 50
