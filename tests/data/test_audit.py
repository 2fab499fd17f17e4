"""The audit: each kind of oddity is told, leaks are counted on every side, JSON loses nothing."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cclcc_cli.data.audit import (
    CONTRADICTION_BELOW,
    Audit,
    Finding,
    SamePair,
    audit_images,
    describe_shift,
    dump_audit,
    leaked_stems,
    leaking_pairs,
    less_guarded,
    parse_audit,
    subset_pairs,
)
from cclcc_cli.data.mask_set import SetFinding
from cclcc_cli.data.mask_shift import Shift
from cclcc_cli.data.splits import Splits
from cclcc_cli.data.synthetic import synthetic_scene

Pixels = NDArray[np.uint8]
SIZE = 96


@dataclass(frozen=True)
class Row:
    """As a store's index has it."""

    stem: str
    height: int
    width: int
    image_sha256: str
    foreground: float


@dataclass
class DataSet:
    """Images with their masks and rows, built one by one."""

    images: list[Pixels]
    masks: list[Pixels]
    rows: list[Row]

    def add(self, stem: str, image: Pixels, mask: Pixels, shape: tuple[int, int] = (500, 600),
            foreground: float | None = None) -> None:
        self.images.append(image)
        self.masks.append(mask)
        share = float(mask.mean()) if foreground is None else foreground
        self.rows.append(Row(stem, *shape, hashlib.sha256(image.tobytes()).hexdigest(), share))

    def audit(self, **options: Callable[[int, int], None]) -> Audit:
        return audit_images(self.rows, np.stack(self.images), np.stack(self.masks), **options)

    def found(self) -> list[tuple[str, str]]:
        return [(finding.what, finding.stem) for finding in self.audit().findings]


@pytest.fixture
def data() -> DataSet:
    """Four scenes with nothing odd about them."""
    data = DataSet([], [], [])
    for index in range(4):
        data.add(f"fine{index}", *synthetic_scene(41, index, SIZE))
    return data


@pytest.fixture(scope="module")
def scene() -> tuple[Pixels, Pixels]:
    return synthetic_scene(41, 9, SIZE)


def disc(right: int = 0, down: int = 0) -> tuple[Pixels, Pixels]:
    """A bright disc on dark ground, somewhere, and its mask, moved to the right."""
    mask, place = np.zeros((SIZE, SIZE), np.uint8), np.zeros((SIZE, SIZE), np.uint8)
    cv2.circle(mask, (46 + right, 40 + down), 16, 1, cv2.FILLED)
    cv2.circle(place, (46, 40 + down), 16, 1, cv2.FILLED)
    image = place[..., None] * np.array([120, 90, 70]) + np.array([60, 40, 30])
    return np.asarray(image, np.uint8), mask


