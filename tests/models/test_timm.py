"""A U-Net decoder on encoders of timm: maps, sides, what is frozen, what is refused."""

import sys
from copy import deepcopy

import pytest
import torch
from pydantic import TypeAdapter
from torch import nn

from cclcc_cli.config.model import IMAGENET, Model
from cclcc_cli.errors import RunError
from cclcc_cli.models.batch_norm import norm_statistics
from cclcc_cli.models.build import build_network

pytest.importorskip("timm")
from cclcc_cli.models.timm import check_sides, describe_pretrained

FAMILIES = ["test_efficientnet", "test_resnet", "test_convnext", "test_vit",
            "mobilenetv3_small_050"]
WIDTHS = [16, 16, 8, 8, 4]


def build(encoder="test_efficientnet", **keys):
    torch.manual_seed(0)
    config = {"kind": "timm", "encoder": encoder, "weights": "none", "decoder_widths": WIDTHS}
    return build_network(TypeAdapter(Model).validate_python({**config, **keys}))


@pytest.mark.parametrize("encoder", FAMILIES)
@pytest.mark.parametrize("upsampling", ["bilinear", "nearest"])
def test_gives_maps_as_declared_and_logits_of_the_whole_image(encoder, upsampling):
    network = build(encoder, upsampling=upsampling, num_classes=2).eval()
    images = torch.randn(2, 3, 96, 96)
    decoded = network.decode(network.encode(images))
    assert [m.shape[1] for m in decoded] == list(network.decoder_channels) == WIDTHS
    assert [m.shape[2] for m in decoded] == [6, 12, 24, 48, 96]
    assert decoded[-1].shape[1] == network.feature_channels
    assert torch.equal(network(images), network.head(decoded[-1]))
    assert network(images).shape == (2, 2, 96, 96)


@pytest.mark.parametrize("encoder", FAMILIES)
def test_every_part_learns(encoder):
    network = build(encoder)
    network(torch.randn(2, 3, 64, 64)).sum().backward()
    assert not [name for name, p in network.named_parameters() if p.grad is None]


@pytest.mark.parametrize("encoder", ["test_efficientnet", "test_resnet", "test_vit"])
@pytest.mark.parametrize("side", [16, 32, 48, 80])
def test_any_multiple_of_16_passes(encoder, side):
    """Sides that are halved to odd ones included: maps are resized to the finer one's side."""
    check_sides(encoder, (side,))
    assert build(encoder).eval()(torch.randn(1, 3, side, side)).shape[2:] == (side, side)


def test_sides_that_an_encoder_cuts_off_are_refused_with_those_it_takes():
    check_sides("test_convnext", (96, 32))
    with pytest.raises(RunError, match="test_convnext does not take images or patches of 16 "
                                       "pixels; of sides up to 96 it takes 32, 64, 96"):
        check_sides("test_convnext", (96, 16))


def test_an_encoder_of_one_size_is_refused():
    with pytest.raises(RunError, match="patches of 64 pixels; of sides up to 64 it takes none"):
        check_sides("swin_tiny_patch4_window7_224", (64,))


@pytest.mark.parametrize(("encoder", "message"), [
    ("test_efficientnett", "has none of this name"),
    ("test_efficient", "near it: test_efficientnet"),
    ("test_efficientnet.mine", "Invalid pretrained tag .mine. for test_efficientnet"),
])
def test_an_unknown_encoder_is_refused(encoder, message):
    with pytest.raises(RunError, match=message):
        build(encoder)


def test_an_encoder_with_more_doublings_than_widths_is_refused():
    with pytest.raises(RunError, match="needs a width for each of 5 doublings, and has 2"):
        build(decoder_widths=[8, 8])


def test_images_are_normalised_as_the_weights_want_unless_the_recipe_says_otherwise():
    assert build("tf_efficientnet_lite0").normalization.mean == (0.5, 0.5, 0.5)
    assert build("test_resnet").normalization.std == (0.5, 0.5, 0.5)
    assert build("resnet18").normalization == IMAGENET
    own = build(normalization={"mean": [0.1, 0.2, 0.3]}).normalization
    assert own.mean == (0.1, 0.2, 0.3)
    assert own.std == IMAGENET.std


def test_imagenet_is_told_by_name_and_place():
    told = describe_pretrained("tf_efficientnet_lite0")
    assert told == describe_pretrained("tf_efficientnet_lite0.in1k")
    assert (told["tag"], told["hub"]) == ("in1k", "timm/tf_efficientnet_lite0.in1k")


def norms(network):
    return [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]


def statistics(network):
    return torch.cat([n.running_mean.clone() for n in norms(network)])


def test_a_frozen_encoder_stays_as_it_is():
    network = build(freeze="encoder").train()
    before = {k: v.clone() for k, v in network.encoder.state_dict().items()}
    network(torch.randn(2, 3, 32, 32)).sum().backward()
    assert all(p.grad is None for p in network.encoder.parameters())
    assert all(p.grad is not None for p in network.decoder.parameters())
    assert all(torch.equal(v, before[k]) for k, v in network.encoder.state_dict().items())


@pytest.mark.parametrize("copied", [False, True])
@pytest.mark.parametrize("mode", ["shared", "separate", "frozen"])
def test_frozen_statistics_stay_whatever_passes(copied, mode):
    network = build(freeze="batch_norm")
    network = deepcopy(network) if copied else network
    network.eval()
    network.train()
    before = statistics(network.encoder)
    with norm_statistics(network, mode):
        network(torch.randn(2, 3, 32, 32) + 3)
    network(torch.randn(2, 3, 32, 32) + 3).sum().backward()
    assert torch.equal(statistics(network.encoder), before)
    assert all(n.weight.grad is not None for n in norms(network.encoder))
    assert all(n.training for n in norms(network.decoder))


def test_nothing_is_frozen_unless_asked():
    network = build().train()
    before = statistics(network.encoder)
    network(torch.randn(2, 3, 32, 32) + 3)
    assert not torch.equal(statistics(network.encoder), before)


@pytest.mark.parametrize("copied", [False, True])
def test_half_precision_on_a_cpu_spares_depthwise_convolutions(copied):
    """The same input gives what float32 gives, rounded once: half precision throughout differs."""
    network = build()
    network = deepcopy(network) if copied else network
    depthwise = [m for m in network.encoder.modules()
                 if isinstance(m, nn.Conv2d) and m.groups > 1]
    assert depthwise
    x = torch.randn(2, depthwise[0].in_channels, 16, 16).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = depthwise[0](x)
    assert half.dtype == torch.bfloat16
    assert torch.equal(half, depthwise[0](x.float()).bfloat16())


def test_without_timm_the_way_out_is_told(monkeypatch):
    for name in [m for m in sys.modules if m.partition(".")[0] == "timm"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(RunError, match=r"pip install 'cclcc\[timm\]'"):
        build("resnet26")
