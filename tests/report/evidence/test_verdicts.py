"""Verdicts: alone, in a family, within a margin, and where there is too little for one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cclcc_cli.report.evidence.statistics import contrast, difference, unpaired
from cclcc_cli.report.evidence.verdicts import BaselinePair, holm, reach_verdicts
from cclcc_cli.report.gather.groups import Group

MARGIN = 0.02


@pytest.fixture
def pair(make_run):
    """A pair whose differences have this mean and this noise of images, on so many seeds."""
    random, baseline = np.random.default_rng(0), Group((make_run(),))

    def make(mean, noise=0.05, seeds=3, images=50):
        rest = random.normal(0, noise, images)
        table = mean + rest - rest.mean() + np.zeros((seeds, 1))
        return BaselinePair(baseline, contrast([0.5 + table, np.full(table.shape, 0.5)], [1, -1]))

    return make


@pytest.mark.parametrize(("mean", "noise", "word", "within"), [
    (0.05, 0.05, "better", False), (-0.05, 0.05, "worse", False),
    (0.001, 0.02, "equivalent", True), (0.015, 0.2, "undecided", False),
    (0.01, 0.01, "better", True), (-0.01, 0.01, "worse", True),
])
def test_significance_goes_first_and_the_margin_is_told_as_well(pair, mean, noise, word, within):
    (found,) = reach_verdicts([pair(mean, noise)], MARGIN)
    assert (found.verdict, found.within_margin, found.margin) == (word, within, MARGIN)
    assert found.significant == (word in ("better", "worse"))


def test_equivalent_is_what_the_90_percent_interval_says(pair):
    one = pair(0.005, 0.04)
    low, high = one.difference.interval(0.1)
    assert low < 0 < high
    (inside,), (outside,) = (reach_verdicts([one], margin) for margin in (high + 1e-6, high - 1e-6))
    assert (inside.verdict, outside.verdict) == ("equivalent", "undecided")
    assert one.difference.high > high + 1e-6  # the 95 % interval would not lie inside


@pytest.mark.parametrize(("seeds", "word"), [(1, "these two trainings"), (2, "estimate only")])
def test_few_seeds_have_no_verdict_however_small_p_is(pair, seeds, word):
    few = pair(0.2, 0.01, seeds)
    assert few.difference.p < 1e-6
    found = reach_verdicts([few, *[pair(0.05)] * 2], MARGIN)
    assert (found[0].verdict, found[0].family, found[0].significant) == (word, 0, False)
    assert found[0].p == few.difference.p
    assert (found[0].low, found[0].high) == (few.difference.low, few.difference.high)
    assert not found[0].within_margin
    assert [one.family for one in found[1:]] == [2, 2]


def test_the_smaller_side_of_unshared_seeds_decides(make_run):
    scores = np.random.default_rng(0).normal(0.5, 0.1, (5, 30))
    for seeds, word in ((1, "these two trainings"), (2, "estimate only"), (3, "undecided")):
        found = unpaired((scores, scores[:seeds, ::-1]), (1, -1))
        (found_pair,) = reach_verdicts([BaselinePair(Group((make_run(),)), found)], MARGIN)
        assert found_pair.verdict == word


def test_p_and_interval_are_of_the_family_as_a_whole(pair):
    pairs = [pair(0.02), pair(0.03), pair(0.012)]
    found = reach_verdicts(pairs, MARGIN)
    assert [one.p for one in found] == pytest.approx(
        holm(np.array([one.difference.p for one in pairs])).tolist())
    for one in found:
        assert one.family == 3
        assert (one.low, one.high) == one.difference.interval(0.05 / 3)
        assert one.low < one.difference.low


def test_what_the_simultaneous_interval_excludes_is_significant(pair):
    """Bonferroni's interval is at least as wide as Holm's p asks for, never narrower."""
    for means in ((0.01, 0.02, 0.03), (0.018, 0.019, 0.02), (0.0, 0.05, 0.016)):
        for found in reach_verdicts([pair(mean) for mean in means], MARGIN):
            if found.low > 0:
                assert found.p < 0.05


def test_outside_of_a_family_p_is_its_own_and_there_is_no_sign(pair):
    found = reach_verdicts([pair(0.05), pair(0.03)], MARGIN, declared=False)
    assert [one.verdict for one in found] == ["better", "better"]
    assert [one.family for one in found] == [0, 0]
    assert not any(one.significant for one in found)
    assert [one.p for one in found] == [one.difference.p for one in found]


def test_a_group_against_itself_is_equivalent(make_run):
    scores = np.random.default_rng(0).random((3, 20))
    same = BaselinePair(Group((make_run(),)), difference(scores, scores))
    (found,) = reach_verdicts([same], MARGIN)
    assert (found.verdict, found.p, found.low, found.high) == ("equivalent", 1.0, 0.0, 0.0)


def test_holm_worked_out_by_hand():
    # 0.01 * 3, then 0.03 * 2, then 0.04 * 1, which may not fall below 0.06.
    assert holm(np.array([0.04, 0.01, 0.03])) == pytest.approx([0.06, 0.03, 0.06])
    assert holm(np.array([0.5, 0.9])).max() == 1.0
    assert holm(np.array([])).shape == (0,)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_keeps_the_order_and_lies_between_p_and_bonferroni(values):
    p = np.array(values)
    corrected = holm(p)
    assert (corrected >= p).all()
    assert (corrected <= np.minimum(p * len(p), 1) + 1e-12).all()
    assert (np.diff(corrected[np.argsort(p)]) >= 0).all()
