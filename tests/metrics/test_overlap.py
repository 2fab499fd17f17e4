"""Scores by hand, and the empty cases."""

import pytest
import torch

from cclcc_cli.metrics.overlap import overlap_scores, rules
from cclcc_cli.metrics.scores import OVERLAP_SCORES as SCORES


def scores(mask, target, probs=None, **options):
    mask, target = (torch.tensor(x, dtype=torch.bool).reshape(1, 1, 1, -1) for x in (mask, target))
    probs = mask.float() if probs is None else torch.tensor(probs).reshape(1, 1, 1, -1)
    found = overlap_scores(probs, mask, target, **options)
    assert tuple(found) == SCORES
    return {name: value.item() for name, value in found.items()}


def test_by_hand():
    # TP 2, FP 1, FN 3, TN 4.
    found = scores([1, 1, 1, 0, 0, 0, 0, 0, 0, 0], [1, 1, 0, 1, 1, 1, 0, 0, 0, 0])
    assert found == pytest.approx(
        {"dice": 4 / 8, "iou": 2 / 6, "precision": 2 / 3, "recall": 2 / 5,
         "specificity": 4 / 5, "accuracy": 6 / 10, "mae": 4 / 10}
    )


@pytest.mark.parametrize("mae_on", ["probs", "mask"])
def test_ignored_pixels_count_as_little_as_pixels_that_were_cut_off(mae_on):
    mask, target, probs = [1, 1, 0, 0, 1, 1], [1, 0, 1, 0, 1, 0], [0.9, 0.6, 0.3, 0.2, 0.8, 1.0]
    counts = torch.tensor([1, 1, 1, 1, 0, 0], dtype=torch.bool).reshape(1, 1, 1, -1)
    kept = scores(mask[:4], target[:4], probs[:4], mae_on=mae_on)
    assert scores(mask, target, probs, counts=counts, mae_on=mae_on) == pytest.approx(kept)
    nothing = scores(mask, target, probs, counts=torch.zeros_like(counts), mae_on=mae_on)
    assert nothing == {**dict.fromkeys(SCORES, 1.0), "mae": 0.0}


@pytest.mark.parametrize(
    ("mask", "target", "expected"),
    [
        ([0, 0], [0, 0], {"dice": 1, "iou": 1, "precision": 1, "recall": 1, "specificity": 1}),
        ([0, 0], [1, 0], {"dice": 0, "iou": 0, "precision": 0, "recall": 0, "specificity": 1}),
        ([1, 0], [0, 0], {"dice": 0, "iou": 0, "precision": 0, "recall": 0, "specificity": 0.5}),
        ([1, 0], [0, 1], {"dice": 0, "iou": 0, "precision": 0, "recall": 0, "specificity": 0}),
        ([1, 1], [1, 1], {"dice": 1, "iou": 1, "precision": 1, "recall": 1, "specificity": 1}),
    ],
    ids=["both empty", "nothing found", "nothing there", "total miss", "both full"],
)
def test_empty_cases(mask, target, expected):
    found = scores(mask, target)
    assert {name: found[name] for name in expected} == expected


def test_a_total_miss_as_published_counts_one_pixel():
    target = [1] * 3000 + [0] * 100
    found = scores([0] * 3100, target, total_miss="one_pixel")
    assert found["dice"] == pytest.approx(2 / (2 + 3000))
    assert scores([0] * 3100, target)["dice"] == 0
    assert scores([0, 0], [0, 0], total_miss="one_pixel")["dice"] == 1


@pytest.mark.parametrize(
    ("mask", "target", "expected"),
    [
        # The one pixel is all of TP: 1 / (1 + FP) for precision, 1 / (1 + FN) for recall.
        ([0, 0, 0], [1, 1, 0], {"precision": 1, "recall": 1 / 3, "dice": 2 / 4, "iou": 1 / 3}),
        ([1, 0, 0], [0, 0, 0], {"precision": 1 / 2, "recall": 1, "dice": 2 / 3, "iou": 1 / 2}),
        ([1, 0, 0], [0, 1, 1], {"precision": 1 / 2, "recall": 1 / 3, "dice": 2 / 5, "iou": 1 / 4}),
    ],
    ids=["nothing found", "nothing there", "elsewhere"],
)
def test_the_published_pixel_leaves_the_other_scores_alone(mask, target, expected):
    honest, published = scores(mask, target), scores(mask, target, total_miss="one_pixel")
    assert {name: published[name] for name in expected} == pytest.approx(expected)
    for name in ("specificity", "accuracy", "mae"):
        assert published[name] == honest[name]


@pytest.mark.parametrize(
    ("mask", "target", "accuracy"),
    [([0, 0, 0], [1, 1, 0], (1 + 1) / 4), ([1, 0, 0], [0, 1, 0], (1 + 1) / 4), ([1, 0], [1, 0], 1)],
    ids=["nothing found", "elsewhere", "found"],
)
def test_the_published_pixel_may_count_in_accuracy_too(mask, target, accuracy):
    as_published = scores(mask, target, total_miss="published", mae_on="mask")
    assert as_published["accuracy"] == accuracy
    assert as_published["mae"] == 1 - accuracy
    one_pixel = scores(mask, target, total_miss="one_pixel")
    for name in ("dice", "iou", "precision", "recall", "specificity"):
        assert as_published[name] == one_pixel[name]


@pytest.mark.parametrize("kind", [torch.uint8, torch.int64, torch.float32])
def test_a_truth_of_zeros_and_ones_scores_as_booleans_do(kind):
    probs = torch.linspace(0, 1, 24).reshape(2, 1, 3, 4)
    target = torch.arange(24).reshape(2, 1, 3, 4) % 3 == 0
    expected = overlap_scores(probs, probs > 0.4, target)
    found = overlap_scores(probs, probs > 0.4, target.to(kind))
    for name in SCORES:
        assert found[name].dtype == torch.float64
        assert torch.equal(found[name], expected[name])


def test_mae_of_probabilities_or_of_the_mask():
    probs = [0.9, 0.6, 0.2, 0.1]
    given = {"mask": [1, 1, 0, 0], "target": [1, 0, 0, 0], "probs": probs}
    assert scores(**given)["mae"] == pytest.approx((0.1 + 0.6 + 0.2 + 0.1) / 4)
    on_mask = scores(**given, mae_on="mask")
    assert on_mask["mae"] == 1 - on_mask["accuracy"] == 0.25


def test_each_image_is_scored_alone():
    generator = torch.Generator().manual_seed(0)
    probs = torch.rand(3, 1, 5, 7, generator=generator)
    mask, target = probs > 0.5, torch.rand(3, 1, 5, 7, generator=generator) > 0.5
    together = overlap_scores(probs, mask, target)
    for i in range(3):
        alone = overlap_scores(probs[i:i + 1], mask[i:i + 1], target[i:i + 1])
        for name in SCORES:
            assert together[name][i] == alone[name][0]


def test_every_choice_has_words():
    texts = {str(rules(miss, mae)) for miss in ("zero", "one_pixel") for mae in ("probs", "mask")}
    assert len(texts) == 4
