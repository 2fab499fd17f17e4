"""The compared methods' losses: values by hand, limits, who receives gradient."""

import math

import pytest
import torch

from cclcc_cli.losses.consistency import consistency_loss
from cclcc_cli.losses.contrastive import info_nce_loss
from cclcc_cli.losses.entropy import binary_entropy, entropy_loss
from cclcc_cli.losses.overlap import bce_dice_loss, region_bce_dice_loss
from cclcc_cli.losses.pseudo_labels import pseudo_label_loss
from cclcc_cli.losses.pyramid import pyramid_consistency_loss

LN3 = math.log(3)


def pixels(*values):
    return torch.tensor(values, dtype=torch.float64).reshape(1, 1, 1, -1)


# Consistency with a teacher


def test_consistency_by_hand():
    logits, target = pixels(0.0, 0.0), pixels(0.75, 1.0)
    assert consistency_loss(logits, target).item() == pytest.approx(5 / 32)
    first = torch.tensor([True, False]).reshape(1, 1, 1, 2)
    assert consistency_loss(logits, target, first).item() == pytest.approx(1 / 16)


def test_consistency_is_not_symmetric_in_who_learns():
    logits, target = pixels(0.3, -1.0).requires_grad_(), pixels(0.75, 1.0).requires_grad_()
    consistency_loss(logits, target).backward()
    assert logits.grad.abs().sum() > 0
    assert target.grad is None


def test_agreement_costs_nothing_and_so_does_nothing_to_count(wave):
    logits = wave((2, 1, 8, 8), 0.3)
    assert consistency_loss(logits, torch.sigmoid(logits)).item() == 0
    nothing = torch.zeros(2, 1, 8, 8, dtype=torch.bool)
    assert consistency_loss(logits, torch.zeros_like(logits), nothing).item() == 0


# Entropy


def test_entropy_by_hand():
    assert entropy_loss(pixels(LN3)).item() == pytest.approx(0.8112781244591328)
    assert entropy_loss(pixels(0.0)).item() == pytest.approx(1)
    assert binary_entropy(pixels(0.75)).item() == pytest.approx(math.log(4) - 0.75 * LN3)


def test_entropy_from_logits_equals_that_of_probabilities(wave):
    logits = 5 * wave((2, 1, 8, 8), 0.3)
    expected = binary_entropy(torch.sigmoid(logits)).mean() / math.log(2)
    assert entropy_loss(logits).item() == pytest.approx(expected.item())


def test_sure_predictions_have_no_entropy_and_no_infinite_slope():
    logits = pixels(-200.0, 200.0).float().requires_grad_()
    loss = entropy_loss(logits)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-6)
    assert logits.grad.isfinite().all()
    assert binary_entropy(pixels(0.0, 1.0)).sum().item() == 0


# Hard labels


def test_pseudo_labels_by_hand():
    logits, probs = pixels(LN3, LN3), pixels(0.99, 0.1)
    assert pseudo_label_loss(logits, probs, 0.95).item() == pytest.approx(math.log(4 / 3) / 2)
    both = (math.log(4 / 3) + math.log(4)) / 2
    assert pseudo_label_loss(logits, probs, 0.0).item() == pytest.approx(both)


def test_threshold_1_teaches_nothing_even_where_a_probability_is_1():
    logits = pixels(0.0, 1.0).requires_grad_()
    loss = pseudo_label_loss(logits, pixels(1.0, 0.0), 1.0)
    loss.backward()
    assert loss.item() == 0
    assert not logits.grad.any()


def test_pseudo_labels_teach_the_logits_alone():
    logits, probs = pixels(0.2).requires_grad_(), pixels(0.9).requires_grad_()
    pseudo_label_loss(logits, probs).backward()
    assert logits.grad.abs().sum() > 0
    assert probs.grad is None


def test_sure_agreement_costs_nothing():
    assert pseudo_label_loss(pixels(50.0, -50.0), pixels(1.0, 0.0)).item() < 1e-12


# Pyramid


def test_pyramid_by_hand():
    scales = [pixels(0.0), pixels(-LN3)]  # probabilities 1/2 and 1/4
    assert pyramid_consistency_loss(scales).item() == pytest.approx(0.0504662, abs=1e-7)


def test_pyramid_weights_pixels_by_agreement():
    # Two pixels: the scales agree on the first, so it weighs 1 and the second exp(-v).
    scales = [pixels(2.0, 0.0), pixels(2.0, -LN3)]
    expected = 0.0
    for v in (0.03158394240196326, 0.03809844254434003):
        w = math.exp(-v)
        expected += (w / 64 / 2) / ((1 + w) / 2) + v / 2
    assert pyramid_consistency_loss(scales).item() == pytest.approx(expected / 2, rel=1e-6)


