"""Duplicates: found however the second picture was made, and nobody innocent is accused."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cclcc_cli.data.duplicates import (
    SAME_DETAIL,
    SMALLEST_SIDE,
    DuplicatePair,
    find_duplicates,
)
from cclcc_cli.data.image_file import decode_image, decode_mask
from cclcc_cli.data.overlay import MaskAgreement
from cclcc_cli.data.synthetic import synthetic_scene
from cclcc_cli.data.turning import ORIENTATIONS, turn

Pixels = NDArray[np.uint8]
Scene = tuple[Pixels, Pixels]
SHARED = Path(__file__).parents[2].parent / "shared" / "data"
SIZE = 128


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [synthetic_scene(21, index, SIZE) for index in range(16)]


def find(
    scenes: list[Scene], hashes: list[str] | None = None, **options: Callable[[int, int], None]
) -> list[DuplicatePair]:
    """Pairs among scenes; a scene's file hash is that of its pixels, unless hashes are given."""
    images = np.stack([image for image, _ in scenes])
    masks = np.stack([mask for _, mask in scenes])
    hashes = hashes or [hashlib.sha256(image.tobytes()).hexdigest() for image in images]
    return find_duplicates(images, masks, hashes, **options)


def the_pair(scenes: list[Scene], copy: Scene, of: int = 5) -> DuplicatePair:
    """The only pair among scenes and a copy of one of them, which comes last."""
    (pair,) = find([*scenes, copy])
    assert (pair.first, pair.second) == (of, len(scenes))
    return pair


def iou(pair: DuplicatePair) -> float:
    assert pair.masks is not None
    return pair.masks.iou


def tied(pairs: list[DuplicatePair]) -> set[frozenset[int]]:
    return {frozenset((pair.first, pair.second)) for pair in pairs}


def as_jpeg(image: Pixels, quality: int) -> Pixels:
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def with_gamma(image: Pixels, gamma: float) -> Pixels:
    return np.asarray(np.rint(255 * (image / 255) ** gamma), np.uint8)


def cropped(picture: Pixels, share: float, how: int) -> Pixels:
    """A share cut from left and top, the rest brought back to size."""
    cut = round(share * len(picture))
    return np.asarray(cv2.resize(picture[cut:, cut:], picture.shape[:2], interpolation=how))


def cropped_scene(scene: Scene, share: float) -> Scene:
    image, mask = scene
    return cropped(image, share, cv2.INTER_CUBIC), cropped(mask, share, cv2.INTER_NEAREST)


def turned_scene(scene: Scene, orientation: int) -> Scene:
    return turn(scene[0], orientation), turn(scene[1], orientation)


def with_noise(image: Pixels, spread: float) -> Pixels:
    noise = np.random.default_rng(0).normal(0, spread, image.shape)
    return np.asarray(np.clip(np.rint(image + noise), 0, 255), np.uint8)


def framed(scene: Scene, width: int = 16) -> Scene:
    """In the middle of a black frame, as a video recorder leaves it."""
    size, inner = (len(scene[0]), len(scene[0]) - 2 * width)
    frame = [(width, width), (width, width)]
    image = cv2.resize(scene[0], (inner, inner), interpolation=cv2.INTER_AREA)
    mask = cv2.resize(scene[1], (inner, inner), interpolation=cv2.INTER_NEAREST)
    assert inner + 2 * width == size
    return np.pad(image, [*frame, (0, 0)]), np.pad(mask, frame)


