"""Random states: set, saved, restored."""

import random

import numpy as np
import torch

from cclcc_cli.training.checkpoint import load_checkpoint, save_checkpoint
from cclcc_cli.training.seed import random_state, restore_random_state, seed_everything


def draw():
    return random.random(), np.random.rand(), torch.rand(3).tolist(), torch.randn(1).item()


def test_a_seed_fixes_all_generators():
    seed_everything(3)
    first = draw()
    seed_everything(3)
    assert draw() == first
    seed_everything(4)
    assert draw() != first


def test_a_state_survives_a_checkpoint_file(tmp_path):
    seed_everything(0)
    draw()
    np.random.randn()  # leaves a second normal number waiting
    save_checkpoint(tmp_path / "a.pt", {"random": random_state()})
    expected = draw(), np.random.randn()
    draw()
    restore_random_state(load_checkpoint(tmp_path / "a.pt")["random"])
    assert (draw(), np.random.randn()) == expected
