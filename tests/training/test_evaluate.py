"""Evaluation: thresholds, sizes and means, on a network whose answers are known."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from cclcc_cli.config.schema import Evaluation
from cclcc_cli.data.class_map import IGNORED
from cclcc_cli.data.store import Store, load_store, store_path
from cclcc_cli.models.unet import UNet
from cclcc_cli.training.evaluate import (
    evaluate_images,
    evaluation_rules,
    mean_scores,
    outline_overlay,
    probability_threshold,
    validation_scores,
)
from cclcc_cli.training.runtime import Runtime

CPU = Runtime("cpu", "fp32")


@pytest.fixture
def store(tiny_data):
    return load_store(store_path(tiny_data, "synthetic", 32))


@pytest.fixture
def network():
    torch.manual_seed(0)
    return UNet((4, 8, 8, 8, 8))


def constant(network, logit):
    """A network that answers the same logit everywhere."""
    torch.nn.init.zeros_(network.head.weight)
    torch.nn.init.constant_(network.head.bias, logit)
    return network


def test_half_on_logits_is_a_probability_of_0622():
    config = Evaluation()
    assert probability_threshold(config, "probs") == 0.5
    assert probability_threshold(config, "logits") == pytest.approx(0.6224593)


@pytest.mark.parametrize(("on", "recall"), [("probs", 1.0), ("logits", 0.0)])
def test_the_threshold_decides_as_said(store, network, on, recall):
    network = constant(network, 0.3)  # probability 0.574: between the two thresholds
    scores, _ = evaluate_images(network, store, [0, 1], Evaluation(), on, CPU)
    assert [s.working["recall"] for s in scores] == [recall] * 2


def test_everything_foreground_by_hand(store, network):
    scores, _ = evaluate_images(constant(network, 9.0), store, [3], Evaluation(), "probs", CPU)
    share = (store.masks[3] > 0).mean()
    assert scores[0].stem == store.rows[3].stem
    assert scores[0].working["dice"] == pytest.approx(2 * share / (1 + share))
    assert scores[0].own["iou"] == pytest.approx((store.original_mask(3) > 0).mean())


def test_validation_is_the_mean_of_the_images_and_leaves_the_mode(store, network):
    network.train()
    rows = list(range(11))  # more than one batch, and a rest
    quick = validation_scores(network, store, rows, Evaluation(), CPU)
    assert network.training
    scores, _ = evaluate_images(network, store, rows, Evaluation(), "probs", CPU)
    full = mean_scores([s.working for s in scores])
    assert quick == pytest.approx({name: full[name] for name in quick})


def test_ignored_pixels_are_judged_nowhere(store, network, monkeypatch):
    """All is foreground but the rim, which is ignored, and a prediction covers the rim too."""
    truth = np.full((32, 32), IGNORED, np.uint8)
    truth[4:28, 4:28] = 1
    masks = np.array(store.masks)
    masks[3], masks[4] = truth, np.where(truth == 1, 1, 0)
    monkeypatch.setattr(Store, "original_mask", lambda self, row: self.masks[row].repeat(2, 0))
    ignoring = replace(store, masks=masks)
    network = constant(network, 9.0)
    rim, none = evaluate_images(network, ignoring, [3, 4], Evaluation(), "probs", CPU)[0]
    for scores in (rim.working, rim.own):
        assert {scores[name] for name in ("dice", "iou", "accuracy", "nsd")} == {1.0}
        assert scores["hd95"] == scores["assd"] == 0
    assert none.working["dice"] < 0.8
    assert none.working["hd95"] > 3
    means = validation_scores(network, ignoring, [3], Evaluation(), CPU)
    assert means == {name: rim.working[name] for name in means}
    assert "ignored" in evaluation_rules(Evaluation(), "probs", ignoring=True)


def test_masks_are_kept_on_request(store, network):
    rows = list(range(11))  # more than one batch
    _, none = evaluate_images(network, store, rows, Evaluation(), "probs", CPU)
    _, full = evaluate_images(
        constant(network, 9.0), store, rows, Evaluation(), "probs", CPU, keep_masks=True
    )
    assert none is None
    assert full.shape == (11, 32 * 32 // 8)
    assert (full == 255).all()


def test_rules_name_every_choice():
    words = evaluation_rules(Evaluation(total_miss="one_pixel", mae_on="mask"), "logits")
    assert "probability 0.622459" in words["threshold"]
    assert "published" in words["total_miss"]
    assert "thresholded mask" in words["mae"]


def test_an_overlay_is_a_png_with_both_outlines():
    import cv2

    image = np.zeros((32, 32, 3), np.uint8)
    truth, mask = np.zeros((32, 32), np.uint8), np.zeros((32, 32), bool)
    truth[4:12, 4:12], mask[20:28, 20:28] = 1, True
    png = outline_overlay(image, truth, mask)
    drawn = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert drawn[4, 4].argmax() == 1
    assert drawn[20, 20].argmax() == 2
    assert not drawn[8, 8].any()
