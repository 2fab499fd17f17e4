"""What the recipes of methods with a student and a teacher share."""

from typing import Literal

from cclcc_cli.config.methods.ssl4mis import RAMP
from cclcc_cli.config.schema import Decay, NotNegative, Section, Share


class StudentTeacherOptions(Section):
    """A student beside a teacher that is the moving average of its weights."""

    consistency_weight: NotNegative = 0.1
    """Of the difference to the teacher."""
    ramp_up: Share = RAMP
    """Share of the budget over which the weight rises as exp(-5 (1 - t)^2)."""
    teacher_decay: Decay = 0.99
    """Of the moving average; below it while the steps are few: 1 - 1 / (steps + 1)."""
    predictor: Literal["student", "teacher"] = "student"
    """Which of the two is validated, tested and kept; SSL4MIS keeps the student."""


def teacher_clause(decay: float, predictor: str) -> str:
    """What the teacher was, and which of the two was kept."""
    return (f"the teacher was a moving average of the weights (decay {decay:g}), and the "
            f"{predictor} was validated and kept")


def noise_clause(noise: float, limit: float) -> str:
    """What a teacher's input bore."""
    if not noise:
        return "no noise"
    return f"Gaussian noise (standard deviation {noise:g}, at most {limit:g})"