class TestFound:
    """The second picture is the first one, changed."""

    def test_the_same_file(self, scenes: list[Scene]) -> None:
        pair = the_pair(scenes, scenes[5])
        assert pair == DuplicatePair(5, 16, "file", 1.0, "as it is", MaskAgreement(1.0, 1.0))

    def test_the_same_pixels_in_another_file(self, scenes: list[Scene]) -> None:
        hashes = [f"{index:02d}" for index in range(17)]
        (pair,) = find([*scenes, scenes[5]], hashes)
        assert (pair.first, pair.second, pair.kind) == (5, 16, "pixels")
        assert pair.score > 0.99
        assert iou(pair) == 1

    @pytest.mark.parametrize(
        ("change", "kind", "score"),
        [
            pytest.param(lambda image: as_jpeg(image, 98), "pixels", 0.9, id="encoded as JPEG"),
            pytest.param(lambda image: as_jpeg(image, 40), "scene", 0.5, id="encoded coarsely"),
            pytest.param(lambda image: with_gamma(image, 0.6), "altered", 0.9, id="brighter"),
            pytest.param(lambda image: with_gamma(image, 1.6), "altered", 0.9, id="darker"),
            pytest.param(lambda image: cv2.GaussianBlur(image, (0, 0), 1.2), "altered", 0.6,
                         id="blurred"),
            pytest.param(lambda image: with_noise(image, 10), "altered", 0.5, id="noisy"),
            pytest.param(lambda image: image[..., ::-1], "altered", 0.8, id="in other colours"),
        ],
    )
    def test_with_other_pixels(
        self, scenes: list[Scene], change: Callable[[Pixels], Pixels], kind: str, score: float
    ) -> None:
        pair = the_pair(scenes, (change(scenes[5][0]), scenes[5][1]))
        assert pair.kind == kind
        assert pair.score > score
        assert pair.orientation == "as it is"
        assert iou(pair) > 0.95

    @pytest.mark.parametrize("orientation", range(8), ids=ORIENTATIONS)
    def test_turned_or_mirrored(self, scenes: list[Scene], orientation: int) -> None:
        image, mask = turned_scene(scenes[5], orientation)
        pair = the_pair(scenes, (with_noise(image, 1), mask))
        assert pair.orientation == ORIENTATIONS[orientation]
        assert pair.kind == "pixels"
        assert pair.score > 0.9
        assert iou(pair) > 0.99

    @pytest.mark.parametrize("orientation", range(8), ids=ORIENTATIONS)
    def test_where_the_first_in_order_is_the_turned_one(
        self, scenes: list[Scene], orientation: int
    ) -> None:
        turned = turned_scene(scenes[5], orientation)
        (pair,) = find([turned, *scenes], [f"{index:02d}" for index in range(17)])
        assert (pair.first, pair.second) == (0, 6)
        back = turn(turned[0], ORIENTATIONS.index(pair.orientation))
        np.testing.assert_array_equal(back, scenes[5][0])

    @pytest.mark.parametrize("of", range(3, 9))
    def test_cropped(self, scenes: list[Scene], of: int) -> None:
        pair = the_pair(scenes, cropped_scene(scenes[of], 0.05), of)
        assert pair.kind == "altered"
        assert iou(pair) > 0.9

    def test_cropped_turned_brighter_and_encoded_again(self, scenes: list[Scene]) -> None:
        image, mask = turned_scene(cropped_scene(scenes[5], 0.04), 3)
        pair = the_pair(scenes, (as_jpeg(with_gamma(image, 0.8), 80), mask))
        assert pair.orientation == "turned 90° and mirrored"
        assert iou(pair) > 0.9

    def test_rotated_by_a_few_degrees(self, scenes: list[Scene]) -> None:
        rotation = cv2.getRotationMatrix2D((63.5, 63.5), 6, 1.12)
        image, mask = (
            np.asarray(cv2.warpAffine(picture, rotation, (SIZE, SIZE), flags=how), np.uint8)
            for picture, how in zip(scenes[5], (cv2.INTER_CUBIC, cv2.INTER_NEAREST), strict=True)
        )
        assert the_pair(scenes, (image, mask)).masks.iou > 0.9

    def test_in_a_black_frame(self, scenes: list[Scene]) -> None:
        frames = [framed(scene) for scene in scenes]
        image, mask = frames[5]
        assert the_pair(frames, (as_jpeg(image, 60), mask)).score > 0.5

    @pytest.mark.parametrize("size", [SMALLEST_SIDE, 96, 100, 200])
    def test_at_other_sizes(self, size: int) -> None:
        scenes = [synthetic_scene(22, index, size) for index in range(10)]
        image, mask = turned_scene(scenes[5], 1)
        pair = the_pair(scenes, (as_jpeg(image, 80), mask))
        assert pair.orientation == "mirrored"
        assert pair.score > SAME_DETAIL * max(1, 128 / size)
        assert iou(pair) > 0.95

    def test_copies_even_where_the_pictures_are_too_small_for_more(self) -> None:
        scenes = [synthetic_scene(22, index, SMALLEST_SIDE - 1) for index in range(10)]
        encoded = as_jpeg(scenes[3][0], 90), scenes[3][1]
        (pair,) = find([*scenes, scenes[5], encoded])
        assert (pair.first, pair.second, pair.kind) == (5, 10, "file")

    def test_three_files_of_one_image_tie_together(self, scenes: list[Scene]) -> None:
        (image, mask), others = scenes[0], scenes[1:]
        pairs = find([*others, (image, mask), (as_jpeg(image, 80), mask),
                      turned_scene((image, mask), 2)])
        assert tied(pairs) == {frozenset((15, 16)), frozenset((15, 17)), frozenset((16, 17))}

    def test_a_copy_of_a_copy_is_tied_by_way_of_the_first(self, scenes: list[Scene]) -> None:
        encoded = as_jpeg(scenes[0][0], 98), scenes[0][1]
        pairs = find([*scenes, scenes[0], scenes[0], encoded])
        assert {frozenset((pair.first, pair.second)): pair.kind for pair in pairs} == {
            frozenset((0, 16)): "file", frozenset((0, 17)): "file", frozenset((0, 18)): "pixels"}

    def test_many_copies_do_not_hide_another_encoding(self, scenes: list[Scene]) -> None:
        encoded = as_jpeg(scenes[0][0], 40), scenes[0][1]
        pairs = find([*scenes, *[scenes[0]] * 12, encoded])
        assert {pair.second for pair in pairs} == set(range(16, 29))
        assert {pair.first for pair in pairs} == {0}


