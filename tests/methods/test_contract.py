"""What every method owes: the same suite for each, in every arrangement."""

from functools import lru_cache
from itertools import product

import pytest
import torch

from cclcc_cli.config import METHODS
from cclcc_cli.methods import Moment
from tests.methods.arms import ARMS, LABELED, TIMM, WEIGHTS, build, make_batch


def moments():
    return [Moment(0, 30), Moment(29, 30)]


def gradients(module):
    return [p.grad for p in module.parameters()]


@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.parametrize("moment", moments(), ids=["first", "last"])
@pytest.mark.parametrize("half", [False, True], ids=["fp32", "bf16"])
def test_loss_is_finite_and_the_whole_student_learns(arm, moment, half):
    """Under autocast too: a pass without a graph must not leave its weights in the cache."""
    method = build(arm)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
        loss = method.loss(make_batch(arm), moment)
    assert loss.total.isfinite()
    assert loss.total.dtype == torch.float32
    assert "supervised" in loss.terms
    assert all(term.isfinite() and not term.requires_grad for term in loss.terms.values())
    loss.total.backward()
    assert all(g is not None and g.isfinite().all() for g in gradients(method.student))
    assert sum(bool(g.abs().sum() > 0) for g in gradients(method.student)) > 30


@pytest.mark.parametrize("arm", ARMS)
def test_who_receives_gradient(arm):
    """Everything that is there learns, but for teachers; each moment may use its own parts."""
    method = build(arm)
    for moment in moments():
        method.loss(make_batch(arm), moment).total.backward()
    for name, parameter in method.named_parameters():
        teacher = name.startswith("teacher.")
        if arm == "clcc consistency only" and name.startswith("projector."):
            continue  # there is nothing to project for
        assert (parameter.grad is None) is teacher, name
        assert parameter.requires_grad is not teacher


@pytest.mark.parametrize("arm", [arm if arm in METHODS else pytest.param(
    arm, marks=pytest.mark.more) for arm in ARMS])
def test_thirty_steps_on_one_batch_lower_the_loss(arm):
    method, batch, moment = build(arm), make_batch(arm), Moment(29, 30)
    optimizer = torch.optim.AdamW(method.parameters(), lr=5e-3)
    losses = []
    for _ in range(30):
        loss = method.loss(batch, moment)
        optimizer.zero_grad()
        loss.total.backward()
        optimizer.step()
        method.after_step()
        losses.append(loss.total.item())
    assert min(losses[-5:]) < 0.95 * losses[0]


@pytest.mark.parametrize("arm", ARMS)
def test_a_checkpoint_restores_the_predictor_exactly(arm):
    method, other = build(arm), build(arm)
    for _ in range(2):
        method.loss(make_batch(arm, 1), Moment(0, 30))  # running statistics have moved
        torch.nn.init.normal_(method.student.head.weight)
        method.after_step()
    other.load_state_dict(method.state_dict())
    images = make_batch(arm, 2).images
    assert torch.equal(method.predictor.eval()(images), other.predictor.eval()(images))
    for each in (method, other):  # and what comes after is the same
        each.train()
        each.after_step()
    assert torch.equal(method.predictor.eval()(images), other.predictor.eval()(images))


@pytest.mark.parametrize("arm", ARMS)
def test_unlabelled_images_matter_or_are_proved_unused(arm):
    batch, changed = make_batch(arm), make_batch(arm)
    changed.images[LABELED:] = make_batch(arm, 5).images[LABELED:]
    seen = []
    for each in (batch, changed):
        terms = []
        for moment in moments():
            method = build(arm)
            torch.manual_seed(1)
            terms += [value for _, value in sorted(method.loss(each, moment).terms.items())]
        seen.append(torch.stack(terms))
    assert torch.equal(*seen) is (arm == "supervised")


@pytest.mark.parametrize("arm", ARMS)
def test_the_same_weights_batch_and_random_state_give_the_same_bytes(arm):
    totals = []
    for _ in range(2):
        method = build(arm)
        torch.manual_seed(1)
        totals.append(method.loss(make_batch(arm), Moment(7, 30)).total)
    assert torch.equal(*totals)


def trained(method, arm, steps=4):
    """Student weights and statistics after some steps, each on its own batch."""
    optimizer = torch.optim.AdamW(method.parameters(), lr=3e-3)
    for step in range(steps):
        loss = method.loss(make_batch(arm, step), Moment(step, steps)).total
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(method.parameters(), 1.0)
        optimizer.step()
        method.after_step()
    return list(method.predictor.state_dict().values())


@pytest.mark.parametrize("method", WEIGHTS)
def test_with_weight_0_it_is_supervised_bit_for_bit(method):
    weightless = build(method, own=dict.fromkeys(WEIGHTS[method], 0.0))
    supervised = build("supervised")
    for a, b in zip(trained(weightless, method), trained(supervised, "supervised"), strict=True):
        assert torch.equal(a, b)


