"""One optimiser step."""

import pytest
import torch

from cclcc_cli.config import parse_recipe
from cclcc_cli.config.model import IMAGENET
from cclcc_cli.data.loading import RawBatch
from cclcc_cli.methods import Batch, StepInfo, build_method
from cclcc_cli.training.runtime import Runtime
from cclcc_cli.training.step import Stepper, build_average, build_optimizer, move_batch

CPU = Runtime("cpu", "fp32")


@pytest.fixture
def made(tiny_recipe):
    def build(**keys):
        torch.manual_seed(0)
        recipe = parse_recipe(tiny_recipe("supervised", **keys), "test")
        method = build_method(recipe)
        optimizer = build_optimizer(recipe.optimizer, method)
        return recipe, method, Stepper(method, optimizer, recipe.optimizer.clip_norm, CPU)

    return build


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(2, 3, 32, 32, generator=generator)
    return Batch(images, (images[:, :1] > 0).float())


def weights(method):
    return torch.cat([p.detach().flatten().clone() for p in method.parameters()])


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_moves_by_the_learning_rate_it_is_given(made, batch, name):
    _, method, stepper = made(optimizer={"name": name, "weight_decay": 0.0})
    before = weights(method)
    stepper.step(batch, StepInfo(0, 10), lr=0.0)
    assert torch.equal(weights(method), before)
    stepper.step(batch, StepInfo(1, 10), lr=0.01)
    assert not torch.equal(weights(method), before)


def test_clipping_bounds_the_step(made, batch):
    moved = {}
    for clip in (None, 1e-6):
        keys = {"name": "sgd", "weight_decay": 0.0, "momentum": 0.0, "clip_norm": clip}
        _, method, stepper = made(optimizer=keys)
        before = weights(method)
        stepper.step(batch, StepInfo(0, 10), lr=1.0)
        moved[clip] = (weights(method) - before).norm().item()
    assert moved[1e-6] == pytest.approx(1e-6, rel=0.1)
    assert moved[None] > 1e-3


def test_the_average_follows_slowly(made, batch):
    recipe, method, stepper = made(ema_decay=0.75)
    average = build_average(recipe, method)
    average.update_parameters(method.predictor)  # the first copies
    before = method.student.head.weight.detach().clone()
    stepper.step(batch, StepInfo(0, 10), lr=0.1)
    average.update_parameters(method.predictor)
    after = method.student.head.weight.detach()
    expected = 0.75 * before + 0.25 * after
    assert torch.allclose(average.module.head.weight, expected, atol=1e-6)
    assert build_average(made()[0], method) is None


def test_a_raw_batch_becomes_normalised_images_and_float_targets():
    images = torch.full((3, 4, 4, 3), 255, dtype=torch.uint8)
    raw = RawBatch(images, torch.ones(2, 4, 4, dtype=torch.uint8))
    batch = move_batch(raw, CPU, IMAGENET)
    assert batch.images.shape == (3, 3, 4, 4)
    assert batch.target.shape == (2, 1, 4, 4)
    assert batch.target.dtype == torch.float32
    assert batch.strong == ()
    assert torch.equal(batch.labeled, batch.images[:2])
    assert torch.equal(batch.unlabeled, batch.images[2:])


def test_strong_views_arrive_one_by_one():
    images = torch.zeros(3, 4, 4, 3, dtype=torch.uint8)
    strong = torch.stack([torch.full((1, 4, 4, 3), v, dtype=torch.uint8) for v in (0, 255)])
    batch = move_batch(RawBatch(images, torch.ones(2, 4, 4, dtype=torch.uint8), strong), CPU,
                       IMAGENET)
    assert [view.shape for view in batch.strong] == [(1, 3, 4, 4)] * 2
    assert torch.equal(batch.strong[0], batch.images[:1])
    assert (batch.strong[1] > 2).all()
    assert batch.strong[1].is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("kind", ["unet", "timm"])
def test_an_encoder_learns_at_its_share_of_the_rate(made, batch, kind):
    """With plain SGD a tenth of the rate is a tenth of the way."""
    model = {"kind": "timm", "encoder": "test_resnet", "weights": "none"}
    if kind == "timm":
        pytest.importorskip("timm")
    steps = {}
    for factor in (1.0, 0.1):
        _, method, stepper = made(
            **({"model": model} if kind == "timm" else {}),
            optimizer={"name": "sgd", "momentum": 0.0, "weight_decay": 0.0, "encoder_lr": factor},
        )
        before = [part_weights(method, inside) for inside in (True, False)]
        stepper.step(batch, StepInfo(0, 12), lr=0.01)
        after = [part_weights(method, inside) for inside in (True, False)]
        steps[factor] = [float((b - a).norm()) for a, b in zip(before, after, strict=True)]
    assert steps[0.1][0] == pytest.approx(0.1 * steps[1.0][0], rel=1e-2)
    assert steps[0.1][1] == pytest.approx(steps[1.0][1], rel=1e-6)


def part_weights(method, encoder):
    return torch.cat([p.detach().flatten().clone() for n, p in method.named_parameters()
                      if ("encoder." in n) is encoder])


def test_what_is_frozen_is_not_in_the_optimiser(made, batch):
    pytest.importorskip("timm")
    model = {"kind": "timm", "encoder": "test_resnet", "weights": "none", "freeze": "encoder"}
    _, method, stepper = made(model=model)
    before = part_weights(method, True)
    stepper.step(batch, StepInfo(0, 12), lr=0.01)
    assert torch.equal(part_weights(method, True), before)
    held = sum(p.numel() for g in stepper._optimizer.param_groups for p in g["params"])
    assert held == len(part_weights(method, False))