class TestMasks:
    """Masks of the same thing are compared where both pictures show it."""

    @pytest.mark.parametrize("orientation", [0, 3, 6])
    def test_that_contradict(self, scenes: list[Scene], orientation: int) -> None:
        image, mask = scenes[5]
        elsewhere = np.roll(mask, (40, 40), (0, 1))
        pair = the_pair(scenes, turned_scene((as_jpeg(image, 90), elsewhere), orientation))
        assert iou(pair) < 0.3

    def test_of_the_same_file_that_contradict(self, scenes: list[Scene]) -> None:
        image, mask = scenes[5]
        half = mask.copy()
        rows = np.flatnonzero(mask.any(axis=1))
        half[:rows[len(rows) // 2]] = 0
        pair = the_pair(scenes, (image, half))
        assert pair.kind == "file"
        assert iou(pair) == pytest.approx(half.sum() / mask.sum(), abs=0.001)

    @pytest.mark.parametrize("copied", [True, False], ids=["same file", "encoded again"])
    def test_both_empty_agree(self, scenes: list[Scene], copied: bool) -> None:
        image, mask = scenes[5]
        empty = [*scenes[:5], (image, 0 * mask), *scenes[6:]]
        copy = image if copied else as_jpeg(image, 80)
        assert the_pair(empty, (copy, 0 * mask)).masks.iou == 1

    def test_one_empty_one_not_contradict(self, scenes: list[Scene]) -> None:
        image, mask = scenes[5]
        assert the_pair(scenes, (as_jpeg(image, 80), 0 * mask)).masks.iou == 0

    def test_what_only_one_picture_shows_does_not_count(self, scenes: list[Scene]) -> None:
        """Of a mask as large as the image each of two crops has lost another rim."""
        full = [(image, mask | 1) for image, mask in scenes]
        upper, lower = (turned_scene(cropped_scene(turned_scene(full[5], half), 0.04), half)
                        for half in (0, 4))
        assert the_pair([*full[:5], upper, *full[6:]], lower).masks.iou == 1


class TestMissingMasks:
    """Images without a mask are looked at all the same."""

    def test_a_twin_of_an_image_without_a_mask_is_found_and_nothing_said_of_masks(
        self, scenes: list[Scene]
    ) -> None:
        pictures = [*scenes, turned_scene(scenes[5], 1), scenes[7]]
        images, masks = (np.stack([picture[part] for picture in pictures]) for part in (0, 1))
        hashes = [hashlib.sha256(image.tobytes()).hexdigest() for image in images]
        without = [position != 16 and position != 7 for position in range(18)]
        pairs = find_duplicates(images, masks, hashes, has_mask=without)
        assert tied(pairs) == {frozenset((5, 16)), frozenset((7, 17))}
        assert [pair.masks for pair in pairs] == [None, None]

    def test_ignored_pixels_are_no_foreground(self, scenes: list[Scene]) -> None:
        image, mask = scenes[5]
        rim = cv2.dilate(mask, np.ones((9, 9), np.uint8)) - mask
        ignored = np.where(rim > 0, 255, mask).astype(np.uint8)
        assert iou(the_pair(scenes, (as_jpeg(image, 90), ignored))) > 0.95


def drawn_soft(seed: int, sigma: float = 12) -> Scene:
    """Blurred noise: nothing but soft blobs."""
    field = cv2.GaussianBlur(np.random.default_rng(seed).standard_normal((SIZE, SIZE)), (0, 0),
                             sigma * SIZE / 352)
    grey = np.clip(128 + 45 * field / field.std(), 0, 255).astype(np.uint8)
    return np.dstack([grey] * 3), (grey > 160).astype(np.uint8)


def in_padding(scene: Scene, flipped: bool) -> Scene:
    """In a black border that is wider at one side; the content flipped inside it, or not."""
    image, mask = turned_scene(scene, 1) if flipped else scene
    border = [(12, 0), (30, 6)]
    padded = np.pad(image, [*border, (0, 0)]), np.pad(mask, border)
    return (cv2.resize(padded[0], (SIZE, SIZE), interpolation=cv2.INTER_AREA),
            cv2.resize(padded[1], (SIZE, SIZE), interpolation=cv2.INTER_NEAREST))


class TestHard:
    """What a comparison of whole squares misses."""

    def test_flipped_inside_a_black_padding(self, scenes: list[Scene]) -> None:
        pictures = [in_padding(scene, flipped=False) for scene in scenes]
        image, mask = in_padding(scenes[5], flipped=True)
        pair = the_pair(pictures, (as_jpeg(image, 90), mask))
        assert pair.orientation == "mirrored"
        assert iou(pair) > 0.9

    def test_with_a_padding_and_without(self, scenes: list[Scene]) -> None:
        assert the_pair(scenes, in_padding(scenes[5], flipped=False)).score > 0.7

    @pytest.mark.parametrize("corner", [(0, 0), (0, 1), (1, 0)])
    def test_cropped_by_a_sixth(self, scenes: list[Scene], corner: tuple[int, int]) -> None:
        orientation = {(0, 0): 0, (0, 1): 1, (1, 0): 2}[corner]
        cut = cropped_scene(turned_scene(scenes[6], orientation), 0.16)
        pair = the_pair(scenes, cut, 6)
        assert pair.orientation == ORIENTATIONS[orientation]

    def test_by_a_hint_of_its_name(self, scenes: list[Scene]) -> None:
        """Names alone claim nothing: neighbours by name that differ are no pair."""
        hashes = [f"{index:02d}" for index in range(16)]
        images, masks = (np.stack([scene[part] for scene in scenes]) for part in (0, 1))
        names = [f"video_frame{index}" for index in range(16)]
        assert find_duplicates(images, masks, hashes, names=names) == []

    def test_a_scene_that_moved_is_no_copy(self, scenes: list[Scene]) -> None:
        waves = 3 * np.sin(np.linspace(0, 7, SIZE, dtype=np.float32))
        y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
        moved = tuple(cv2.remap(part, x + waves[:, None], y + waves[None, ::-1], how)
                      for part, how in zip(scenes[5], (cv2.INTER_CUBIC, cv2.INTER_NEAREST),
                                           strict=True))
        assert the_pair(scenes, (moved[0], moved[1])).kind == "scene"


class TestSoft:
    """Pictures with little detail."""

    def test_no_two_of_blurred_noise_are_the_same(self) -> None:
        pairs = find([drawn_soft(seed) for seed in range(24)])
        assert [pair for pair in pairs if pair.kind != "similar"] == []

    @pytest.mark.parametrize("orientation", [0, 1, 6])
    def test_a_copy_is_found_among_them(self, orientation: int) -> None:
        soft = [drawn_soft(seed) for seed in range(24)]
        image, mask = turned_scene(soft[5], orientation)
        pair = the_pair(soft, (as_jpeg(image, 80), mask))
        assert pair.kind in ("pixels", "altered")
        assert pair.orientation == ORIENTATIONS[orientation]


class TestInnocent:
    """Pictures of different things."""

    def test_no_two_of_many_scenes_are_accused(self) -> None:
        assert find([synthetic_scene(23, index, 96) for index in range(150)]) == []

    def test_nor_inside_the_same_black_frame(self, scenes: list[Scene]) -> None:
        assert find([framed(scene) for scene in scenes]) == []

    def test_nor_under_the_same_lettering(self, scenes: list[Scene]) -> None:
        marked = []
        for image, mask in scenes:
            written = image.copy()
            for line in range(3):
                cv2.putText(written, "12:45:01 A7", (4, 14 + 12 * line), cv2.FONT_HERSHEY_PLAIN,
                            0.7, (255, 255, 255))
            marked.append((written, mask))
        assert find(marked) == []

    def test_nor_with_the_same_outline_and_colours(self) -> None:
        """Lesions on skin, alike but for their texture."""
        rng = np.random.default_rng(0)
        mask = np.zeros((SIZE, SIZE), np.uint8)
        cv2.ellipse(mask, (60, 66), (34, 25), 20, 0, 360, 1, cv2.FILLED)
        lesion = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 2)[..., None]
        skins = []
        for _ in range(12):
            grain = cv2.GaussianBlur(rng.normal(0, 1, (SIZE, SIZE)), (0, 0), 1.2)[..., None]
            shade = [200, 150, 130] - lesion * [110, 100, 80] + 25 * grain
            skins.append((np.asarray(np.clip(shade, 0, 255), np.uint8), mask))
        thumbnails = [cv2.resize(skin, (16, 16), interpolation=cv2.INTER_AREA).ravel()
                      for skin, _ in skins]
        assert np.corrcoef(thumbnails).min() > 0.95
        assert find(skins) == []

    def test_nor_blank_images_of_different_files(self, scenes: list[Scene]) -> None:
        mask = np.zeros((SIZE, SIZE), np.uint8)
        blanks = [(np.full((SIZE, SIZE, 3), shade, np.uint8), mask) for shade in (0, 1, 128, 255)]
        noisy = [(with_noise(image, 1), mask) for image, _ in blanks]
        slope = np.linspace(100, 110, SIZE, dtype=np.float32)[:, None, None]
        slopes = [(np.uint8(slope + np.zeros((1, SIZE, 3)) + shift), mask) for shift in (0, 1)]
        assert find([*blanks, *noisy, *slopes, *scenes]) == []

    def test_blank_images_of_one_file_are_copies(self, scenes: list[Scene]) -> None:
        blank = np.zeros((SIZE, SIZE, 3), np.uint8), np.zeros((SIZE, SIZE), np.uint8)
        (pair,) = find([blank, *scenes, blank])
        assert (pair.first, pair.second, pair.kind, iou(pair)) == (0, 17, "file", 1)


class TestResult:
    """What comes back, whatever was asked."""

    @pytest.mark.parametrize("count", [0, 1, 2])
    def test_few_images(self, scenes: list[Scene], count: int) -> None:
        images = np.zeros((count, SIZE, SIZE, 3), np.uint8)
        for position in range(count):
            images[position] = scenes[position][0]
        masks = np.zeros((count, SIZE, SIZE), np.uint8)
        assert find_duplicates(images, masks, [str(position) for position in range(count)]) == []

    def test_two_images_of_the_same_thing(self, scenes: list[Scene]) -> None:
        (pair,) = find([scenes[0], (as_jpeg(scenes[0][0], 60), scenes[0][1])])
        assert (pair.first, pair.second) == (0, 1)

    def test_the_surest_pair_comes_first(self, scenes: list[Scene]) -> None:
        pairs = find([*scenes, (with_noise(scenes[2][0], 12), scenes[2][1]),
                      (as_jpeg(scenes[9][0], 70), scenes[9][1]), scenes[6]])
        assert [pair.first for pair in pairs] == [6, 9, 2]
        assert pairs[0].score > pairs[1].score > pairs[2].score

    def test_it_does_not_depend_on_the_order_of_images(self, scenes: list[Scene]) -> None:
        cropped_ones = [cropped_scene(scene, 0.04) for scene in scenes[:15]]
        changed = [*scenes, scenes[15], *(
            turned_scene((with_noise(with_gamma(image, 0.8), 8), mask), index % 8)
            for index, (image, mask) in enumerate(cropped_ones)
        )]

        def found(order: list[int]) -> set[tuple[frozenset[int], float, float]]:
            return {(frozenset((order[pair.first], order[pair.second])), pair.score, iou(pair))
                    for pair in find([changed[position] for position in order])}

        forward = list(range(len(changed)))
        assert len(found(forward)) >= 14
        assert found(forward[::-1]) == found(forward)
        shuffled = np.random.default_rng(0).permutation(len(changed)).tolist()
        assert found(shuffled) == found(forward)

    def test_it_is_the_same_every_time(self, scenes: list[Scene]) -> None:
        changed = [*scenes, *(cropped_scene(scene, 0.04) for scene in scenes)]
        first = find(changed)
        assert len(first) >= 14
        assert find(changed) == first

    def test_memory_maps_are_read_as_arrays_are(self, scenes: list[Scene], tmp_path: Path) -> None:
        pictures = [*scenes, turned_scene(scenes[1], 2), cropped_scene(scenes[2], 0.05)]
        for name, part in (("images", 0), ("masks", 1)):
            np.save(tmp_path / f"{name}.npy", np.stack([picture[part] for picture in pictures]))
        images, masks = (np.load(tmp_path / f"{name}.npy", mmap_mode="r")
                         for name in ("images", "masks"))
        hashes = [hashlib.sha256(image.tobytes()).hexdigest() for image in images]
        assert find_duplicates(images, masks, hashes) == find(pictures) != []

    def test_progress_reaches_the_end(self, scenes: list[Scene]) -> None:
        told: list[tuple[int, int]] = []
        find(scenes, progress=lambda done, total: told.append((done, total)))
        assert told[-1][0] == told[-1][1] > 0
        assert [done for done, _ in told] == sorted(done for done, _ in told)


KVASIR_PAIRS = {
    ("train_0459", "train_0620"), ("train_0510", "train_0593"), ("test_0016", "train_0222"),
    ("val_0061", "val_0069"), ("train_0373", "train_0639"), ("train_0300", "train_0667"),
    ("train_0272", "train_0648"), ("train_0515", "val_0075"), ("test_0033", "test_0051"),
    ("train_0284", "train_0633"), ("train_0796", "val_0067"), ("train_0323", "train_0558"),
    ("train_0486", "train_0556"), ("test_0020", "train_0340"), ("train_0292", "train_0437"),
}
"""The same to the eye."""


@pytest.mark.more
@pytest.mark.realdata
def test_the_known_pairs_of_kvasir_are_found_with_few_others() -> None:
    home = SHARED / "kvasir-seg"
    if not home.is_dir():
        pytest.skip("../shared/data is not here")
    paths = sorted((home / "images").iterdir())
    images = np.empty((len(paths), 160, 160, 3), np.uint8)
    masks = np.empty((len(paths), 160, 160), np.uint8)
    hashes = []
    for position, path in enumerate(paths):
        image = decode_image(path.read_bytes(), path)
        mask = decode_mask((home / "masks" / path.name).read_bytes(), path)
        cv2.resize(image.pixels, (160, 160), images[position], interpolation=cv2.INTER_AREA)
        bright = (mask.values > 127).astype(np.uint8)
        cv2.resize(bright, (160, 160), masks[position], interpolation=cv2.INTER_NEAREST)
        hashes.append(image.sha256)
    pairs = find_duplicates(images, masks, hashes, names=[path.stem for path in paths])
    found = {(paths[pair.first].stem, paths[pair.second].stem): pair for pair in pairs}
    assert found.keys() <= KVASIR_PAIRS
    assert len(found) >= 13
    contradicting = {key for key, pair in found.items() if pair.masks and pair.masks.close < 0.9}
    assert ("train_0300", "train_0667") in contradicting
    assert contradicting <= {("train_0300", "train_0667"), ("test_0033", "test_0051")}
