"""The plot of effects says what the table says."""

import numpy as np
import pytest

from cclcc_cli.report.figures.forest import MOST_ROWS, draw_forest, forest_rows, plot_forest


@pytest.fixture
def found(weighed, noise):
    images = noise.uniform(0.3, 0.7, 30)

    def group(shift, seeds=3):
        return images + shift + noise.normal(0, 0.02, (seeds, 30))

    return weighed({
        ("supervised", "base", 80): group(0), ("clcc", "low", 80): group(-0.1),
        ("clcc", "high", 80): group(0.1), ("uamt", "same", 80): group(0.001),
        ("supervised", "base", 400): group(0.2), ("clcc", "high", 400): group(0.25),
    })


@pytest.mark.usefixtures("styled")
def test_points_and_intervals_are_the_tables_numbers_and_ordered_by_size(found, by_gid):
    rows = forest_rows(found.evidence)
    assert [row.name for row in rows] == [
        "polyps-64, 80 labels, difference from supervised", "high", "uamt", "low",
        "polyps-64, 400 labels, difference from supervised", "clcc"]
    (axes,) = plot_forest(rows).axes
    told = {(e.group.recipe, e.group.first.labeled): e.comparison
            for e in found.evidence if e.comparison}
    expected = [told["high", 80], told["same", 80], told["low", 80], told["high", 400]]
    means = [float(line.get_xdata()[0]) for line in by_gid(axes, "mean")]
    assert means == pytest.approx([100 * d.difference.mean for d in expected])
    bounds = [tuple(line.get_xdata()) for line in by_gid(axes, "interval")]
    assert bounds == [pytest.approx((100 * d.low, 100 * d.high)) for d in expected]
    heights = [float(line.get_ydata()[0]) for line in by_gid(axes, "mean")]
    assert heights == [1, 2, 3, 5]
    assert axes.yaxis_inverted()


@pytest.mark.usefixtures("styled")
def test_verdicts_are_told_by_shape_and_in_words(found, by_gid):
    (axes,) = plot_forest(forest_rows(found.evidence)).axes
    marks = [(line.get_marker(), line.get_markerfacecolor()) for line in by_gid(axes, "mean")]
    assert [shape for shape, _ in marks] == ["^", "s", "v", "^"]
    assert [face == "white" for _, face in marks] == [False, False, False, False]
    words = [text.get_text() for text in axes.texts if "p " in text.get_text()]
    assert [word.split("   ")[-1] for word in words] == ["better", "equivalent", "worse",
                                                         "better"]


def test_the_caption_says_of_how_many_seeds_images_and_comparisons(found):
    figure, notes = draw_forest(found.evidence, "test")
    assert "(3 seeds, 30 test images)" in figure.caption
    assert "(1 or 3 comparisons): p is after Holm's" in figure.caption
    assert "the margin of ±2 points" in figure.caption
    assert "about these two trainings" not in figure.caption
    assert (figure.name, notes) == ("effects", [])


@pytest.mark.usefixtures("styled")
def test_one_image_has_no_interval_and_one_seed_is_said(weighed, by_gid):
    found = weighed({("supervised", "base", 80): [[0.5]], ("clcc", "ours", 80): [[0.7]]})
    (axes,) = plot_forest(forest_rows(found.evidence)).axes
    assert by_gid(axes, "interval") == []
    assert len(by_gid(axes, "mean")) == 1
    figure, _ = draw_forest(found.evidence, "val")
    assert "(1 seed, 1 val image)" in figure.caption
    assert "about these two trainings" in figure.caption


def test_nothing_compared_is_a_note(weighed):
    found = weighed({("clcc", "ours", 80): [[0.7, 0.8]]})
    assert draw_forest(found.evidence, "test") == (
        None, ["no forest plot: no group is compared with a baseline"])


def test_of_many_groups_the_largest_differences_are_shown_and_it_is_said(weighed):
    table = {("supervised", "base", 80): [[0.5, 0.6, 0.4]]}
    table |= {("clcc", f"a{n}", 80): np.array([[0.5, 0.6, 0.41]]) + n / 200
              for n in range(MOST_ROWS + 5)}
    figure, notes = draw_forest(weighed(table).evidence, "test")
    assert notes == ["the forest plot shows the 40 largest of 45 differences"]
    assert figure.caption.endswith("The 40 largest of 45 differences are shown.")
    assert "about these two trainings" in figure.caption  # none of them has a second seed


@pytest.mark.usefixtures("styled")
def test_long_names_and_many_rows_do_not_lie_over_each_other(weighed, overlapping):
    table = {("supervised", "base", 80): [[0.5, 0.6, 0.4]]}
    table |= {("clcc", f"a_rather_long_name_of_a_recipe_{n}", 80): [[0.5, 0.6, 0.41 + n / 100]]
              for n in range(17)}
    drawing = plot_forest(forest_rows(weighed(table).evidence))
    assert overlapping(drawing) == []


@pytest.mark.usefixtures("styled")
def test_of_a_distance_the_smallest_is_on_top_in_pixels(weighed, noise, by_gid):
    images = noise.uniform(8, 12, 30)

    def group(shift):
        return images + shift + noise.normal(0, 0.2, (3, 30))

    found = weighed({("supervised", "base", 80): group(0), ("clcc", "far", 80): group(3),
                     ("clcc", "near", 80): group(-2)}, metric=("own", "hd95"))
    rows = forest_rows(found.evidence)
    assert [row.name for row in rows[1:]] == ["near", "far"]
    (axes,) = plot_forest(rows).axes
    near = found.group("near").comparison
    assert near.verdict == "better"
    first = by_gid(axes, "mean")[0]
    assert (first.get_marker(), first.get_xdata()) == ("^", [near.difference.mean])
    assert axes.get_xlabel() == "difference in HD95 (original size), px"
    figure, _ = draw_forest(found.evidence, "test")
    assert "mean test HD95 (original size) from the baseline, in px" in figure.caption
