"""What the recipes of CLCC's rivals add. Constants are those of the source a recipe names.

SSL4MIS (github.com/HiLab-git/SSL4MIS, scripts ending in _2D) carries Mean Teacher, UA-MT, CPS,
ICT, URPC and entropy minimisation over to medical images with one set of constants: weight 0.1,
teacher 0.99, a sigmoid ramp. Its ramp takes the whole budget (``ramp_up: 1``); here all methods
rise over the same third, so that groups do not differ by their schedules. Its supervised loss is
the mean of cross-entropy and Dice, ours their sum: beside it a weight of 0.1 counts half as much
as there.
"""

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field

from cclcc_cli.config.schema import Decay, NotNegative, Positive, Probability, Section, Share

Threshold = Annotated[float, Field(ge=0.5, le=1)]
Statistics = Literal["shared", "separate"]
RAMP = Fraction(1, 3)


class Taught(Section):
    """A student beside a teacher that is the moving average of its weights."""

    consistency_weight: NotNegative = 0.1
    """Of the difference to the teacher."""
    ramp_up: Share = RAMP
    """Share of the budget over which the weight rises as exp(-5 (1 - t)^2)."""
    teacher_decay: Decay = 0.99
    """Of the moving average; below it while the steps are few: 1 - 1 / (steps + 1)."""
    predictor: Literal["student", "teacher"] = "student"
    """Which of the two is validated, tested and kept; SSL4MIS keeps the student."""


class MeanTeacher(Taught):
    """Mean squared difference to a teacher that sees the image with noise."""

    noise: NotNegative = 0.1
    """Standard deviation of the noise on the teacher's normalised input."""
    noise_limit: NotNegative = 0.2
    """The most that noise changes a value."""


class Uamt(Taught):
    """The same, where the teacher is sure."""

    noise: NotNegative = 0.1
    """Standard deviation of the noise on the teacher's normalised input."""
    noise_limit: NotNegative = 0.2
    """The most that noise changes a value."""
    num_passes: Annotated[int, Field(ge=2)] = 8
    """Noisy passes of the teacher, whose mean prediction gives the entropy."""
    threshold_start: Probability = 0.75
    """Entropy below which a pixel counts, as a share of ln 2, before the ramp; 1 at its end."""


class Ict(Taught):
    """Consistency on a mixture of two images: the mixture of the teacher's two answers."""

    mix_alpha: Positive = 0.2
    """Of the Beta distribution that shares are drawn from."""


class Cps(Section):
    """Two networks, each taught by the other's hard labels."""

    cross_weight: NotNegative = 0.1
    """Of the cross-entropy to the other's labels; 1.5 in the paper, for natural images."""
    ramp_up: Share = RAMP
    """Share of the budget over which the weight rises."""
    images: Literal["unlabeled", "all"] = "unlabeled"
    """Whether labelled images teach across as well, as in the paper."""


class Entropy(Section):
    """Predictions on unlabelled images are to be sure of themselves."""

    entropy_weight: NotNegative = 0.1
    """Of the mean entropy, which lies from 0 to 1."""
    ramp_up: Share = RAMP
    """Share of the budget over which the weight rises."""


class PseudoLabels(Section):
    """Labels from the weak view, where it is sure, teach other views."""

    pseudo_weight: NotNegative = 1.0
    """Of the cross-entropy to the weak view's labels."""
    ramp_up: Share = Fraction(0)
    """Share of the budget over which the weight rises; published without."""
    threshold: Threshold = 0.95
    """Confidence from which a pixel counts; at 1.0 nothing is taught."""
    cutmix: Probability = 0.5
    """Probability that a strong view gets a box of another; UniMatch's FixMatch has it."""
    strong_statistics: Statistics = "separate"
    """Whether running BatchNorm statistics learn from strong views; shared as published."""


class FixMatch(PseudoLabels):
    """One strong view."""


class UniMatch(PseudoLabels):
    """FixMatch with two strong views, and a weak view whose features are dropped."""

    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Probability that a feature channel is dropped."""
    dropout_at: Literal["encoder", "last_map"] = "encoder"
    """Published after the encoder; the last decoder map is what every network has."""


class Urpc(Section):
    """Predictions at several scales are pulled to their mean, less where they disagree."""

    consistency_weight: NotNegative = 0.1
    """Of the rectified difference to the mean; at 0 there are no further scales at all."""
    coarse_weight: NotNegative = 1.0
    """Of each coarser scale's supervised loss beside the finest's; at 1 their plain mean."""
    ramp_up: Share = RAMP
    """Share of the budget over which the weight rises."""
    scales: Literal["decoder", "pooled"] = "decoder"
    """Heads on the decoder's stages, or on the last map pooled, which every network has."""
    num_scales: Annotated[int, Field(ge=2, le=4)] = 4
    """How many, the full one included."""
    perturbed: bool = False
    """Drop and scale features before the coarser heads, as SSL4MIS does."""


class Bcp(Section):
    """A box of a labelled image pasted into an unlabelled one, and the other way round."""

    unlabeled_weight: NotNegative = 0.5
    """Of pixels whose label is the teacher's; at 0 nothing is pasted at all."""
    box: Annotated[float, Field(gt=0, lt=1)] = 2 / 3
    """Side of the pasted box as a share of the image's."""
    pretraining: Share = RAMP
    """Share of the budget that pastes labelled images into each other first."""
    teacher_decay: Decay = 0.99
    """Of the moving average that makes labels."""
    largest_component: bool = False
    """Keep the largest region of the teacher's mask, as published; costs a wait for the device."""
    predictor: Literal["student", "teacher"] = "student"
    """Which of the two is validated, tested and kept."""
