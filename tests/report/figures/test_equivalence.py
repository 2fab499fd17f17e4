"""Labels that supervised would need: by hand, refused where unknown, right as often as promised."""

import numpy as np
import pytest

from cclcc_cli.report.figures.equivalence import equivalence_text, find_equivalence
from tests.report.stacking import stack_of

IMAGES = np.linspace(-0.2, 0.2, 40)


def scores(mean, seeds=1, noise=None):
    rows = np.tile(mean + IMAGES, (seeds, 1))
    if noise is not None:
        rows = rows + noise.normal(0, 0.03, (seeds, 1)) + noise.normal(0, 0.05, rows.shape)
    return stack_of(rows)


def ladder(*pairs):
    return [(labels, scores(mean)) for labels, mean in pairs]


def test_halfway_in_score_is_halfway_in_the_logarithm_of_labels():
    found = find_equivalence(scores(0.6), ladder((10, 0.5), (1000, 0.7)))
    assert found.labels == pytest.approx(100)
    # Here groups differ alike on all images: nothing is uncertain.
    assert (found.low, found.high) == (pytest.approx(100), pytest.approx(100))


def test_a_score_that_was_measured_is_found_there():
    found = find_equivalence(scores(0.6), ladder((10, 0.5), (50, 0.6), (1000, 0.7)))
    assert found.labels == pytest.approx(50)


@pytest.mark.parametrize(("mean", "rungs", "reason"), [
    (0.8, [(10, 0.5), (20, 0.7)], "it scores better than all of the supervised curve"),
    (0.4, [(10, 0.5), (20, 0.7)], "it scores worse than all of the supervised curve"),
    (0.6, [(10, 0.7), (20, 0.5)], "the supervised curve does not improve through its score once"),
    (0.6, [(10, 0.5), (20, 0.7), (40, 0.5), (80, 0.8)],
     "the supervised curve does not improve through its score once"),
    (0.6, [(10, 0.7), (20, 0.5), (40, 0.8)],
     "the supervised curve does not improve through its score once"),
    (0.6, [(10, 0.6), (20, 0.6)], "the supervised curve does not improve through its score once"),
])
def test_no_number_beyond_the_curve_or_where_it_does_not_rise_once(mean, rungs, reason):
    found = find_equivalence(scores(mean), ladder(*rungs))
    assert (found.labels, found.low, found.high, found.obstacle) == (None, None, None, reason)


def test_an_end_of_the_interval_beyond_the_curve_stays_open():
    noise = np.random.default_rng(3)
    rungs = [(labels, scores(mean, 3, noise))
             for labels, mean in [(10, 0.58), (20, 0.62), (1000, 0.95)]]
    found = find_equivalence(scores(0.6, 3, noise), rungs)
    assert found.low is None
    assert found.labels < found.high < 1000
    assert "interval below 1 to " in equivalence_text("clcc", 10, 1000, found, (10, 1000))


def test_the_interval_surrounds_the_number():
    noise = np.random.default_rng(0)
    rungs = [(labels, scores(mean, 3, noise))
             for labels, mean in [(10, 0.3), (100, 0.5), (1000, 0.7)]]
    found = find_equivalence(scores(0.5, 3, noise), rungs)
    assert found.low < found.labels < found.high


def test_one_image_gives_a_number_without_interval():
    def single(mean):
        return stack_of([[mean]])

    found = find_equivalence(single(0.6), [(10, single(0.5)), (1000, single(0.7))])
    assert found.labels == pytest.approx(100)
    assert not found.has_interval
    assert equivalence_text("clcc", 50, 1000, found, (10, 1000)) == (
        "clcc with 5 % of the labels equals supervised with 10 % (no interval from one image)")


def test_no_image_in_common_is_an_obstacle():
    other = stack_of([[0.5]], stems=["elsewhere"])
    found = find_equivalence(scores(0.6), [(10, scores(0.5)), (20, other)])
    assert found.obstacle == "it shares no image with a supervised group"


def test_in_words():
    found = find_equivalence(scores(0.6), ladder((10, 0.5), (1000, 0.7)))
    assert equivalence_text("clcc", 50, 1000, found, (10, 1000)) == (
        "clcc with 5 % of the labels equals supervised with 10 % (95 % interval 10 to 10 %)")
    refused = find_equivalence(scores(0.8), ladder((10, 0.5), (1000, 0.7)))
    assert equivalence_text("clcc", 50, 1000, refused, (10, 1000)) == (
        "clcc with 5 % of the labels: no number, it scores better than all of the supervised curve")


def test_a_distance_falls_through_the_curve_and_says_the_same():
    """Upside down, as a distance of which less is better, every number stays what it was."""
    hd95, noise = ("working", "hd95"), np.random.default_rng(0).normal(0, 0.05, (3, 3, 40))

    def group(mean, place, up):
        metric = hd95 if up < 0 else ("working", "dice")
        return stack_of(up * (mean + noise[place]), metric=metric)

    found, turned = (find_equivalence(
        group(0.6, 0, up), [(10, group(0.5, 1, up)), (1000, group(0.7, 2, up))]) for up in (1, -1))
    assert turned.labels == pytest.approx(found.labels)
    assert (turned.low, turned.high) == pytest.approx((found.low, found.high))


@pytest.mark.slow
def test_the_interval_holds_the_truth_at_least_as_often_as_promised():
    """Simulated: 60 images, 3 seeds; supervised rises straight from 0.4 to 0.8, the truth is 100.

    An interval that stays open at an end holds what lies there. Refused draws do not count.
    """
    random = np.random.default_rng(1)
    inside, counted = 0, 0
    for _ in range(200):
        images = random.normal(0, 0.15, 60)

        def group(mean, images=images):
            own = images + random.normal(0, 0.08, 60)  # methods differ on the same images
            rows = mean + own + random.normal(0, 0.02, (3, 1)) + random.normal(0, 0.05, (3, 60))
            return stack_of(rows)

        found = find_equivalence(group(0.6), [(10, group(0.4)), (31.6, group(0.5)),
                                            (316, group(0.7)), (1000, group(0.8))])
        if found.labels is None:
            continue
        counted += 1
        inside += (found.low or 0) <= 100 <= (found.high or np.inf)
    assert counted > 190
    assert inside / counted >= 0.93  # 95 % less two deviations of 200 draws
