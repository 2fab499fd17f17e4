"""What every method owes: the package's contract, in every arrangement and on every network."""

from itertools import product

import pytest
import torch

from cclcc_cli.config import METHODS
from cclcc_cli.methods import Loss, StepInfo, contract
from tests.methods.arrangements import ARRANGEMENTS, TIMM, build, make_batch, recipe_of


def titled(check):
    return check.__name__.removeprefix("check_")


WITHOUT_WEIGHTS = (contract.check_weight_0, contract.check_vanishing)
"""Checks of each method once, not of each of its arrangements."""


@pytest.mark.parametrize(("arrangement", "check"), [
    pytest.param(*pair, id=f"{pair[0]}-{titled(pair[1])}", marks=[] if pair[0] in METHODS or
                 pair[1] != contract.check_learns else [pytest.mark.more])  # slow
    for pair in product(ARRANGEMENTS, contract.CHECKS)
    if pair[0] in METHODS or pair[1] not in WITHOUT_WEIGHTS])
def test_every_method_keeps_the_contract(arrangement, check):
    if (arrangement, check) == ("clcc consistency only", contract.check_gradients):
        with pytest.raises(contract.ContractBroken, match="projector.* requires a gradient"):
            check(recipe_of(arrangement))  # there is nothing to project for
        return
    check(recipe_of(arrangement))


def test_every_method_declares_what_it_weighs():
    """Else nothing would hold it to supervised training."""
    assert [name for name, recipe in METHODS.items() if not recipe.weights] == ["supervised"]
    assert [name for name, recipe in METHODS.items() if getattr(recipe, "vanishing", None) == ()
            ] == ["bcp"]  # which mixes the labelled images themselves, whatever its weight


def not_finite(self, batch, _info):
    loss = self.labeled_loss(batch)
    return Loss(loss.total / 0, loss.terms)


def of_all(self, batch, _info):
    loss = self.labeled_loss(batch)
    seen = {"all": batch.images.mean()}
    return Loss(loss.total, {**loss.terms, **seen})


def climbing(self, batch, _info):
    loss = self.labeled_loss(batch)
    return Loss(2 * loss.total.detach() - loss.total, loss.terms)


def attached(self, batch, _info):
    loss = self.labeled_loss(batch)
    return Loss(loss.total, {"supervised": loss.total})


def head_alone(self, batch, _info):
    with torch.no_grad():
        features = self.student.features(batch.labeled)
    total = self.supervised_loss(self.student.head(features), batch)
    return Loss(total, {"supervised": total.detach()})


def random(self, batch, _info):
    loss = self.labeled_loss(batch)
    return Loss(loss.total * torch.rand((), generator=GENERATOR), loss.terms)


GENERATOR = torch.Generator().manual_seed(0)


@pytest.mark.parametrize(("loss", "check", "problem"), [
    (not_finite, contract.check_finite, "the loss is inf at step 0 of 30 in fp32"),
    (attached, contract.check_finite, "the term supervised is not detached"),
    (head_alone, contract.check_finite, "gets no gradient"),
    (head_alone, contract.check_gradients, "requires a gradient and gets none"),
    (climbing, contract.check_learns, "the loss went from"),
    (of_all, contract.check_unlabeled, "though the recipe takes none"),
    (random, contract.check_repeats, "and then"),
])
def test_what_breaks_it_is_found(monkeypatch, loss, check, problem):
    monkeypatch.setattr(type(build("supervised")), "loss", loss)
    with pytest.raises(contract.ContractBroken, match=problem):
        check(recipe_of("supervised"))


def test_what_a_method_raises_is_the_last_finding(monkeypatch):
    def fails(_self, _batch, _info):
        raise KeyError("no such key")

    monkeypatch.setattr(type(build("supervised")), "loss", fails)
    findings = list(contract.run_contract(recipe_of("supervised")))
    assert [finding.problem for finding in findings] == ["", "", "KeyError: 'no such key'"]
    assert len(findings) < len(contract.CHECKS)


NETWORKS = {
    "unet": {"widths": [4, 8, 8, 8, 8]},
    "unet with dropout": {"widths": [4, 8, 8, 8, 8], "dropout": [0.1] * 5},
    "residual_unet": {"kind": "residual_unet", "widths": [4, 8, 8, 8, 8]},
    "timm": TIMM,
    "basic_unet": {"kind": "monai", "network": "basic_unet", "width": 8},
    "segresnet": {"kind": "monai", "network": "segresnet", "width": 8},
}
MONAI = ("basic_unet", "segresnet")
MONAI_KEYS = {"urpc": {"scales": "pooled", "num_scales": 3}, "unimatch": {"dropout_at": "last_map"}}
CONTINUOUS = [method for method, recipe in METHODS.items()
              if recipe.weights and recipe.vanishing != ()]


