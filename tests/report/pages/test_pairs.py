"""Paired statistics of other scores than Dice, from run folders to verdicts in words."""

import numpy as np
import pytest

from cclcc_cli.metrics.scores import parse_metric
from cclcc_cli.report.evidence.statistics import difference
from cclcc_cli.report.pages.compare import compare
from cclcc_cli.report.pages.comparison import Question, write_page
from cclcc_cli.report.render.records import records
from cclcc_cli.report.render.text import text_rows

IMAGES, SEEDS = 20, 3


@pytest.fixture
def write_world(write_images_run):
    """Two groups of three shared seeds: seeds move both sides alike, ``clcc`` by ``shift`` more."""
    random = np.random.default_rng(4)

    def write(column, mean, shift, *, spread, noise, low=0.0, groups=None):
        images = random.normal(mean, spread, IMAGES)
        for seed in range(SEEDS):
            both = random.normal(0, 2 * noise)
            for method, by in (("supervised", 0.0), ("clcc", shift)):
                own = images + both + by + random.normal(0, noise / 10, IMAGES)
                columns = {column: np.maximum(own, low).tolist()}
                if groups:
                    columns["group"] = groups
                write_images_run([0.5] * IMAGES, method=method, seed=seed, columns=columns)

    return write


def judge_page(root, metric, margin=None):
    page = write_page(root, Question(metric=parse_metric(metric), margin=margin))
    return page, next(found for found in page.evidence if found.comparison)


@pytest.mark.parametrize(("shift", "verdict", "mark"), [(-4.0, "better", "*"), (4.0, "worse", "†")])
def test_of_a_distance_less_is_better_where_seeds_are_paired(
    write_world, tmp_path, shift, verdict, mark
):
    write_world("own_hd95", 30.0, shift, spread=5, noise=3)
    page, found = judge_page(tmp_path, "hd95_original")
    comparison = found.comparison
    assert comparison.verdict == verdict
    assert comparison.difference.mean == pytest.approx(shift, abs=0.5)
    assert (comparison.difference.pairing, comparison.difference.num_repetitions) == ("seeds", 3)
    assert comparison.difference.correlation > 0.9
    assert (comparison.margin, comparison.within_margin) == (2.0, False)
    assert page.table.title.endswith("; margin ±2 px")
    assert any(mark in cell for row in text_rows(page.table) for cell in row)
    assert any("the margin of ±2 px" in text for text in page.table.sentences)
    assert records(page.table)[0]["smallest_gain"] == comparison.difference.smallest_gain


def test_the_margin_of_a_distance_is_in_its_pixels(write_world, tmp_path):
    write_world("own_hd95", 30.0, 0.0, spread=5, noise=0.3)
    verdicts = [judge_page(tmp_path, "hd95_original", margin)[1].comparison.verdict
                for margin in (0.5, 0.001)]
    assert verdicts == ["equivalent", "undecided"]


def test_an_interval_of_a_distance_ends_at_0_and_nowhere_above(write_world, tmp_path):
    write_world("own_hd95", 1.0, 0.0, spread=1, noise=3)
    _, found = judge_page(tmp_path, "hd95_original")
    assert found.estimate.low == 0
    assert found.estimate.high > 1  # the most that a share can be


def test_a_difference_of_distances_has_no_bounds_where_one_of_shares_has():
    rows = np.array([[0.0, 0.9, 0.1, 0.8], [0.7, 0.1, 0.9, 0.2], [0.1, 0.8, 0.0, 1.0]])
    share, distance = (difference(rows, rows[::-1, ::-1], metric)
                       for metric in (("working", "dice"), ("own", "hd95")))
    assert (share.bounds, distance.bounds) == ((-1, 1), (None, None))
    low, high = share.interval(1e-6)
    assert (low, high) == (-1, 1)
    low, high = distance.interval(1e-6)
    assert low < -1 < 1 < high


def test_group_means_take_the_place_of_images_for_nsd_as_well(write_world, tmp_path):
    write_world("nsd", 0.5, 0.1, spread=0.05, noise=0.02,
                groups=[f"p{n // 4}" for n in range(IMAGES)])
    page, found = judge_page(tmp_path, "nsd")
    assert (found.comparison.verdict, found.num_groups) == ("better", 5)
    assert found.comparison.difference.num_images == 5
    assert any(text.startswith("Images come from 5 groups") for text in page.table.sentences)


def test_equivalent_by_iou_and_compare_says_the_same(write_world, tmp_path):
    write_world("iou", 0.6, 0.0, spread=0.1, noise=0.01)
    page, found = judge_page(tmp_path, "iou")
    assert found.comparison.verdict == "equivalent"
    assert "by IoU against supervised" in page.table.sentences[0]
    sides = compare(("clcc", "supervised"), tmp_path, "test", False, ("working", "iou"))
    assert (sides.comparison.verdict, sides.comparison.family) == ("equivalent", 0)
    assert sides.comparison.difference.mean == found.comparison.difference.mean