NETWORKS = {
    "unet": {"widths": [4, 8, 8, 8, 8]},
    "unet with dropout": {"widths": [4, 8, 8, 8, 8], "dropout": [0.1] * 5},
    "residual_unet": {"kind": "residual_unet", "widths": [4, 8, 8, 8, 8]},
    "timm": TIMM,
    "basic_unet": {"kind": "monai", "network": "basic_unet", "width": 8},
    "segresnet": {"kind": "monai", "network": "segresnet", "width": 8},
}
MONAI = ("basic_unet", "segresnet")
TOLERANCE = {"sgd": 1e-3, "adamw": 1e-2}
"""Of the distance between two students, relative to their size. Adam divides by the gradient's
own size, so that weights which the supervised loss hardly moves follow the other terms."""
MONAI_KEYS = {"urpc": {"scales": "pooled", "num_scales": 3}, "unimatch": {"dropout_at": "last_map"}}
CONTINUOUS = [method for method in WEIGHTS if method != "bcp"]
"""All but one: BCP mixes the labelled images themselves, whatever its weight."""


def thirty_steps(method, network, optimizer, side, weight=None, **keys):
    """The student's weights and running statistics, with every weight of the method alike."""
    own = dict.fromkeys([*WEIGHTS.get(method, ()), *(["coarse_weight"] * (method == "urpc"))],
                        weight)
    if method == "clcc":
        own["terms"] = {"kind": "joint", "ramp_up": 0.0}
        own["contrast_weight"] /= 100  # at temperature 0.07 its gradient is that much larger
    own |= MONAI_KEYS.get(method, {}) if network in MONAI else {}
    made = build(method, own=own, model=NETWORKS[network],
                 data={"name": "d", "size": side, "labeled": 2}, **keys)
    parameters = made.parameters()
    stepped = (torch.optim.AdamW(parameters, lr=3e-4) if optimizer == "adamw"
               else torch.optim.SGD(parameters, lr=1e-2, momentum=0.9))
    for step in range(30):
        torch.manual_seed(step)
        loss = made.loss(make_batch(method, step, side), Moment(step, 30)).total
        stepped.zero_grad()
        loss.backward()
        stepped.step()
        made.after_step()
    values = [v.flatten() for v in made.student.state_dict().values() if v.is_floating_point()]
    return torch.cat(values)


@lru_cache
def supervised_student(network, optimizer, side):
    return thirty_steps("supervised", network, optimizer, side)


def distance_from_supervised(method, network, optimizer, **keys):
    # Too few values in the deepest map, and rounding alone moves the weights by a hundredth.
    side = 64 if network == "timm" or (method == "clcc" and network in MONAI) else 32
    supervised = supervised_student(network, optimizer, side)
    found = thirty_steps(method, network, optimizer, side, 1e-6, **keys)
    return ((found - supervised).norm() / supervised.norm()).item()


USUAL = {("unet", "sgd"), ("unet", "adamw"), ("timm", "sgd")}
MORE = {("residual_unet", "sgd"), ("basic_unet", "sgd"), ("timm", "adamw")}
"""Networks and optimisers of either target; the others stand with the long tests."""


@pytest.mark.parametrize(("network", "optimizer"), [
    pytest.param(*pair, marks=[] if pair in USUAL else
                 [pytest.mark.more if pair in MORE else pytest.mark.long])
    for pair in product(NETWORKS, TOLERANCE)])
@pytest.mark.parametrize("method", CONTINUOUS)
def test_as_the_weights_go_to_0_it_becomes_supervised(method, network, optimizer):
    if network == "timm":
        pytest.importorskip("timm")
    assert distance_from_supervised(method, network, optimizer) < TOLERANCE[optimizer]


@pytest.mark.parametrize("network", ["unet", pytest.param("residual_unet", marks=pytest.mark.long)])
@pytest.mark.parametrize("method", CONTINUOUS)
def test_one_pass_for_both_streams_does_not(method, network):
    """What the published code of many methods does: a weight of 0 then is another thing."""
    assert distance_from_supervised(method, network, "sgd", batch_norm="joint") > 0.01


@pytest.mark.parametrize("arm", ARMS)
def test_all_methods_start_from_the_same_student(arm):
    for a, b in zip(
        build(arm).student.parameters(), build("supervised").student.parameters(), strict=True
    ):
        assert torch.equal(a, b)


@pytest.mark.parametrize("arm", ["urpc pooled", "unimatch last map", "mean_teacher", "cps", "bcp",
                                 "point_contrast", "patch_contrast", "clcc", "fixmatch"])
@pytest.mark.parametrize("network", ["basic_unet", "segresnet"])
def test_a_network_of_monai_works_with_every_method(arm, network):
    pytest.importorskip("monai")
    keys = {"model": {"kind": "monai", "network": network, "width": 8}}
    if arm == "clcc":  # patches of 32 pixels
        keys["data"] = {"name": "d", "size": 64, "labeled": 2}
    method = build(arm, **keys)
    method.loss(make_batch(arm, side=64 if arm == "clcc" else 32), Moment(29, 30)).total.backward()
    assert all(g is not None for g in gradients(method.student))


@pytest.mark.parametrize("arm", ARMS)
def test_a_residual_encoder_works_with_every_method(arm):
    method = build(arm, model={"kind": "residual_unet", "widths": [4, 8, 8, 8, 8]})
    method.loss(make_batch(arm), Moment(29, 30)).total.backward()
    assert all(g is not None for g in gradients(method.student))
