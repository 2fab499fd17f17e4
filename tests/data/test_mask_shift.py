"""Shifted masks: the common shift to the pixel and in the right direction, silence elsewhere."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cclcc_cli.data.mask_shift import MaskShifts, Shift, fit_by_shift
from cclcc_cli.data.synthetic import synthetic_scene

Pixels = NDArray[np.uint8]
Scene = tuple[Pixels, Pixels]
SIZE = 128
MIDDLE = 24  # of what fit_by_shift returns


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [synthetic_scene(31, index, SIZE) for index in range(40)]


def moved(mask: Pixels, right: int, down: int) -> Pixels:
    """The mask elsewhere; what leaves the picture is lost."""
    shift = np.array([[1, 0, right], [0, 1, down]], np.float32)
    return np.asarray(cv2.warpAffine(mask, shift, mask.shape[::-1], flags=cv2.INTER_NEAREST))


def common_shift(scenes: list[Scene], right: int = 0, down: int = 0) -> Shift | None:
    """The shift that is found once every mask is moved."""
    shifts = MaskShifts()
    for image, mask in scenes:
        fit = fit_by_shift(image, moved(mask, right, down))
        if fit is not None:
            shifts.add("", fit)
    return shifts.of_all()


def disc(right: int = 0, down: int = 0) -> Scene:
    """A bright disc on dark ground that fills no more than a quarter, and its mask, moved."""
    mask = np.zeros((SIZE, SIZE), np.uint8)
    cv2.circle(mask, (60, 70), 22, 1, cv2.FILLED)
    image = np.repeat(60 + 120 * mask[..., None], 3, axis=2)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 1), np.uint8), moved(mask, right, down)


class TestAllTogether:
    """A shift that all masks have in common."""

    @pytest.mark.parametrize(
        ("right", "down"),
        [(5, 0), (0, 5), (-4, 0), (0, -4), (5, 7), (-6, 5), (12, -9), (-10, -14), (20, 0)],
    )
    def test_is_found_to_the_pixel_in_the_direction_that_undoes_it(
        self, scenes: list[Scene], right: int, down: int
    ) -> None:
        shift = common_shift(scenes, right, down)
        assert shift is not None
        assert (shift.right * SIZE, shift.down * SIZE) == pytest.approx((-right, -down), abs=1)
        assert shift.gain > 0

    @pytest.mark.parametrize("size", [96, 200, 320])
    def test_is_a_share_of_the_side_at_every_size(self, size: int) -> None:
        scenes = [synthetic_scene(31, index, size) for index in range(20)]
        shift = common_shift(scenes, size // 16, -size // 8)
        assert shift is not None
        assert shift.right == pytest.approx(-1 / 16, abs=0.012)
        assert shift.down == pytest.approx(1 / 8, abs=0.012)

    def test_is_not_claimed_where_masks_are_in_place(self, scenes: list[Scene]) -> None:
        assert common_shift(scenes) is None

    @pytest.mark.parametrize(("right", "down"), [(1, 0), (0, -1)])
    def test_a_pixel_is_within_what_hands_and_resizing_leave(
        self, scenes: list[Scene], right: int, down: int
    ) -> None:
        assert common_shift(scenes, right, down) is None

    def test_is_not_claimed_where_each_mask_is_moved_another_way(
        self, scenes: list[Scene]
    ) -> None:
        rng = np.random.default_rng(0)
        shifts = MaskShifts()
        for image, mask in scenes:
            right, down = rng.integers(-3, 4, 2).tolist()
            fit = fit_by_shift(image, moved(mask, right, down))
            assert fit is not None
            shifts.add("", fit)
        found = shifts.of_all()
        assert found is None or np.hypot(found.right, found.down) * SIZE < 2.5

    def test_is_not_claimed_of_noise_though_all_masks_are_equal(self) -> None:
        rng = np.random.default_rng(0)
        mask = disc()[1]
        shifts = MaskShifts()
        for _ in range(25):
            fit = fit_by_shift(rng.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8), mask)
            assert fit is not None
            shifts.add("", fit)
        assert shifts.of_all() is None

    def test_takes_twenty_images(self, scenes: list[Scene]) -> None:
        assert common_shift(scenes[:19], 8, 0) is None
        assert common_shift(scenes[:20], 8, 0) is not None

    def test_nothing_is_said_of_nothing(self) -> None:
        assert MaskShifts().of_all() is None


def told(fit: NDArray[np.float32], others: int = 30, in_place: int = 30) -> list[Shift]:
    """The shift of one image beside others, of which so many lie where their edges are."""
    shifts = MaskShifts()
    for place in range(others):
        shifts.add("other", peaks((0 if place < in_place else 12, 0, 6)))
    shifts.add("this", fit)
    return [shift for stem, shift in shifts.of_each() if stem == "this"]


class TestOneImage:
    """A mask that is moved alone."""

    @pytest.mark.parametrize(("right", "down"), [(14, 0), (0, -14), (-12, 10)])
    def test_is_told_where_the_edge_is_plain(self, right: int, down: int) -> None:
        fit = fit_by_shift(*disc(right, down))
        assert fit is not None
        (shift,) = told(fit)
        assert (shift.right * SIZE, shift.down * SIZE) == pytest.approx((-right, -down), abs=1)
        assert shift.gain >= 3.5

    def test_is_not_told_where_other_masks_do_not_follow_edges_or_are_few(self) -> None:
        fit = fit_by_shift(*disc(14, 0))
        assert fit is not None
        assert told(fit, 30, in_place=17) == []
        assert told(fit, 18, in_place=18) == []

    @pytest.mark.parametrize(("right", "down"), [(0, 0), (2, 0), (1, -2)])
    def test_is_not_told_where_it_lies_as_a_hand_draws(self, right: int, down: int) -> None:
        fit = fit_by_shift(*disc(right, down))
        assert fit is not None
        assert told(fit) == []

    def test_is_not_told_where_two_places_fit_alike(self) -> None:
        """Beside two equal discs nobody knows which of them the mask belongs to."""
        mask = np.zeros((SIZE, SIZE), np.uint8)
        image = np.full((SIZE, SIZE, 3), 60, np.uint8)
        for x in (46, 82):
            cv2.circle(image, (x, 64), 14, (180, 180, 180), cv2.FILLED)
        cv2.circle(mask, (64, 64), 14, 1, cv2.FILLED)
        fit = fit_by_shift(image, mask)
        assert fit is not None
        assert fit[MIDDLE, MIDDLE - 18] == pytest.approx(fit[MIDDLE, MIDDLE + 18], abs=0.1)
        assert fit.max() - fit[MIDDLE - 2:MIDDLE + 3, MIDDLE - 2:MIDDLE + 3].max() > 3
        assert told(fit) == []

    def test_scenes_in_place_are_not_accused(self, scenes: list[Scene]) -> None:
        shifts = MaskShifts()
        fits = [fit_by_shift(image, mask) for image, mask in scenes]
        for fit in fits:
            assert fit is not None
            shifts.add("", fit)
        assert shifts.of_each() == []


def peaks(*heights: tuple[int, int, float]) -> NDArray[np.float32]:
    """A fit of 0 but for peaks at (right, down) of a height in deviations."""
    fit = np.zeros((2 * MIDDLE + 1, 2 * MIDDLE + 1), np.float32)
    for right, down, height in heights:
        fit[MIDDLE + down, MIDDLE + right] = height
    return fit


class TestBar:
    """How far, and by how much better, a place must be to be told."""

    @pytest.mark.parametrize(
        ("fit", "expected"),
        [
            pytest.param(peaks((4, 0, 9)), True, id="four pixels off"),
            pytest.param(peaks((3, 0, 9)), False, id="three pixels off"),
            pytest.param(peaks((9, 0, 4.4), (0, 0, 0.8)), True, id="3.5 deviations better"),
            pytest.param(peaks((9, 0, 4.2), (0, 0, 0.8)), False, id="less than 3.5 better"),
            pytest.param(peaks((9, 0, 9), (0, 0, 1.1)), False, id="an edge in its own place"),
            pytest.param(peaks((9, 0, 9), (-2, 2, 1.1)), False, id="an edge next to its place"),
            pytest.param(peaks((9, 0, 9), (-3, 0, 7.4)), True, id="1.5 better than a third place"),
            pytest.param(peaks((9, 0, 9), (-3, 0, 7.6)), False, id="a third place nearly as good"),
            pytest.param(peaks((9, 0, 9), (13, -4, 8.1)), True, id="a third place on its slope"),
            pytest.param(peaks((24, -24, 9)), True, id="in the corner"),
        ],
    )
    def test_of_one_image(self, fit: NDArray[np.float32], expected: bool) -> None:
        assert bool(told(fit)) is expected

    @pytest.mark.parametrize(
        ("count", "right", "height", "is_told"),
        [(36, 2, 1.1, True), (36, 1, 1.1, False), (36, 2, 0.9, False),
         (3000, 2, 0.12, True), (9000, 2, 0.09, False)],
    )
    def test_of_all_is_lower_the_more_images_there_are(
        self, count: int, right: int, height: float, is_told: bool
    ) -> None:
        shifts = MaskShifts()
        for _ in range(count):
            shifts.add("", peaks((right, 0, height)))
        expected = Shift(right / SIZE, 0, pytest.approx(height, abs=0.01)) if is_told else None
        assert shifts.of_all() == expected


class TestFit:
    """How well an outline fits at every shift."""

    def test_is_in_standard_deviations_over_all_shifts(self, scenes: list[Scene]) -> None:
        fit = fit_by_shift(*scenes[0])
        assert fit is not None
        assert fit.shape == (49, 49)
        assert fit.dtype == np.float32
        assert fit.mean() == pytest.approx(0, abs=1e-4)
        assert fit.std() == pytest.approx(1, abs=1e-4)

    def test_is_best_in_place(self) -> None:
        fit = fit_by_shift(*disc())
        assert fit is not None
        assert np.unravel_index(fit.argmax(), fit.shape) == (MIDDLE, MIDDLE)

    def test_does_not_mind_whether_the_inside_is_brighter(self) -> None:
        image, mask = disc(6, 0)
        bright, dark = fit_by_shift(image, mask), fit_by_shift(255 - image, mask)
        assert bright is not None
        np.testing.assert_allclose(bright, dark, atol=0.05)

    def test_no_edge_within_reach_is_no_fit_and_none_comes_round_from_the_other_side(self) -> None:
        """A mask at the left border is not moved on, past it, to the edge at the right one."""
        image, mask = np.full((SIZE, SIZE, 3), 60, np.uint8), np.zeros((SIZE, SIZE), np.uint8)
        image[:, 118:] = 200
        mask[30:90, :10] = 1
        assert fit_by_shift(image, mask) is None

    @pytest.mark.parametrize("value", [0, 1], ids=["empty", "full"])
    def test_a_mask_without_an_outline_fits_nowhere(
        self, scenes: list[Scene], value: int
    ) -> None:
        assert fit_by_shift(scenes[0][0], np.full((SIZE, SIZE), value, np.uint8)) is None

    @pytest.mark.parametrize("shade", [0, 128, 255])
    def test_an_image_without_edges_fits_nowhere(self, scenes: list[Scene], shade: int) -> None:
        assert fit_by_shift(np.full((SIZE, SIZE, 3), shade, np.uint8), scenes[0][1]) is None
