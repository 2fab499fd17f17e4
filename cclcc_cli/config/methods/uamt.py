"""The recipe of UA-MT."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from cclcc_cli.config.base import TwoStreamRecipe
from cclcc_cli.config.clauses import NOTHING, rising
from cclcc_cli.config.methods.student_teacher import (
    StudentTeacherOptions,
    noise_clause,
    teacher_clause,
)
from cclcc_cli.config.schema import NotNegative, Probability


class UamtOptions(StudentTeacherOptions):
    """As Mean Teacher, but only where the teacher is confident."""

    noise: NotNegative = 0.1
    """Standard deviation of the noise on the teacher's normalised input."""
    noise_limit: NotNegative = 0.2
    """The most that noise changes a value."""
    num_passes: Annotated[int, Field(ge=2)] = 8
    """Noisy passes of the teacher, whose mean prediction gives the entropy."""
    threshold_start: Probability = 0.75
    """Entropy below which a pixel counts, as a share of ln 2, before the ramp; 1 at its end."""


class UamtRecipe(TwoStreamRecipe):
    """Mean Teacher where the teacher's entropy over noisy passes is low."""

    source: ClassVar[str] = "UA-MT, Yu et al., MICCAI 2019, arXiv:1907.07034; SSL4MIS"
    weights: ClassVar[tuple[str, ...]] = ("consistency_weight",)
    example: ClassVar[dict[str, Any]] = {"num_passes": 2}

    method: Literal["uamt"]
    """Uncertainty-aware Mean Teacher."""
    uamt: UamtOptions = UamtOptions()
    """Its term."""

    @property
    def clause(self) -> str:
        options = self.uamt
        if not options.consistency_weight:
            return NOTHING
        return ("on unlabelled images the mean squared difference to the probabilities of a "
                f"teacher ({rising(options.consistency_weight, options.ramp_up)}) was added, over "
                f"pixels where the entropy of the mean of {options.num_passes} noisy passes lay "
                f"below a threshold that rose from {options.threshold_start:g} ln 2 to ln 2; the "
                f"teacher's input bore {noise_clause(options.noise, options.noise_limit)}; "
                f"{teacher_clause(options.teacher_decay, options.predictor)}")
