"""Points and bars are the images, no more and no fewer."""

import numpy as np
import pytest

from cclcc_cli.report.figures.paired import (
    draw_paired,
    pair_images,
    plot_histogram,
    plot_scatter,
)

BASE = [[0.5, 0.6, 0.4, 0.9], [0.7, 0.6, 0.2, 0.9]]
OURS = [[0.8, 0.5, 0.4, 0.9], [0.6, 0.5, 0.2, 0.9]]


@pytest.fixture
def found(weighed):
    return weighed({("supervised", "base", 80): BASE, ("clcc", "ours", 80): OURS,
                    ("uamt", "other", 80): [[0.1, 0.2, 0.3, 0.4]]})


def pairs_of(found):
    return pair_images(found.evidence, found.scores)


@pytest.mark.usefixtures("styled")
def test_a_point_is_an_image_with_its_mean_over_seeds(found, by_gid):
    drawing = plot_scatter(pairs_of(found), "supervised")
    (points,) = by_gid(drawing.axes[0], "images")
    assert points.get_xdata() == pytest.approx([60, 60, 30, 90])
    assert points.get_ydata() == pytest.approx([70, 50, 30, 90])
    assert drawing.axes[0].get_title(loc="left") == "clcc\n1 better, 1 worse"
    assert drawing.axes[0].get_xlim() == drawing.axes[1].get_ylim()
    low, high = drawing.axes[0].get_xlim()
    assert low < 10
    assert high > 90


@pytest.mark.usefixtures("styled")
def test_bars_count_each_image_once_and_the_mean_is_the_tables(found, by_gid):
    drawing = plot_histogram(pairs_of(found), "supervised")
    for axes, recipe in zip(drawing.axes, ["ours", "other"], strict=False):
        (bars,) = by_gid(axes, "images")
        values, edges, _ = bars.get_data()
        assert values.sum() == 4
        assert edges[0] == pytest.approx(-edges[-1])
        difference = found.group(recipe).comparison.difference
        (mean,) = by_gid(axes, "mean")
        assert mean.get_xdata()[0] == pytest.approx(100 * difference.mean)
        (span,) = by_gid(axes, "interval")
        low = span.get_x() if hasattr(span, "get_x") else span.get_xy()[:, 0].min()
        assert low == pytest.approx(100 * difference.low)


@pytest.mark.usefixtures("styled")
def test_identical_results_lie_on_the_line_and_in_the_middle_bin(weighed, by_gid):
    found = weighed({("supervised", "base", 80): BASE, ("clcc", "ours", 80): BASE})
    pairs = pairs_of(found)
    (points,) = by_gid(plot_scatter(pairs, "supervised").axes[0], "images")
    assert (points.get_xdata() == points.get_ydata()).all()
    (bars,) = by_gid(plot_histogram(pairs, "supervised").axes[0], "images")
    assert np.flatnonzero(bars.get_data().values).tolist() == [15]
    assert pairs[0].counts == "0 better, 0 worse"


def test_unequal_image_sets_share_what_they_share(weighed):
    found = weighed({("supervised", "base", 80): [[0.5, 0.6, 0.4]],
                     ("clcc", "ours", 80): [[0.9, 0.8]]},
                    stems={"base": ["a", "b", "c"], "ours": ["c", "x"]})
    (pairs,) = pairs_of(found)
    assert (pairs.group.tolist(), pairs.baseline.tolist()) == ([0.9], [0.4])
    figures = draw_paired(found.evidence, found.scores, "test", "", "polyps-64, 80 labels")
    assert len(figures) == 2


def test_captions_say_who_against_whom(found):
    scatter, histogram = draw_paired(found.evidence, found.scores, "test", "-x", "polyps-64")
    assert (scatter.name, histogram.name) == ("paired-scatter-x", "paired-differences-x")
    assert "against that by supervised (polyps-64; means over 1 to 2 seeds" in scatter.caption
    assert "4 test images)" in histogram.caption


def test_nothing_compared_draws_nothing(weighed):
    found = weighed({("clcc", "ours", 80): OURS})
    assert draw_paired(found.evidence, found.scores, "test", "", "") == []


def test_of_many_groups_the_largest_differences_are_drawn_and_it_is_said(weighed):
    table = {("supervised", "base", 80): BASE}
    table |= {("clcc", f"a{n}", 80): np.clip(np.array(BASE) + n / 100, 0, 1) for n in range(25)}
    found = weighed(table)
    scatter, _ = draw_paired(found.evidence, found.scores, "test", "", "polyps")
    assert scatter.caption.endswith("Shown: the 20 largest of 25 differences.")


@pytest.mark.usefixtures("styled")
@pytest.mark.parametrize("plot", [plot_scatter, plot_histogram])
@pytest.mark.parametrize("count", [1, 2, 17])
def test_any_number_of_panels_has_readable_words(weighed, overlapping, plot, count):
    table = {("supervised", "base", 80): BASE}
    table |= {("clcc", f"clcc_with_many_words_{n}", 80): OURS for n in range(count)}
    assert overlapping(plot(pairs_of(weighed(table)), "supervised")) == []


@pytest.mark.usefixtures("styled")
def test_of_a_distance_the_points_below_the_line_are_the_better_ones(weighed, by_gid):
    found = weighed({("supervised", "base", 80): [[10.0, 12.0, 8.0]],
                     ("clcc", "ours", 80): [[7.0, 13.0, 6.0]]}, metric=("working", "hd95"))
    (pairs,) = pairs_of(found)
    assert pairs.counts == "2 better, 1 worse"
    (axes,) = plot_scatter([pairs], "supervised").axes
    (points,) = by_gid(axes, "images")
    assert points.get_ydata().tolist() == [7.0, 13.0, 6.0]
    assert axes.get_xlabel() == "HD95 px of supervised"
    scatter, histogram = draw_paired(found.evidence, found.scores, "test", "", "polyps")
    assert "Below the line the group is better" in scatter.caption
    assert "difference in HD95 from supervised" in histogram.caption
    assert ", in px. The solid line" in histogram.caption
