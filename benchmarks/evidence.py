"""How often the default comparison errs and finds, in simulated worlds whose truth is known.

    python benchmarks/evidence.py [--trials 20000]

Worlds are of Dice in points on 100 images: images differ by 20, the two groups' images by 8 more,
what is left is 8; seeds move both groups together (seed) and each by itself (seed by group).
``paired`` is the default comparison, ``unpaired`` the one for seeds that are not shared, which on
shared ones finds too little and, over several levels, errs too often. Each trial is the same draw
for every true gain, which only moves its mean. Judged by the functions that reports use.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cclcc_cli.report.evidence.findings import LEVEL
from cclcc_cli.report.evidence.variance import (
    Noise,
    crossed_noise,
    half_width,
    mean_squares,
    p_values,
    unpaired_noise,
)

Array = NDArray[np.float64]

NUM_IMAGES = 100
GAINS = (1.0, 2.0, 3.0, 5.0)
"""True differences in points."""
_CHUNK = 1000


@dataclass(frozen=True)
class World:
    """Standard deviations in points, and how many seeds both groups share."""

    seed_std: float
    seed_by_group_std: float
    num_seeds: int

    @property
    def name(self) -> str:
        return f"{self.seed_std:g}/{self.seed_by_group_std:g}, {self.num_seeds} seeds"


REFERENCE: dict[World, tuple[float, ...]] = {
    World(3, 1, 3): (11, 26, 47, 82), World(3, 1, 5): (13, 36, 69, 98),
    World(6, 2, 3): (9, 16, 25, 48), World(6, 2, 5): (10, 20, 39, 77),
    World(0, 4, 5): (8, 11, 15, 34),
}
"""Power of the paired comparison at each of ``GAINS``, in %, that this code must reach."""


@dataclass(frozen=True)
class Rates:
    """Shares of trials.

    Attributes:
        false_positives: a difference is found where there is none.
        power: it is found at each of ``GAINS``.
        missed: the 95 % interval does not hold the truth.
    """

    false_positives: float
    power: tuple[float, ...]
    missed: float


def draw(random: np.random.Generator, world: World, trials: int, levels: int = 1) -> Array:
    """Scores without any true difference, ``(levels, 2, trials, S, N)``; all share the seeds.

    The difference of two groups on an image varies by 8 for good, and each score by 8. What a seed
    makes of a group it makes of it on every level.
    """
    seeds, images = world.num_seeds, NUM_IMAGES

    def noise(std: float, *shape: int) -> Array:
        return random.normal(0, std, shape)

    return (noise(20, 1, 1, trials, 1, images) + noise(world.seed_std, 1, 1, trials, seeds, 1)
            + noise(8 / 2**0.5, levels, 2, trials, 1, images)
            + noise(world.seed_by_group_std, 1, 2, trials, seeds, 1)
            + noise(8, levels, 2, trials, seeds, images))


def simulate(world: World, trials: int, levels: int = 1) -> tuple[Rates, Rates]:
    """Paired and unpaired; with several levels of their effect averaged over these.

    Args:
        world: whose truth is known.
        trials: independent draws.
        levels: pairs of groups that differ in one factor alone.
    """
    random = np.random.default_rng((20220207, world.num_seeds, int(world.seed_std), levels))
    found = []
    for _ in range(-(-trials // _CHUNK)):
        scores = draw(random, world, _CHUNK, levels)
        groups = [scores[level, side] for level in range(levels) for side in (0, 1)]
        weights = [1 / levels, -1 / levels] * levels
        table = np.add.reduce([w * group for w, group in zip(weights, groups, strict=True)])
        means = table.mean(axis=(-2, -1))
        found.append([_judge(means, noise) for noise in (
            crossed_noise(mean_squares(table)), unpaired_noise(groups, weights))])
    paired, unpaired = np.mean(found, axis=0)
    return _rates(paired), _rates(unpaired)


def one_seed(world: World, trials: int) -> float:
    """How often p over images, all that one shared seed allows, calls noise a difference."""
    random = np.random.default_rng(5)
    scores = draw(random, World(world.seed_std, world.seed_by_group_std, 1), trials)[0]
    table = scores[0] - scores[1]
    noise = crossed_noise(mean_squares(table))
    return float((p_values(table.mean(axis=(-2, -1)), noise) < LEVEL).mean())


def _judge(means: Array, noise: Noise) -> list[float]:
    """Shares found without a gain and with each, and share of intervals that miss."""
    shares = [float((p_values(means + gain, noise) < LEVEL).mean()) for gain in (0.0, *GAINS)]
    return [*shares, float((np.abs(means) > half_width(noise, LEVEL)).mean())]


def _rates(shares: Sequence[float]) -> Rates:
    first, *power, missed = map(float, shares)
    return Rates(first, tuple(power), missed)


def _text(rates: Rates) -> str:
    power = ", ".join(f"{100 * share:.0f}" for share in rates.power)
    return f"{100 * rates.false_positives:5.1f} | {power:15s}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=20_000)
    trials = parser.parse_args().trials
    print(f"{trials} trials; false positives | power at true gains of "
          f"{', '.join(f'{gain:g}' for gain in GAINS)} points, in %")
    print(f"{'seed sd / seed by group':24s} {'unpaired':24s} {'paired':24s} reference    missed")
    for world, reference in REFERENCE.items():
        paired, unpaired = simulate(world, trials)
        print(f"{world.name:24s} {_text(unpaired):24s} {_text(paired):24s} "
              f"{', '.join(f'{power:g}' for power in reference):12s} {100 * paired.missed:.1f}")
    print("marginal effect over 3 levels that share seeds")
    for world in REFERENCE:
        paired, unpaired = simulate(world, trials // 2, levels=3)
        print(f"{world.name:24s} {_text(unpaired):24s} {_text(paired):24s}")
    print("one shared seed (or one against many): p over images below 0.05 without a difference, "
          "which is why it is no verdict")
    for world in REFERENCE:
        print(f"{world.name:24s} {100 * one_seed(world, trials):5.1f}")


if __name__ == "__main__":
    main()