def test_scales_that_agree_cost_nothing_and_all_learn_where_they_do_not(wave):
    same = wave((2, 1, 8, 8), 0.3)
    assert pyramid_consistency_loss([same, same, same]).item() == pytest.approx(0, abs=1e-12)
    scales = [(k * same).requires_grad_() for k in (1, 2, 3)]
    pyramid_consistency_loss(scales).backward()
    assert all(s.grad.abs().sum() > 0 for s in scales)


def test_saturated_scales_stay_finite():
    scales = [pixels(90.0, -90.0).float().requires_grad_() for _ in range(3)]
    loss = pyramid_consistency_loss(scales)
    loss.backward()
    assert loss.isfinite()
    assert all(s.grad.isfinite().all() for s in scales)


# Regions


def test_region_by_hand():
    loss = region_bce_dice_loss(pixels(0.0, 5.0), pixels(1.0, 1.0), pixels(1.0, 0.0))
    assert loss.item() == pytest.approx(math.log(2) + 0.2)


def test_the_whole_image_as_a_region_is_the_plain_loss(wave):
    logits, target = 3 * wave((4, 1, 8, 8), 0.37), (wave((4, 1, 8, 8), 0.013) > 0.2).double()
    weights = 1 + wave((4, 1, 8, 8), 0.7).abs()
    for w in (None, weights):
        whole = region_bce_dice_loss(logits, target, torch.ones_like(target), w)
        assert whole.item() == pytest.approx(bce_dice_loss(logits, target, w).item())


def test_outside_a_region_nothing_learns_and_nothing_counts(wave):
    logits = wave((1, 1, 4, 4), 0.3).requires_grad_()
    region = torch.zeros(1, 1, 4, 4, dtype=torch.float64)
    region[..., :2] = 1
    target = torch.ones_like(region)
    loss = region_bce_dice_loss(logits, target, region)
    loss.backward()
    assert not logits.grad[..., 2:].any()
    assert logits.grad[..., :2].all()
    assert region_bce_dice_loss(logits, region, region).item() == pytest.approx(loss.item())


# InfoNCE


@pytest.fixture
def pair():
    """Queries (1, 0), (0, 1) and keys (1, 0), (1, 1)."""
    queries = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]], dtype=torch.float64)
    return queries, torch.tensor([[[1.0, 0.0], [1.0, 1.0]]], dtype=torch.float64)


def test_info_nce_by_hand(pair):
    s = 1 / math.sqrt(2)
    expected = (math.log(1 + math.exp(s - 1)) + math.log(1 + math.exp(-s))) / 2
    assert info_nce_loss(*pair, temperature=1.0).item() == pytest.approx(expected)


def test_nt_xent_by_hand(pair):
    """One set, both as negatives, both ways: each of 2N embeddings against 2N - 1 others."""
    a, b = (torch.nn.functional.normalize(x[0], dim=1) for x in pair)
    every = torch.cat([a, b])
    total = 0.0
    for i in range(4):
        partner = (i + 2) % 4
        others = [math.exp(float(every[i] @ every[j])) for j in range(4) if j != i]
        total -= math.log(math.exp(float(every[i] @ every[partner])) / sum(others))
    options = {"temperature": 1.0, "negatives": "both", "keys_learn": True}
    both_ways = (info_nce_loss(*pair, **options) + info_nce_loss(*pair[::-1], **options)) / 2
    assert both_ways.item() == pytest.approx(total / 4)


@pytest.mark.parametrize("negatives", ["keys", "queries", "both"])
@pytest.mark.parametrize("keys_learn", [False, True])
def test_who_learns_from_info_nce(pair, negatives, keys_learn):
    queries, keys = (x.clone().requires_grad_() for x in pair)
    info_nce_loss(queries, keys, negatives=negatives, keys_learn=keys_learn).backward()
    assert queries.grad.abs().sum() > 0
    assert (keys.grad is not None) is keys_learn


def test_sets_do_not_see_each_other(wave):
    queries, keys = wave((3, 4, 8), 0.71), wave((3, 4, 8), 1.13)
    alone = [info_nce_loss(q[None], k[None]) for q, k in zip(queries, keys, strict=True)]
    assert info_nce_loss(queries, keys).item() == pytest.approx(torch.stack(alone).mean().item())
