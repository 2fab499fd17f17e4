"""Pixels that do not count: whatever is there, every method's loss and record stay what they are.

The network and the projectors are made of 1x1 convolutions without BatchNorm, so that a pixel can
reach a loss by its own place alone.
"""

import pytest
import torch
from torch import nn

from cclcc_cli.methods import StepInfo, contract
from cclcc_cli.methods.base import Batch
from cclcc_cli.models.network import EncoderDecoder
from tests.methods.arrangements import ARRANGEMENTS, recipe_of

WIDTH = 4


class PixelNetwork(EncoderDecoder):
    """Maps of full size throughout."""

    def __init__(self, _config):
        super().__init__()
        self.encoder = nn.ModuleList([nn.Conv2d(3, WIDTH, 1), nn.Conv2d(WIDTH, WIDTH, 1)])
        self.decoder = nn.ModuleList([nn.Conv2d(WIDTH, WIDTH, 1) for _ in range(4)])
        self.head = nn.Conv2d(WIDTH, 1, 1)
        self.encoder_channels = self.feature_channels = WIDTH
        self.decoder_channels = [WIDTH] * 4

    def encode(self, images):
        first = torch.sin(3 * self.encoder[0](images))
        return [first, torch.sin(3 * self.encoder[1](first))]

    def decode(self, encoded):
        maps = [sum(encoded)]
        for layer in self.decoder:
            maps.append(torch.sin(3 * layer(maps[-1])))
        return maps[1:]


@pytest.fixture(autouse=True)
def network_of_pixels(monkeypatch):
    for module in ("base", "cps"):
        monkeypatch.setattr(f"cclcc_cli.methods.{module}.build_network", PixelNetwork)


def terms_of(recipe, batch, step):
    """Every term and the total, of weights and draws that are always the same."""
    method = contract.build_fresh(recipe)
    for module in list(method.modules()):
        for name, part in module.named_children():
            if isinstance(part, nn.BatchNorm2d):
                setattr(module, name, nn.Identity())
    torch.manual_seed(1)
    loss = method.loss(batch, StepInfo(step, contract.STEPS))
    return torch.stack([loss.total.detach(), *(v for _, v in sorted(loss.terms.items()))])


def drawn_elsewhere(batch, counts):
    """The same batch with other pixels where ``counts`` is False."""
    def redraw(maps, seen):
        return torch.where(seen, maps, torch.randn(maps.shape) * 3)

    views = tuple(redraw(view, counts[-len(view):]) for view in batch.strong)
    return Batch(redraw(batch.images, counts), batch.target, views, batch.counts)


SPREADING = {"urpc pooled", "urpc perturbed"}
"""Whose maps are pooled, or thinned by what is most active anywhere, before they are compared."""
CASES = [(name, None) for name in ARRANGEMENTS if name not in SPREADING] + [
    (name, {"kernel": 5, "padding": padding})
    for name in ("supervised", "bcp") for padding in ("zeros", "ignored")]


@pytest.mark.parametrize(("arrangement", "boundary"), CASES)
def test_ignored_pixels_make_no_difference(arrangement, boundary):
    images = {"labeled": 4, **({} if arrangement == "supervised" else {"unlabeled": 4})}
    recipe = recipe_of(arrangement, supervised_loss={"boundary": boundary}, batch=images)
    whole = contract.make_batch(recipe)
    counts = torch.ones_like(whole.images[:, :1], dtype=torch.bool)
    counts[::2, :, :16, 16:] = False  # a cell of each second image, and all of the last
    counts[-1] = False
    target = whole.target * counts[: len(whole.target)]
    batch = Batch(whole.images, target, whole.strong, counts)
    plain = Batch(whole.images, target, whole.strong)
    torch.manual_seed(3)
    for step in (0, contract.STEPS - 1):
        terms = terms_of(recipe, batch, step)
        assert terms.isfinite().all()
        other = terms_of(recipe, drawn_elsewhere(batch, counts), step)
        torch.testing.assert_close(other, terms, rtol=1e-5, atol=1e-6)
        # And they would make one, were they counted.
        total, changed = (terms_of(recipe, each, step)[0].item()
                          for each in (plain, drawn_elsewhere(plain, counts)))
        assert changed != pytest.approx(total, rel=2e-5)
