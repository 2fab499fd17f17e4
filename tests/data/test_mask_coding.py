"""What mask values mean: decided over the whole set where it is clear, asked where it is not."""

from collections import Counter

import numpy as np
import pytest

from cclcc_cli.data.mask_coding import (
    COLOR,
    Coding,
    CodingOptions,
    MaskHistogram,
    check_soft,
    color_value,
    decide_coding,
    parse_values,
    ranges_text,
    shares_text,
    systematic_fault,
)
from cclcc_cli.errors import DataError

RED = COLOR | 0x800000
VOID = COLOR | 0xE0E0C0


def seen(pixels: dict[int, int], lossy: bool = False, num_unit: int = 0,
         **more: dict[int, int]) -> MaskHistogram:
    return MaskHistogram(Counter(pixels), 10, 10 * lossy, num_unit=num_unit,
                         num_with=Counter(dict.fromkeys(pixels, 10)), **more)


SOFT = {value: 1000 // (1 + min(value, 255 - value)) ** 2 + 1 for value in range(256)} | {
    0: 900_000, 255: 99_000}
"""A JPEG's greys: many near black and white, few between."""

CLEAR: dict[str, tuple[MaskHistogram, set[int]]] = {
    "0 and 1": (seen({0: 9, 1: 1}, num_unit=10), {1}),
    "0 and 255": (seen({0: 9, 255: 1}), {255}),
    "nothing at all": (seen({0: 10}), set()),
    "all object": (seen({255: 10}), {255}),
    "any other grey": (seen({0: 9, 38: 1}), {38}),
    "1 and 254": (seen({1: 9, 254: 1}, num_unit=2), {254}),
    "16 bits": (seen({0: 9, 65535: 1}), {65535}),
    "red on black": (seen({0: 9, RED: 1}), {RED}),
    "a palette in its order": (seen({0: 9, RED: 1}, palette={0: 0, RED: 1}), {RED}),
    "greys of a JPEG": (seen(SOFT, lossy=True), {*range(128, 256)}),
    "greys of a JPEG, kept as PNG": (seen(SOFT), {*range(128, 256)}),
    "a JPEG whose black is 1": (
        seen({value or 1: count for value, count in SOFT.items()}, lossy=True, num_unit=3),
        {*range(128, 256)}),
}


@pytest.mark.parametrize("name", CLEAR)
def test_what_is_clear_is_decided(name: str) -> None:
    masks, objects = CLEAR[name]
    coding = decide_coding(masks, CodingOptions())
    values = sorted(masks.pixels)
    meant = dict(zip(values, coding.meanings(values), strict=True))
    assert {value for value, meaning in meant.items() if meaning == 1} == objects
    assert {*meant.values()} <= {0, 1}


HILL = {value: 3000 // (1 + abs(value - 128)) ** 2 for value in range(118, 139)}
UNCLEAR: dict[str, tuple[MaskHistogram, str]] = {
    "a rim that does not count": (
        seen({0: 859, 1: 99, 255: 42}),
        r"0 \(85.9%\), 1 \(9.9%\), 255 \(4.2%\); .*--foreground 1 --ignore-value 255 \(255 counts "
        r"in no score\), --foreground 1, or --foreground 1,255"),
    "a third grey of 1 %": (seen({0: 890, 128: 10, 255: 100}), "128 .*--foreground 128 --ignore"),
    "a third grey in a JPEG": (
        seen(SOFT | {value: SOFT[value] + count for value, count in HILL.items()}, lossy=True),
        "--foreground 128 --ignore-value 255"),
    "classes": (seen({0: 5, 1: 2, 2: 2, 3: 1}), "--foreground 1,2,3"),
    "VOC's colours": (seen({0: 80, RED: 15, VOID: 5}), "--foreground 0x800000 --ignore-value 0xe0"),
    "a palette that begins with white": (
        seen({0: 10, 255: 90}, palette={255: 0, 0: 1}),
        "palette 255 comes first, .*: --foreground 0 or --foreground 255"),
    "a photograph": (seen(dict.fromkeys(range(256), 10)), "75.0% of the pixels are neither"),
    "two greys without black": (seen({1: 5, 2: 5}), "--foreground 2"),
    "dark greys": (seen({value: 100 - value for value in range(90)}, lossy=True), "value is 89"),
}


@pytest.mark.parametrize("name", UNCLEAR)
def test_what_is_not_clear_is_refused_with_what_settles_it(name: str) -> None:
    masks, message = UNCLEAR[name]
    with pytest.raises(DataError, match=message) as caught:
        decide_coding(masks, CodingOptions())
    assert "\n" not in str(caught.value)


def test_a_person_settles_it() -> None:
    masks = seen({0: 80, 1: 15, 255: 5})

    def meant(options: CodingOptions) -> list[int]:
        return decide_coding(masks, options).meanings([0, 1, 255])

    one, rim = ((1, 1),), ((255, 255),)
    assert meant(CodingOptions(one)) == [0, 1, 0]
    assert meant(CodingOptions(one, rim)) == [0, 1, 255]
    assert meant(CodingOptions(None, rim)) == [0, 1, 255]
    assert meant(CodingOptions(((1, 255),))) == [0, 1, 1]
    assert meant(CodingOptions(one, rim, invert=True)) == [1, 0, 255]
    with pytest.raises(DataError, match="--foreground 2: no mask has that value; there are 0 "):
        meant(CodingOptions(((2, 2),)))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32])
