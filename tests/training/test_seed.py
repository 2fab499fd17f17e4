"""Random states: set by the run's seed, and anew for each step."""

import random

import numpy as np
import torch

from cclcc_cli.training.seed import seed_everything, seed_step


def draw():
    return random.random(), np.random.rand(), torch.rand(3).tolist(), torch.randn(1).item()


def test_a_seed_fixes_all_generators():
    seed_everything(3)
    first = draw()
    seed_everything(3)
    assert draw() == first
    seed_everything(4)
    assert draw() != first


def test_a_step_draws_by_seed_and_number_alone():
    def drawn(seed, step, before=0):
        torch.rand(before)
        seed_step(seed, step)
        return torch.rand(3).tolist()

    assert drawn(0, 7) == drawn(0, 7, before=5)
    assert len({str(drawn(seed, step)) for seed in (0, 1) for step in (0, 1)}) == 4
