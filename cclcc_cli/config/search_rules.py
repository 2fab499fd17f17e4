"""How a search proposes settings, and how it ends hopeless trials."""

from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from cclcc_cli.config.schema import Count, Section, Seed, Share, default_tag


class TpeSampler(Section):
    """Tree-structured Parzen estimator: draws where good trials lie dense."""

    kind: Literal["tpe"] = "tpe"
    seed: Seed = 0
    """Of all draws."""
    startup_trials: Annotated[int, Field(ge=0)] = 10
    """Trials drawn at random before it begins."""


class GpSampler(Section):
    """Gaussian process: models the objective; slower, good for few trials of few numbers."""

    kind: Literal["gp"]
    seed: Seed = 0
    """Of all draws."""
    startup_trials: Annotated[int, Field(ge=0)] = 10
    """Trials drawn at random before it begins."""


class RandomSampler(Section):
    """Each trial by itself."""

    kind: Literal["random"]
    seed: Seed = 0
    """Of all draws."""


class GridSampler(Section):
    """Every combination once, in reading order; needs choices, whole numbers or steps."""

    kind: Literal["grid"]


class NoPruner(Section):
    """Every trial is trained to its end."""

    kind: Literal["none"] = "none"


class MedianPruner(Section):
    """Ends a trial whose best score so far is worse than the others' median at the same step."""

    kind: Literal["median"]
    startup_trials: Count = 5
    """Finished trials before it begins."""
    warmup: Share = Fraction(0)
    """Share of a trial's steps in which it is left alone."""


class HyperbandPruner(Section):
    """Ends all but the best of each bracket at steps that grow by a factor."""

    kind: Literal["hyperband"]
    min_steps: Count | None = None
    """The first of these steps; null: the first validation."""
    reduction: Annotated[int, Field(ge=2)] = 3
    """The factor, and the share that goes on is one in so many."""


class WilcoxonPruner(Section):
    """Ends a trial that is worse than the best one on the same images, by a signed-rank test."""

    kind: Literal["wilcoxon"]
    p: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Below it a trial ends."""
    startup_images: Annotated[int, Field(ge=2)] = 6
    """Images (times seeds or folds) that it needs."""


def _kind_of(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


Sampler = Annotated[
    Annotated[TpeSampler | GpSampler | RandomSampler | GridSampler, Field(discriminator="kind")],
    default_tag("kind", "tpe"), BeforeValidator(_kind_of),
]
Pruner = Annotated[
    Annotated[NoPruner | MedianPruner | HyperbandPruner | WilcoxonPruner,
              Field(discriminator="kind")],
    default_tag("kind", "none"), BeforeValidator(_kind_of),
]
