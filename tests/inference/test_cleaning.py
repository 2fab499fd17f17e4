"""Masks after cleaning, on a mask drawn by hand."""

import numpy as np
import pytest

from cclcc_cli.inference.cleaning import Cleaning, clean_mask

DRAWN = """
####....
#..#..##
#..#...#
####....
.......#
..#.....
.##....."""
MASK = np.array([[c == "#" for c in line] for line in DRAWN.split()])


@pytest.mark.parametrize(("rule", "area", "components"), [
    (Cleaning(), 19, 4), (Cleaning(fill_holes=True), 23, 4), (Cleaning(min_area=2), 18, 3),
    (Cleaning(min_area=3), 18, 3), (Cleaning(min_area=4), 12, 1),
    (Cleaning(largest_component=True), 12, 1),
    (Cleaning(fill_holes=True, largest_component=True), 16, 1), (Cleaning(min_area=99), 0, 0),
])
def test_areas_and_components(rule, area, components):
    mask, count = clean_mask(MASK, rule)
    assert (int(mask.sum()), count) == (area, components)
    assert not (mask & ~MASK).any() or rule.fill_holes


def test_background_is_no_hole_where_it_reaches_the_border_and_an_empty_mask_stays_empty():
    bay = np.array([[1, 1, 1], [1, 0, 1], [1, 0, 1]], bool)
    assert np.array_equal(clean_mask(bay, Cleaning(fill_holes=True))[0], bay)
    empty, count = clean_mask(np.zeros((3, 4), bool), Cleaning(True, 5, True))
    assert not empty.any()
    assert count == 0
