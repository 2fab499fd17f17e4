"""Every kind of network: logits, a last decoder map, and what is refused."""

import sys

import pytest
import torch
from pydantic import TypeAdapter

from cclcc_cli.config import parse_recipe
from cclcc_cli.config.model import Model
from cclcc_cli.errors import RecipeError, RunError
from cclcc_cli.models.build import build_network
from cclcc_cli.models.network import EncoderDecoder

SMALL = {
    "unet": {"widths": [4, 8, 8, 8, 8]},
    "wide_unet": {"widths": [4, 8, 8, 8, 16]},
    "residual_unet": {"widths": [4, 8, 8, 8, 8]},
    "monai basic_unet": {"network": "basic_unet", "width": 8},
    "monai segresnet": {"network": "segresnet", "width": 8},
}


def build(name, **keys):
    kind = name.split()[0]
    if kind == "monai":
        pytest.importorskip("monai")
    return build_network(TypeAdapter(Model).validate_python({"kind": kind, **keys}))


def count(network):
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("num_classes", [1, 3])
def test_gives_logits_from_its_last_map(name, num_classes):
    network = build(name, **SMALL[name], num_classes=num_classes).eval()
    images = torch.randn(2, 3, 32, 32)
    features = network.features(images)
    assert features.shape == (2, network.feature_channels, 32, 32)
    logits = network(images)
    assert logits.shape == (2, num_classes, 32, 32)
    assert torch.equal(logits, network.head(features))


@pytest.mark.parametrize("name", ["unet", "residual_unet"])
def test_inner_maps_are_as_declared(name):
    network = build(name, **SMALL[name])
    assert isinstance(network, EncoderDecoder)
    decoded = network.decode(network.encode(torch.randn(1, 3, 32, 32)))
    assert [m.shape[1] for m in decoded] == network.decoder_channels
    assert [m.shape[2] for m in decoded] == [4, 8, 16, 32]
    assert network.decoder_channels[-1] == network.feature_channels


def test_their_sizes():
    assert count(build("unet")) == 2_465_329
    assert count(build("wide_unet")) == 9_853_025
    assert count(build("residual_unet")) == 2_510_385


def test_every_part_of_a_residual_encoder_learns():
    network = build("residual_unet", widths=[4, 8, 8, 8, 8])
    network(torch.randn(2, 3, 32, 32)).sum().backward()
    assert all(p.grad is not None for p in network.parameters())


def test_without_monai_the_way_out_is_told(monkeypatch):
    for name in [m for m in sys.modules if m.startswith("monai.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "monai", None)
    config = TypeAdapter(Model).validate_python({"kind": "monai"})
    with pytest.raises(RunError, match=r"pip install 'cclcc\[monai\]'"):
        build_network(config)


@pytest.mark.parametrize("method", ["supervised", "clcc"])
def test_more_classes_are_refused_with_the_reason(method, tiny_recipe):
    with pytest.raises(RecipeError, match="num_classes = 3: only 1 .foreground against"):
        parse_recipe(tiny_recipe(method, model={"num_classes": 3}), "test")


@pytest.mark.parametrize("kind", ["unet", "residual_unet"])
def test_dropout_differs_in_training_and_adds_no_weight(kind):
    torch.manual_seed(0)
    widths = {"widths": [4, 8, 8, 8, 8]}
    plain = build(kind, **widths)
    dropping = build(kind, **widths, dropout=[0.0, 0.1, 0.2, 0.3, 0.5])
    assert count(plain) == count(dropping)
    images = torch.randn(2, 3, 32, 32)
    assert not torch.equal(dropping(images), dropping(images))
    dropping.eval()
    assert torch.equal(dropping(images), dropping(images))