class TestFindings:
    """What is odd about one image."""

    def test_nothing_is_odd_about_plain_scenes(self, data: DataSet) -> None:
        assert data.audit() == Audit((), (), None, near_pairs_sought=True)

    @pytest.mark.parametrize("spread", [0, 1])
    def test_blank_image(
        self, data: DataSet, scene: tuple[Pixels, Pixels], spread: float
    ) -> None:
        noise = np.random.default_rng(0).normal(0, spread, (SIZE, SIZE, 3))
        data.add("blank", np.asarray(noise + np.array([200, 120, 100]), np.uint8), scene[1])
        (finding,) = data.audit().findings
        assert finding == Finding("blank", "blank image", finding.detail)
        assert finding.detail.startswith(f"grey levels deviate by {spread}.")

    def test_grey_image_among_colour_images(
        self, data: DataSet, scene: tuple[Pixels, Pixels]
    ) -> None:
        grey = np.repeat(cv2.cvtColor(scene[0], cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
        grey[::2, :, 0] += grey[::2, :, 0] < 254  # as encoding leaves it
        data.add("grey", grey, scene[1])
        assert data.audit().findings == (Finding("grey", "grey image", "among colour images"),)

    def test_a_data_set_of_grey_images_is_not_odd(self, data: DataSet) -> None:
        for index in range(5):
            image, mask = synthetic_scene(42, index, SIZE)
            grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
            data.add(f"grey{index}", np.repeat(grey[..., None], 3, axis=2), mask)
        assert data.found() == []

    @pytest.mark.parametrize(
        ("shape", "found"),
        [((64, 64), []), ((63, 80), ["tiny image"]), ((80, 63), ["tiny image"]),
         ((100, 300), []), ((100, 301), ["odd shape"]), ((301, 100), ["odd shape"]),
         ((30, 200), ["odd shape", "tiny image"])],
    )
    def test_tiny_image_and_odd_shape(
        self, data: DataSet, scene: tuple[Pixels, Pixels], shape: tuple[int, int],
        found: list[str],
    ) -> None:
        data.add("odd", *scene, shape)
        assert data.found() == [(what, "odd") for what in found]
        assert all(finding.detail == f"{shape[1]}x{shape[0]} pixels"
                   for finding in data.audit().findings)

    @pytest.mark.parametrize(
        ("foreground", "found"),
        [(0, [("empty mask", "no foreground")]),
         (0.0004, [("speck", "0.040% foreground")]),
         (0.0005, []), (0.98, []),
         (0.993, [("full mask", "99.3% foreground")]),
         (1, [("full mask", "100.0% foreground")])],
    )
    def test_empty_full_and_tiny_mask(
        self, data: DataSet, scene: tuple[Pixels, Pixels], foreground: float,
        found: list[tuple[str, str]],
    ) -> None:
        """Of the mask at its own size: a speck may be lost in the stored one."""
        data.add("odd", *scene, foreground=foreground)
        assert [(finding.what, finding.detail) for finding in data.audit().findings] == found

    def test_shifted_mask(self) -> None:
        data = DataSet([], [], [])
        for place in range(20):
            data.add(f"in place{place:02d}", *disc(down=place))
        assert data.found() == []
        data.add("aside", *disc(right=10))
        (finding,) = data.audit().findings
        assert (finding.stem, finding.what) == ("aside", "shifted mask")
        assert finding.detail == "fits better 10.2 % to the left"

    def test_a_shifted_mask_is_not_told_among_few(self, data: DataSet) -> None:
        data.add("aside", *disc(right=10))
        assert data.found() == []

    def test_masks_that_all_lie_beside_their_images(self) -> None:
        data = DataSet([], [], [])
        for index in range(20):
            image, mask = synthetic_scene(41, index, 128)
            data.add(f"s{index:02d}", image, np.roll(mask, (8, -4), (0, 1)))
        shift = data.audit().common_shift
        assert shift is not None
        assert shift.down == pytest.approx(-8 / 128, abs=1 / 128)
        assert shift.right == pytest.approx(4 / 128, abs=1 / 128)

    def test_sorted_by_kind_then_stem(self, data: DataSet) -> None:
        for stem in ("z", "x", "y"):
            data.add(stem, *synthetic_scene(43, ord(stem), SIZE), (40, 400), foreground=0)
        assert data.found() == [(what, stem) for what in ("empty mask", "odd shape", "tiny image")
                                for stem in "xyz"]


class TestPairs:
    """Images of the same thing, named by their stems."""

    def test_carry_what_the_comparison_says(
        self, data: DataSet, scene: tuple[Pixels, Pixels]
    ) -> None:
        image, mask = scene
        data.add("other", image, np.roll(mask, 30, 0))
        data.add("mirrored", np.ascontiguousarray(image[:, ::-1]),
                 np.ascontiguousarray(mask[:, ::-1]))
        (pair,) = data.audit().pairs
        assert (pair.first, pair.second, pair.kind) == ("other", "mirrored", "pixels")
        assert pair.orientation == "mirrored"
        assert pair.contradicts

    def test_what_all_images_of_a_set_share_does_not_make_them_the_same(self) -> None:
        """As dirt on a lens does, or one anatomy; a copy is told from it all the same."""
        rng = np.random.default_rng(0)
        grain = [cv2.GaussianBlur(rng.standard_normal((SIZE, SIZE)), (0, 0), 1.2)
                 for _ in range(17)]
        data = DataSet([], [], [])
        for index, own in enumerate([*grain[1:], grain[5]]):
            field = 128 + 130 * (grain[0] + 0.7 * own)
            grey = np.clip(field - index % 2, 0, 255).astype(np.uint8)
            data.add(f"s{index:02d}", np.dstack([grey] * 3), np.zeros((SIZE, SIZE), np.uint8))
        audit = data.audit()
        assert [(pair.first, pair.second) for pair in audit.pairs] == [("s04", "s16")]

    def test_an_image_without_a_mask_has_twins_but_no_findings_about_its_mask(
        self, data: DataSet, scene: tuple[Pixels, Pixels]
    ) -> None:
        image, mask = scene
        data.add("labelled", image, mask)
        data.add("unlabelled", np.ascontiguousarray(image[::-1]), 0 * mask)
        known = [row.stem != "unlabelled" for row in data.rows]
        audit = audit_images(data.rows, np.stack(data.images), np.stack(data.masks),
                             has_mask=known)
        (pair,) = audit.pairs
        assert (pair.first, pair.second) == ("labelled", "unlabelled")
        assert (pair.mask_iou, pair.masks_close, pair.contradicts) == (None, None, False)
        assert audit.findings == ()

    def test_only_copies_are_sought_in_small_stores(self) -> None:
        data = DataSet([], [], [])
        for index in (0, 1, 0):
            data.add(f"s{len(data.rows)}", *synthetic_scene(41, index, 48))
        audit = data.audit()
        assert not audit.near_pairs_sought
        assert [(pair.first, pair.second, pair.kind) for pair in audit.pairs] == [
            ("s0", "s2", "file")]

    @pytest.mark.parametrize(
        ("close", "contradicts"), [(CONTRADICTION_BELOW - 0.01, True),
                                   (CONTRADICTION_BELOW, False), (1.0, False)])
    def test_contradict_below_what_two_hands_reach(self, close: float, contradicts: bool) -> None:
        pair = SamePair("a", "b", "scene", 0.5, "as it is", 0.5, close)
        assert pair.contradicts is contradicts

    def test_progress_is_passed_on(self, data: DataSet) -> None:
        told: list[tuple[int, int]] = []
        data.audit(progress=lambda done, total: told.append((done, total)))
        assert told
        assert told[-1][0] == told[-1][1]


def same(first: str, second: str, mask_iou: float = 0.9) -> SamePair:
    return SamePair(first, second, "near", 0.5, "as it is", mask_iou)


def split(train: str = "", val: str = "", test: str = "", dropped: str = "") -> Splits:
    """Splits of one-letter stems; labels come in the order given."""
    return Splits(tuple(sorted(train)), tuple(sorted(val)), tuple(sorted(test)),
                  {3: tuple(train[::-1]), 0: tuple(train)}, tuple(sorted(dropped)))


class TestLeaks:
    """Pairs that lie on two sides of a split."""

    def test_each_is_told_with_the_sides_of_its_images(self) -> None:
        pairs = [same("a", "c"), same("c", "e"), same("e", "b"), same("a", "b"), same("c", "d")]
        assert leaking_pairs(pairs, split("ab", "cd", "ef")) == [
            (pairs[0], ("train", "val")), (pairs[1], ("val", "test")),
            (pairs[2], ("test", "train")),
        ]

    def test_what_was_dropped_leaks_no_more(self) -> None:
        pairs, cut = [same("a", "c"), same("c", "e")], split("ab", "d", "ef", dropped="c")
        assert leaking_pairs(pairs, cut) == []
        assert leaked_stems(pairs, split("ab", "d", "f", dropped="ce")) == {"val": (), "test": ()}

    @pytest.mark.parametrize(
        ("pair", "leaked", "dropped"),
        [
            (("a", "c"), {"val": ("c",), "test": ()}, {"a"}),
            (("c", "a"), {"val": ("c",), "test": ()}, {"a"}),
            (("a", "e"), {"val": (), "test": ("e",)}, {"a"}),
            (("e", "c"), {"val": (), "test": ("e",)}, {"c"}),
            (("a", "b"), {"val": (), "test": ()}, set()),
            (("e", "f"), {"val": (), "test": ()}, set()),
        ],
    )
    def test_the_better_guarded_image_is_the_leaked_one_and_the_other_goes(
        self, pair: tuple[str, str], leaked: dict[str, tuple[str, ...]], dropped: set[str]
    ) -> None:
        cut = split("ab", "cd", "ef")
        assert leaked_stems([same(*pair)], cut) == leaked
        assert less_guarded([same(*pair)], cut) == dropped

    def test_an_image_counts_once_however_many_copies_it_has(self) -> None:
        pairs = [same("a", "e"), same("b", "e"), same("c", "e"), same("b", "f")]
        assert leaked_stems(pairs, split("ab", "cd", "ef")) == {
            "val": ("c",), "test": ("e", "f")}

    def test_copies_tied_by_way_of_a_third_leak_too(self) -> None:
        """The first of three copies trains, and forms a pair with each of the others."""
        pairs, cut = [same("a", "c"), same("a", "e")], split("ab", "cd", "ef")
        assert leaked_stems(pairs, cut) == {"val": ("c",), "test": ("e",)}
        assert less_guarded(pairs, cut) == {"a", "c"}

    def test_nothing_leaks_once_the_less_guarded_are_dropped(self) -> None:
        rng = np.random.default_rng(0)
        stems = [chr(ord("a") + number) for number in range(26)]
        for _ in range(50):
            sides = ["".join(part) for part in np.split(rng.permutation(stems), [16, 21])]
            pairs = [same(*rng.choice(stems, 2, replace=False).tolist()) for _ in range(8)]
            gone = less_guarded(pairs, split(*sides))
            rest = ["".join(stem for stem in side if stem not in gone) for side in sides]
            cut = split(*rest, dropped="".join(gone))
            assert leaking_pairs(pairs, cut) == []
            assert leaked_stems(pairs, cut) == {"val": (), "test": ()}
            assert gone.isdisjoint(sides[2])

    def test_pairs_among_labels_are_counted_by_share(self) -> None:
        train = "abcdefghijklmnopqrst"
        pairs = [same("a", "b"), same("d", "c"), same("a", "t"), same("s", "t"), same("a", "z")]
        assert subset_pairs(pairs, split(train, test="z")) == {
            0.05: (0, 2), 0.1: (1, 1), 0.2: (2, 1), 0.5: (2, 1)}

    def test_labels_are_those_of_the_first_seed(self) -> None:
        cut = split("abcdefghijklmnopqrst")
        assert min(cut.label_orders) == 0
        assert subset_pairs([same("t", "s")], cut)[0.5] == (0, 0)


class TestShiftInWords:
    """A shift as a sentence goes on with it."""

    @pytest.mark.parametrize(
        ("shift", "words"),
        [
            (Shift(0.03125, -0.078125, 1), "fits better 3.1 % to the right and 7.8 % up"),
            (Shift(-0.03125, 0.078125, 1), "fits better 3.1 % to the left and 7.8 % down"),
            (Shift(0.0625, 0, 1), "fits better 6.2 % to the right"),
            (Shift(0, -0.125, 1), "fits better 12.5 % up"),
        ],
    )
    def test_names_only_the_directions_in_which_it_goes(self, shift: Shift, words: str) -> None:
        assert describe_shift(shift) == words


class TestJson:
    """As it lies in the store."""

    @pytest.mark.parametrize("shift", [None, Shift(0.25, -0.125, 0.4)])
    def test_comes_back_as_it_was(self, shift: Shift | None) -> None:
        audit = Audit(
            (same("a", "b"), SamePair("c", "ä", "file", 1.0, "turned 90°", 0.0)),
            (Finding("a", "speck", "0.040% foreground"), Finding("ß", "tiny image", "3x2 pixels")),
            shift, False, (SamePair("a", "c", "similar", 0.4, "as it is", None),),
            (SetFinding("masks cover the border", 9, 12, "why"),))
        assert parse_audit(json.loads(dump_audit(audit))) == audit

    def test_of_real_pixels_comes_back_as_it_was(
        self, data: DataSet, scene: tuple[Pixels, Pixels]
    ) -> None:
        data.add("x", *scene, (40, 400))
        data.add("y", *scene)
        audit = data.audit()
        assert audit.pairs
        assert audit.findings
        assert parse_audit(json.loads(dump_audit(audit))) == audit

    def test_of_an_older_store_is_read(self) -> None:
        old = {"pairs": [{"first": "a", "second": "b", "kind": "near", "score": 0.4,
                          "orientation": "as it is", "mask_iou": 0.74}],
               "findings": [], "common_shift": None, "near_pairs_sought": True}
        audit = parse_audit(old)
        assert audit.pairs[0].contradicts
        assert (audit.similar, audit.in_common) == ((), ())

    def test_is_readable_text(self) -> None:
        text = dump_audit(Audit((SamePair("ä", "b", "near", 0.5, "turned 90°", 1.0),), (), None,
                                near_pairs_sought=True))
        assert '"first": "ä"' in text
        assert '"orientation": "turned 90°"' in text
        assert text.endswith("}\n")

    @pytest.mark.parametrize(
        "raw", [[], None, {}, {"pairs": []},
                {"pairs": [{"first": "a"}], "findings": [], "common_shift": None,
                 "near_pairs_sought": True},
                {"pairs": [], "findings": [], "common_shift": {"up": 1},
                 "near_pairs_sought": True}])
    def test_of_something_else_is_refused(self, raw: object) -> None:
        with pytest.raises((TypeError, KeyError)):
            parse_audit(raw)
