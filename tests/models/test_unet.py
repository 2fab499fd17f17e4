"""The published network: size, shapes, which parts normalise."""

import pytest
import torch
from torch import nn

from cclcc_cli.models.unet import UNet


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_has_the_published_number_of_parameters():
    assert count(UNet()) == 2_465_329


def test_batch_norm_in_the_encoder_only():
    network = UNet()
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(norms) == 10
    assert not [m for m in network.decoder.modules() if isinstance(m, nn.BatchNorm2d)]


@pytest.mark.parametrize("side", [16, 48, 64])
def test_one_logit_per_pixel(side):
    images = torch.randn(2, 3, side, side)
    network = UNet((4, 8, 8, 8, 8)).eval()
    assert network(images).shape == (2, 1, side, side)
    assert network.features(images).shape == (2, 4, side, side)


def test_memory_layout_does_not_change_the_result():
    torch.manual_seed(0)
    network, images = UNet((4, 8, 8, 8, 8)).eval(), torch.randn(2, 3, 32, 32)
    last = network(images.contiguous(memory_format=torch.channels_last))
    assert torch.allclose(network(images), last, atol=1e-5)


def test_the_published_start_differs_in_biases_and_in_batch_norms_factors():
    def start(initialization):
        torch.manual_seed(0)
        return UNet((16, 32, 32, 32, 32), initialization=initialization)

    for usual, published in zip(start("kaiming").modules(), start("published").modules(),
                                strict=True):
        if isinstance(usual, nn.BatchNorm2d):
            assert torch.equal(usual.weight, torch.ones_like(usual.weight))
            assert 0 < (published.weight - 1).abs().max() < 0.1
    first = start("published").encoder[0]
    convolution = next(m for m in first.modules() if isinstance(m, nn.Conv2d))
    bound = (3 * 9) ** -0.5  # PyTorch draws biases evenly within one over the root of the fan-in
    assert 0 < convolution.bias.abs().max() <= bound
    assert convolution.weight.detach().std() == pytest.approx((2 / (3 * 9)) ** 0.5, rel=0.15)


def test_the_last_convolution_keeps_its_default_start():
    torch.manual_seed(0)
    head = UNet().head
    assert head.weight.abs().max() <= 1 / 4  # uniform in +-1/sqrt(fan in), fan in 16
    assert head.bias.abs().max() > 0
