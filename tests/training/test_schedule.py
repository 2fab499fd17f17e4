"""Budget and learning rate."""

from fractions import Fraction

import pytest

from cclcc_cli.config import parse_recipe
from cclcc_cli.training.schedule import Plan, build_plan, learning_rate

PUBLISHED = Plan(total_steps=6000, steps_per_epoch=20, validate_every=20)


@pytest.mark.parametrize(
    ("epoch", "iteration", "rate"),
    [
        (0, 0, 0.0),
        (0, 19, 4.8208795535669375e-06),
        (50, 10, 0.0004324412260286143),
        (99, 19, 0.0009994998458645453),
        (100, 0, 0.001),
        (200, 0, 0.0005),
        (299, 19, 1.5421256083225643e-10),
    ],
)
def test_moving_every_step_equals_the_golden_rates(epoch, iteration, rate):
    step = 20 * epoch + iteration
    ours = learning_rate(1e-3, step, PUBLISHED, warmup=Fraction(1, 3))
    assert ours == pytest.approx(rate, rel=1e-9, abs=0)


def test_moving_every_epoch_keeps_its_first_rate():
    rates = {
        learning_rate(1e-3, 1000 + i, PUBLISHED, warmup=Fraction(1, 3), moves="epoch")
        for i in range(20)
    }
    assert rates == {learning_rate(1e-3, 1000, PUBLISHED, warmup=Fraction(1, 3))}


def test_or_the_rate_of_another_of_its_steps():
    rates = {
        learning_rate(1e-3, 1000 + i, PUBLISHED, warmup=Fraction(1, 3), moves="epoch", epoch_step=7)
        for i in range(20)
    }
    assert rates == {learning_rate(1e-3, 1007, PUBLISHED, warmup=Fraction(1, 3))}


def test_without_warm_up_it_starts_at_the_base():
    assert learning_rate(0.1, 0, PUBLISHED, warmup=Fraction(0)) == 0.1


def test_constant_stays_after_warm_up():
    rates = [
        learning_rate(1.0, s, PUBLISHED, warmup=Fraction(1, 6), decay="constant")
        for s in (0, 500, 1000, 5999)
    ]
    assert rates == [0.0, 0.5, 1.0, 1.0]


def recipe(**keys):
    return parse_recipe(
        {"name": "x", "method": "supervised",
         "data": {"name": "d", "size": 32, "labeled": 0.1}, **keys}, "test")


def test_epochs_are_passes_over_the_labelled_images():
    plan = build_plan(recipe(budget={"epochs": 3}), num_labeled=10, batch_labeled=4)
    assert plan == Plan(total_steps=9, steps_per_epoch=3, validate_every=3)


@pytest.mark.parametrize(("num_labeled", "steps"), [(10, 2), (8, 2), (3, 1)])
def test_what_fills_no_batch_can_be_left_out_of_an_epoch(num_labeled, steps):
    plan = build_plan(recipe(budget={"epochs": 3, "last_batch": "drop"}), num_labeled, 4)
    assert plan == Plan(total_steps=3 * steps, steps_per_epoch=steps, validate_every=steps)


def test_steps_are_taken_as_they_are():
    keys = {"budget": {"steps": 50}, "validation": {"every": 20}}
    plan = build_plan(recipe(**keys), num_labeled=10, batch_labeled=4)
    assert plan == Plan(total_steps=50, steps_per_epoch=3, validate_every=20)
    assert [s for s in range(1, 51) if plan.validates_after(s)] == [20, 40, 50]