def test_values_are_decoded(dtype: type[np.unsignedinteger]) -> None:
    coding = Coding(((1, 2), (200, 220)), ((255, 255),))
    values = np.array([[0, 1, 2, 3], [199, 200, 220, 255]], dtype)
    assert coding.apply(values).tolist() == [[0, 1, 1, 0], [0, 1, 1, 255]]


@pytest.mark.parametrize(
    ("pixels", "num_unit", "options", "usual"),
    [
        ({0: 9, 1: 1}, 9, CodingOptions(), True),
        ({0: 9, 255: 1}, 0, CodingOptions(), True),
        (SOFT, 0, CodingOptions(), True),
        (SOFT, 1, CodingOptions(), False),
        ({0: 9, 38: 1}, 0, CodingOptions(), False),
        ({0: 9, 255: 1}, 0, CodingOptions(((255, 255),)), True),
        ({0: 9, 255: 1}, 0, CodingOptions(invert=True), False),
        ({0: 8, 1: 1, 255: 1}, 0, CodingOptions(((1, 1),), ((255, 255),)), False),
    ],
)
def test_a_coding_is_usual_if_each_mask_alone_would_be_read_so(
    pixels: dict[int, int], num_unit: int, options: CodingOptions, usual: bool
) -> None:
    assert decide_coding(seen(pixels, num_unit=num_unit), options).usual == usual


def test_one_mask_of_a_soft_set_may_still_be_none() -> None:
    coding = decide_coding(seen(SOFT, lossy=True), CodingOptions())
    check_soft({0: 99, 128: 1, 255: 10}, coding)
    with pytest.raises(DataError, match="not binary: 50.0% of its pixels are neither"):
        check_soft({0: 50, 90: 50}, coding)


def test_values_are_written_as_they_are_read() -> None:
    for text in ("1", "1,2", "0-3,128-255", "0x800000"):
        assert ranges_text(parse_values(text, "--foreground")) == text
    assert parse_values("#800000", "") == parse_values("0x800000", "") == ((RED, RED),)
    assert parse_values("0xffffff", "") == parse_values("255", "")
    assert color_value(7, 7, 7) == 7
    for text in ("", "a", "1-", "3-1", "0x12", "-1"):
        with pytest.raises(DataError, match="--foreground .*: give values such as 1, 1,2 or"):
            parse_values(text, "--foreground")


def test_a_value_of_few_masks_names_one() -> None:
    masks = seen({0: 900, 7: 1, 255: 99})
    masks.num_with[7], masks.examples[7] = 1, "masks/b.png"
    assert shares_text(masks) == (
        "0 (90.0%), 7 (0.1%), 255 (9.9%); 7 is in 1 of 10 masks: masks/b.png")


def test_most_masks_covering_most_of_their_images_is_a_fault() -> None:
    assert "--invert" in str(systematic_fault(20, 18, 19))
    assert systematic_fault(20, 10, 20) is None
    assert systematic_fault(20, 20, 9) is None
    assert systematic_fault(0, 0, 0) is None
