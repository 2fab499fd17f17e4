"""The eight ways a square can lie, and the way back from each."""

import numpy as np
import pytest

from cclcc_cli.data.turning import ORIENTATIONS, turn, turn_centre, turned_back


def test_counter_clockwise_first_then_mirrored() -> None:
    corner = np.array([[1, 2], [3, 4]])
    lying = {name: turn(corner, index).tolist() for index, name in enumerate(ORIENTATIONS)}
    assert lying == {
        "as it is": [[1, 2], [3, 4]],
        "mirrored": [[2, 1], [4, 3]],
        "turned 90°": [[2, 4], [1, 3]],
        "turned 90° and mirrored": [[4, 2], [3, 1]],
        "turned 180°": [[4, 3], [2, 1]],
        "turned 180° and mirrored": [[3, 4], [1, 2]],
        "turned 270°": [[3, 1], [4, 2]],
        "turned 270° and mirrored": [[1, 3], [2, 4]],
    }


@pytest.mark.parametrize("orientation", range(8), ids=ORIENTATIONS)
def test_a_picture_and_a_place_in_it_turn_alike_and_back(orientation: int) -> None:
    picture = np.zeros((9, 9), np.uint8)
    picture[1, 6] = 1  # 3 up and 2 to the right of the middle
    turned = turn(picture, orientation)
    place = np.argwhere(turned)[0] - 4
    assert place.tolist() == list(turn_centre(-3, 2, orientation))
    np.testing.assert_array_equal(turn(turned, turned_back(orientation)), picture)
