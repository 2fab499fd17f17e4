"""Random states: all draws follow from the recipe's seed."""

import random

import numpy as np
import torch


def seed_everything(seed: int) -> None:
    """Start Python's, NumPy's and torch's generators (all devices) from one seed."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def seed_step(seed: int, step: int) -> None:
    """Start torch's generators (all devices) anew for a step, by the run's seed and its number.

    So a step draws the same after a restart, and dropout in the pass of the labelled images,
    which every method makes first, drops what it drops in supervised training.
    """
    torch.manual_seed(int(np.random.SeedSequence([seed, step]).generate_state(1)[0]))
