"""What every method owes: the same suite for each, and for CLCC in every arrangement."""

import pytest
import torch

from cclcc_cli.config import parse_recipe
from cclcc_cli.methods import Batch, Moment, build_method

SIZE, LABELED, UNLABELED = 32, 2, 2

CLCC = {
    "joint": {"terms": {"kind": "joint", "ramp_up": 0.0}},
    "published": {
        "terms": {"kind": "two_stage", "contrast": "1/3"},
        "normalization": "l1",
        "patch_statistics": "shared",
        "consistency_weight": 4.0,
    },
    "symmetric": {"symmetric": True, "negatives": "both"},
    "frozen": {"patch_statistics": "frozen", "negatives": "image"},
}
METHODS = ["supervised", *CLCC]


def build(name):
    torch.manual_seed(0)
    base = {
        "name": "x", "budget": {"steps": 30}, "model": {"widths": [4, 8, 8, 8, 8]},
        "data": {"name": "d", "size": SIZE, "labeled": 2},
    }
    if name == "supervised":
        keys = {"method": "supervised"}
    else:
        keys = {"method": "clcc",
                "clcc": {"grid": 2, "projector_widths": [8, 8, 8], **CLCC[name]}}
    return build_method(parse_recipe({**base, **keys}, "test"))


def make_batch(seed=0):
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(LABELED + UNLABELED, 3, SIZE, SIZE, generator=generator)
    target = (images[:LABELED, :1] > 0).float()
    return Batch(images.contiguous(memory_format=torch.channels_last), target)


def moments():
    return [Moment(0, 30), Moment(29, 30)]


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("moment", moments(), ids=["first", "last"])
def test_loss_is_finite_and_the_student_learns(name, moment):
    method = build(name)
    loss = method.loss(make_batch(), moment)
    assert loss.total.isfinite()
    assert all(term.isfinite() and not term.requires_grad for term in loss.terms.values())
    loss.total.backward()
    assert all(p.grad.isfinite().all() for p in method.student.parameters())
    assert sum(p.grad.abs().sum() for p in method.student.parameters()) > 0


@pytest.mark.parametrize("name", METHODS)
def test_thirty_steps_on_one_batch_lower_the_loss(name):
    method, batch, moment = build(name), make_batch(), Moment(29, 30)
    optimizer = torch.optim.AdamW(method.parameters(), lr=3e-3)
    losses = []
    for _ in range(30):
        loss = method.loss(batch, moment).total
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        method.after_step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize("name", METHODS)
def test_a_checkpoint_restores_the_predictor_exactly(name):
    method, other = build(name), build(name)
    method.loss(make_batch(1), Moment(0, 30))  # running statistics have moved
    torch.nn.init.normal_(method.student.head.weight)
    other.load_state_dict(method.state_dict())
    images = make_batch(2).images
    assert torch.equal(method.predictor.eval()(images), other.predictor.eval()(images))


@pytest.mark.parametrize("name", METHODS)
def test_unlabelled_images_matter_or_are_proved_unused(name):
    batch, changed = make_batch(), make_batch()
    changed.images[LABELED:] = make_batch(5).images[LABELED:]
    for moment in moments():
        first, second = (build(name).loss(b, moment).total for b in (batch, changed))
        assert torch.equal(first, second) is (name == "supervised")


@pytest.mark.parametrize("name", METHODS)
def test_the_same_weights_and_batch_give_the_same_bytes(name):
    first, second = (build(name).loss(make_batch(), Moment(7, 30)).total for _ in range(2))
    assert torch.equal(first, second)
