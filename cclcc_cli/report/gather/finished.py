"""What a report needs of one finished run."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cclcc_cli.metrics.scores import Metric

Split = Literal["val", "test"]


@dataclass(frozen=True)
class Costs:
    """What a run took.

    Attributes:
        predictor_parameters: weights of the network that is kept.
        training_parameters: of all that training held, teachers and projectors included.
        learning_images: whole images through a network per step, with a graph.
        forward_images: the same without one.
        images_per_second: of the batch, while stepping.
        peak_memory_bytes: of the device, or of the process.
        memory_of: which of the two.
    """

    predictor_parameters: int
    training_parameters: int
    learning_images: float
    forward_images: float
    images_per_second: float
    peak_memory_bytes: int
    memory_of: str = "process"


@dataclass(frozen=True)
class RunUsage:
    """What a run used up; None where it does not say.

    Attributes:
        images: that its steps took, each as often as it came, labelled or not.
        step_seconds: on the device, in optimiser steps alone.
        wall_seconds: from start to end in all sessions, validation and test included.
        host: the machine that ended it.
    """

    images: int | None = None
    step_seconds: float | None = None
    wall_seconds: float | None = None
    host: str | None = None


@dataclass(frozen=True)
class Leak:
    """Images of a split that show the same content as an image used for training or selection.

    Attributes:
        count: of them, out of ``images``.
        dice: mean over the other images, at the working size.
    """

    count: int
    images: int
    dice: float | None


@dataclass(frozen=True)
class FinishedRun:
    """What a table needs of one finished run.

    Attributes:
        path: the run folder.
        group: the digest of everything but the seed.
        data: name and size of the store, such as ``kvasir-160``.
        labeled: training images that keep their labels, out of ``train_images``.
        steps: optimiser steps taken.
        scores: means over images, by split; None for one that is younger than the run; a split
            without images is not in it.
        rules: the conventions of evaluation in words, by split.
        conditions: what else must agree between groups for a fair comparison, by what it is.
        test_reads: how often the test split was read.
        leaks: by split, what the audit found; a split without leaked images is not in it.
        costs: what it took; None for runs from before that was kept.
        spent: what it used up.
        best_step: of the checkpoint that scored best on validation, whose scores these are; None
            for runs that do not say.
        fold: of a cross-validation; None for the main splits.
        label_seed: which labelled subset: the seed that draws it, ``run`` where that is the run's
            own, ``contiguous`` for a block of names; None for runs that do not say.
        pool: the digest of everything but the seed, the fold and the label seed.
    """

    path: Path
    group: str
    data: str
    method: str
    name: str
    labeled: int
    train_images: int
    seed: int
    steps: int
    scores: Mapping[Split, Mapping[Metric, float | None]]
    rules: Mapping[Split, Mapping[str, str]]
    conditions: Mapping[str, str]
    test_reads: int
    leaks: Mapping[Split, "Leak"]
    costs: Costs | None = None
    spent: RunUsage = RunUsage()
    best_step: int | None = None
    fold: int | None = None
    label_seed: int | str | None = None
    pool: str = ""

    @property
    def subset(self) -> int | None:
        """The label seed where the recipe fixes it."""
        return self.label_seed if isinstance(self.label_seed, int) else None

    @property
    def learnt_from(self) -> float | None:
        """Whole images through a network with a graph, over all steps; None if it does not say."""
        return None if self.costs is None else self.costs.learning_images * self.steps
