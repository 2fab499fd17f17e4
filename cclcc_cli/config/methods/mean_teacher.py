"""The recipe of Mean Teacher."""

from typing import ClassVar, Literal

from cclcc_cli.config.base import TwoStreamRecipe
from cclcc_cli.config.clauses import NOTHING, rising
from cclcc_cli.config.methods.student_teacher import (
    StudentTeacherOptions,
    noise_clause,
    teacher_clause,
)
from cclcc_cli.config.schema import NotNegative


class MeanTeacherOptions(StudentTeacherOptions):
    """Mean squared difference to a teacher that sees the image with noise."""

    noise: NotNegative = 0.1
    """Standard deviation of the noise on the teacher's normalised input."""
    noise_limit: NotNegative = 0.2
    """The most that noise changes a value."""


class MeanTeacherRecipe(TwoStreamRecipe):
    """Consistency with a teacher that is the moving average of the student."""

    source: ClassVar[str] = "Tarvainen and Valpola, NeurIPS 2017, arXiv:1703.01780; SSL4MIS"
    weights: ClassVar[tuple[str, ...]] = ("consistency_weight",)

    method: Literal["mean_teacher"]
    """Mean Teacher."""
    mean_teacher: MeanTeacherOptions = MeanTeacherOptions()
    """Its term."""

    @property
    def clause(self) -> str:
        options = self.mean_teacher
        if not options.consistency_weight:
            return NOTHING
        return ("on unlabelled images the mean squared difference to the probabilities of a "
                f"teacher ({rising(options.consistency_weight, options.ramp_up)}) was added, whose "
                f"input bore {noise_clause(options.noise, options.noise_limit)}; "
                f"{teacher_clause(options.teacher_decay, options.predictor)}")