def on_network(method, network, **keys):
    # Too few values in the deepest map, and rounding alone moves the weights by a hundredth.
    side = 64 if network == "timm" or (method == "clcc" and network in MONAI) else 32
    own = MONAI_KEYS.get(method, {}) if network in MONAI else {}
    return recipe_of(method, own=own, model=NETWORKS[network],
                     data={"name": "d", "size": side, "labeled": 2}, **keys)


USUAL = {("unet", "adamw"), ("timm", "sgd")}
MORE = {("residual_unet", "sgd"), ("basic_unet", "sgd"), ("timm", "adamw")}
"""Networks and optimisers of either target; the others stand with the long tests."""
PAIRS = [pair for pair in product(NETWORKS, contract.TOLERANCE)
         if pair != ("unet", "sgd")]  # the contract's own


@pytest.mark.parametrize(("network", "optimizer"), [
    pytest.param(*pair, marks=[] if pair in USUAL else
                 [pytest.mark.more if pair in MORE else pytest.mark.long]) for pair in PAIRS])
@pytest.mark.parametrize("method", CONTINUOUS)
def test_as_the_weights_go_to_0_it_becomes_supervised(method, network, optimizer):
    if network == "timm":
        pytest.importorskip("timm")
    recipe = on_network(method, network)
    assert contract.distance_from_supervised(recipe, optimizer) < contract.TOLERANCE[optimizer]


@pytest.mark.parametrize("network", ["unet", pytest.param("residual_unet", marks=pytest.mark.long)])
@pytest.mark.parametrize("method", CONTINUOUS)
def test_one_pass_for_both_streams_does_not(method, network):
    """What the published code of many methods does: a weight of 0 then is another thing."""
    recipe = on_network(method, network, batch_norm="joint")
    assert contract.distance_from_supervised(recipe) > 0.01


def all_learn(method, batch):
    method.loss(batch, StepInfo(29, 30)).total.backward()
    return all(p.grad is not None for p in method.student.parameters())


@pytest.mark.parametrize("arrangement", ["urpc pooled", "unimatch last map", "mean_teacher", "cps",
                                         "bcp", "point_contrast", "patch_contrast", "clcc",
                                         "fixmatch"])
@pytest.mark.parametrize("network", ["basic_unet", "segresnet"])
def test_a_network_of_monai_works_with_every_method(arrangement, network):
    pytest.importorskip("monai")
    side = 64 if arrangement == "clcc" else 32  # patches of 32 pixels
    keys = {"model": {"kind": "monai", "network": network, "width": 8},
            "data": {"name": "d", "size": side, "labeled": 2}}
    assert all_learn(build(arrangement, **keys), make_batch(arrangement, side=side))


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_a_residual_encoder_works_with_every_method(arrangement):
    model = {"kind": "residual_unet", "widths": [4, 8, 8, 8, 8]}
    assert all_learn(build(arrangement, model=model), make_batch(arrangement))


TIMM_CHECKS = [check for check in contract.CHECKS
               if check not in (contract.check_learns, contract.check_vanishing)]
"""Learning is slow and of the method; the law of continuity stands above."""


@pytest.mark.parametrize(("arrangement", "check"), [
    pytest.param(*pair, id=f"{pair[0]}-{titled(pair[1])}", marks=[] if pair[0] in METHODS or
                 pair[1] != contract.check_learns else [pytest.mark.more])  # slow
    for pair in product(ARRANGEMENTS, TIMM_CHECKS)
    if not pair[0].startswith("ict") and (pair[0] in METHODS or pair[1] not in WITHOUT_WEIGHTS)])
def test_pretrained_encoders_keep_the_contract(arrangement, check):
    """BatchNorm throughout. ICT mixes two images of 32 pixels to one, of which BatchNorm cannot
    learn: a run is refused."""
    pytest.importorskip("timm")
    if (arrangement, check) == ("clcc consistency only", contract.check_gradients):
        return  # as above
    check(recipe_of(arrangement, model=TIMM))


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
@pytest.mark.parametrize("encoder", ["test_resnet", "test_convnext"])
def test_other_families_work_with_every_method(arrangement, encoder):
    """ConvNeXt has no BatchNorm, gives four maps, and takes multiples of 32 only."""
    pytest.importorskip("timm")
    large = arrangement.startswith("ict") or (
        "clcc" in arrangement and encoder == "test_convnext")
    side = 64 if large else 32
    method = build(arrangement, model=TIMM | {"encoder": encoder},
                   data={"name": "d", "size": side, "labeled": 2})
    assert all_learn(method, make_batch(arrangement, side=side))
