"""Cross-level InfoNCE: the published code's numbers, values by hand, who gets gradient."""

import math

import pytest
import torch

from cclcc_cli.losses.contrastive import cross_level_contrastive_loss


@pytest.fixture
def whole(wave):
    return wave((2, 128, 5, 5), 0.71)


@pytest.fixture
def patches(wave):
    return wave((2, 128, 5, 5), 1.13)


@pytest.mark.parametrize(
    ("normalization", "same", "published"),
    [
        ("l1", False, 3.2189243589560608),
        ("l2", False, 3.2246210481007296),
        ("l1", True, 3.086401170570561),
        ("l2", True, 1.0451037721162917),
    ],
)
def test_equals_the_published_loss(whole, patches, normalization, same, published):
    loss = cross_level_contrastive_loss(
        whole, whole if same else patches, normalization=normalization
    )
    assert loss.item() == pytest.approx(published, rel=1e-9)


@pytest.mark.parametrize(
    ("negatives", "candidates"), [("patch", 4), ("image", 4), ("both", 7)]
)
def test_equal_embeddings_leave_a_guess_among_the_candidates(negatives, candidates):
    same = torch.ones(3, 8, 2, 2, dtype=torch.float64)
    loss = cross_level_contrastive_loss(same, same, negatives=negatives)
    assert loss.item() == pytest.approx(math.log(candidates))


def test_two_cells_by_hand():
    # Queries e1, e2; keys e1, (e1 + e2)/sqrt 2: similarities [[1, s], [0, s]], s = 1/sqrt 2.
    whole = torch.tensor([[[[1.0, 0.0]], [[0.0, 1.0]]]], dtype=torch.float64)
    patches = torch.tensor([[[[1.0, 1.0]], [[0.0, 1.0]]]], dtype=torch.float64)
    s = 1 / math.sqrt(2)
    first = -1 + math.log(math.exp(1) + math.exp(s))
    second = -s + math.log(math.exp(0) + math.exp(s))
    loss = cross_level_contrastive_loss(whole, patches, temperature=1.0)
    assert loss.item() == pytest.approx((first + second) / 2)


def test_negatives_from_the_image_by_hand():
    # The same cells: query 1 against key 1 and query 2: [1, 0]; query 2: key 2 and query 1: [s, 0].
    whole = torch.tensor([[[[1.0, 0.0]], [[0.0, 1.0]]]], dtype=torch.float64)
    patches = torch.tensor([[[[1.0, 1.0]], [[0.0, 1.0]]]], dtype=torch.float64)
    expected = sum(-x + math.log(math.exp(x) + 1) for x in (1.0, 1 / math.sqrt(2))) / 2
    loss = cross_level_contrastive_loss(whole, patches, temperature=1.0, negatives="image")
    assert loss.item() == pytest.approx(expected)


@pytest.mark.parametrize("negatives", ["patch", "image", "both"])
def test_only_the_whole_image_receives_gradient(whole, patches, negatives):
    whole.requires_grad_()
    patches.requires_grad_()
    cross_level_contrastive_loss(whole, patches, negatives=negatives).backward()
    assert whole.grad.abs().sum() > 0
    assert patches.grad is None


def test_a_perfect_match_far_from_the_rest_costs_nothing():
    corners = torch.eye(4, dtype=torch.float64).reshape(1, 4, 2, 2)
    assert cross_level_contrastive_loss(corners, corners).item() == pytest.approx(0, abs=1e-5)
